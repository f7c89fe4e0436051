//! What the night does to messages.

use baton::contract::{Claim, Trigger};
use dispatch::calls::Letter;
use serde_json::json;

use crate::support::db::Db;
use crate::support::settling::messages::{Stage, claim_auto_syncs, claimed, letter, sent, told};

/// By day.
const NOW: &str = "";

/// The member's zone, the auto-sync's, the zones of the number, the default one; at noon by UTC, when the message goes out.
#[tokio::test]
async fn the_best_guess_at_the_recipients_zone_counts() -> anyhow::Result<()> {
    let tokyo = "2026-01-10T23:00";
    let angeles = "2026-01-10T16:00";
    let auckland = "2026-01-10T19:00";
    let (berlin, none): (&[&'static str], &[&'static str]) = (&["Europe/Berlin"], &[]);
    for (member, sync, number, default, expected) in [
        (
            Some("Asia/Tokyo"),
            Some("Europe/Berlin"),
            berlin,
            "UTC",
            tokyo,
        ),
        (
            Some("Europe/Berlin"),
            Some("Asia/Tokyo"),
            &["Asia/Tokyo"],
            "Asia/Tokyo",
            NOW,
        ),
        (None, Some("Asia/Tokyo"), berlin, "UTC", tokyo),
        (
            Some("Mars/Olympus"),
            Some("America/Los_Angeles"),
            berlin,
            "UTC",
            angeles,
        ),
        (
            Some(""),
            Some("America/Los_Angeles"),
            berlin,
            "UTC",
            angeles,
        ),
        (
            Some("JST"),
            Some("Europe/Berlin"),
            &["Asia/Tokyo"],
            "UTC",
            NOW,
        ),
        (
            None,
            None,
            &["Europe/Berlin", "America/Los_Angeles"],
            "UTC",
            angeles,
        ),
        (None, Some("nonsense"), berlin, "Asia/Tokyo", NOW),
        (None, None, none, "Pacific/Auckland", auckland),
        (Some("?"), Some("?"), none, "Europe/Berlin", NOW),
    ] {
        let db = Db::new().await?;
        db.owner.batch_execute("set time zone 'UTC'").await?;
        db.freeze_at("2026-01-10T12:00Z").await?;
        db.configure_settings(json!({ "default_zone": default }))
            .await?;
        let id = db.add_auto_sync(1, "25 hours").await?;
        db.owner
            .execute(
                "update auto_syncs set timezone = $2 where id = $1",
                &[&id, &sync],
            )
            .await?;
        db.owner
            .execute("update crew_members set timezone = $1", &[&member])
            .await?;
        let worker = db.worker().await?;
        let attempt = claimed(claim_auto_syncs(&worker, Trigger::Manual).await?)?;
        let mut stage = Stage {
            db,
            worker,
            attempt,
        };
        let letters = |stage: &Stage| {
            let it = &stage.attempt.messages[0];
            vec![Letter {
                zones: number.to_vec(),
                ..letter(it.id, &it.recipient)
            }]
        };
        let row = format!("{member:?} {sync:?} {number:?} {default}");
        let gone = stage.submit_letters(letters(&stage)).await?;
        assert_eq!(gone, usize::from(expected == NOW), "{row}");
        if expected == NOW {
            continue;
        }
        let held = "select concat_ws(' ', status, reason, to_char(held_until, 'YYYY-MM-DD\"T\"HH24:MI')) from message_log";
        assert_eq!(
            stage.db.list(held, &[]).await?,
            [format!("reserved quiet_hours {expected}")],
            "{row}"
        );
        stage.settle(Vec::new()).await?;
        // It goes out then, and not before.
        stage.db.freeze_at(&format!("{expected}:00Z")).await?;
        stage.db.advance("-1 second").await?;
        let claim = claim_auto_syncs(&stage.worker, Trigger::Tick).await?;
        assert!(matches!(claim, Claim::Idle { .. }), "{row}");
        stage.db.advance("1 second").await?;
        stage.attempt = claimed(claim_auto_syncs(&stage.worker, Trigger::Tick).await?)?;
        assert_eq!(stage.submit_letters(letters(&stage)).await?, 1, "{row}");
        stage.settle(vec![told(stage.ids()[0], sent())]).await?;
        assert_eq!(stage.states().await?, ["submitted"]);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_quiet_without_end_is_held_until_it_expires() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze_at("2026-01-10T12:00Z").await?;
    db.configure_settings(json!({ "quiet_from": "12:00", "quiet_until": "10:00" }))
        .await?;
    db.add_assignments(1).await?;
    let mut stage = Stage::on(db).await?;
    let letters = |stage: &Stage| {
        let it = &stage.attempt.messages[0];
        let zones = vec!["Europe/Berlin", "Asia/Tokyo"];
        vec![Letter {
            zones,
            ..letter(it.id, &it.recipient)
        }]
    };
    assert_eq!(stage.submit_letters(letters(&stage)).await?, 0);
    stage.settle(Vec::new()).await?;
    let held = "select concat_ws(' ', reason, held_until - baton.clock() = interval '7 days') from message_log";
    assert_eq!(stage.db.list(held, &[]).await?, ["quiet_hours t"]);
    stage.db.advance("7 days").await?;
    stage.claim().await?;
    assert_eq!(stage.submit_letters(letters(&stage)).await?, 0);
    assert_eq!(stage.states().await?, ["failed expired"]);
    Ok(())
}

#[tokio::test]
async fn a_default_zone_that_nobody_knows_is_refused() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for zone in ["Mars/Olympus", "CET", "", "+01:00"] {
        let error = db.configure_settings(json!({ "default_zone": zone })).await;
        let error = format!("{:?}", error.expect_err(zone));
        assert!(error.contains("default_zone is no time zone"), "{error}");
    }
    Ok(())
}
