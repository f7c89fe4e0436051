//! Corrections of recipients and settings, while messages are held or after they failed.

use baton::contract::native::call;
use baton::contract::{Claim, Trigger, codes};
use dispatch::calls::ResolveMessage;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::db::Db;
use crate::support::settling::messages::{
    Stage, claim_auto_syncs, claim_reminders, claimed, letter_to,
};

/// Night in Auckland, noon in London.
const NOON: &str = "2026-01-10T12:00Z";
/// What is held, until when, and for whom.
const HELD: &str = "select concat_ws(' ', reason, to_char(held_until at time zone 'UTC', 'DD HH24:MI'), recipient) from message_log order by id";

/// One reminder that is held, of an assignment in this zone.
async fn held_reminder(zone: &str, settings: Value) -> anyhow::Result<Stage> {
    let db = Db::new().await?;
    db.freeze_at(NOON).await?;
    db.configure_settings(settings).await?;
    db.add_assignments(1).await?;
    let update = "update assignments set timezone = $1";
    db.owner.execute(update, &[&zone]).await?;
    let stage = Stage::on(db).await?;
    anyhow::ensure!(stage.submit().await? == 0, "it is held");
    stage.settle(Vec::new()).await?;
    Ok(stage)
}

async fn resolve_again(db: &Db, id: Uuid) -> Result<Value, tokio_postgres::Error> {
    let again = ResolveMessage {
        message_id: id,
        resolution: "again".to_owned(),
        who: "ann".to_owned(),
    };
    call(&db.owner, again).await
}

#[tokio::test]
async fn a_corrected_record_moves_the_hold_of_its_reminder() -> anyhow::Result<()> {
    let night = json!({ "quiet_from": "21:00", "quiet_until": "08:00" });
    for (correction, recipient, then) in [
        ("timezone = 'Europe/London'", "+41791000001", None),
        ("timezone = 'Australia/Perth'", "+41791000001", None),
        (
            "timezone = 'America/Los_Angeles'",
            "+41791000001",
            Some("quiet_hours 10 16:00 +41791000001"),
        ),
        (
            "peer_mentor_phone = '+41791000099'",
            "+41791000099",
            Some("quiet_hours 10 19:00 +41791000099"),
        ),
        (
            "peer_mentor_phone = null, peer_mentor_email = 'ann@firma.de', timezone = 'UTC'",
            "ann@firma.de",
            None,
        ),
    ] {
        let mut stage = held_reminder("Pacific/Auckland", night.clone()).await?;
        assert!(stage.is_idle().await?, "{correction}");
        let other = "update assignments set contact_name = 'Bo', timezone = timezone";
        stage.db.owner.execute(other, &[]).await?;
        assert!(stage.is_idle().await?, "nothing was corrected");
        let update = format!("update assignments set {correction}");
        stage.db.owner.execute(&update, &[]).await?;
        stage.claim().await?;
        assert_eq!(stage.attempt.messages[0].recipient, recipient);
        let gone = stage.submit().await?;
        assert_eq!(gone, usize::from(then.is_none()), "{correction}");
        if let Some(then) = then {
            assert_eq!(stage.db.list(HELD, &[]).await?, [then], "{correction}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_reminder_whose_address_is_taken_away_fails() -> anyhow::Result<()> {
    let stage = held_reminder("Pacific/Auckland", json!({ "daily_cap": 1 })).await?;
    let update = "update assignments set peer_mentor_phone = ' '";
    stage.db.owner.execute(update, &[]).await?;
    assert!(stage.is_idle().await?);
    assert_eq!(stage.states().await?, ["failed no_address"]);

    let id = stage.ids()[0];
    let error = resolve_again(&stage.db, id)
        .await
        .expect_err("nowhere to go");
    assert_eq!(
        error.code().map(|it| it.code()),
        Some(codes::ILLEGAL_TRANSITION)
    );
    let update = "update assignments set peer_mentor_email = 'ann@firma.de'";
    stage.db.owner.execute(update, &[]).await?;
    let answer = resolve_again(&stage.db, id).await?;
    assert_eq!(answer["recipient"], json!("ann@firma.de"));
    Ok(())
}

#[tokio::test]
async fn a_corrected_member_or_auto_sync_moves_the_hold_of_its_message() -> anyhow::Result<()> {
    for correction in [
        "update crew_members set timezone = 'Europe/London'",
        "update auto_syncs set timezone = 'Europe/London'",
        "update crew_members set phone = '+41781000099', timezone = 'UTC'",
        "update crew_members set phone = null, email = 'ann@firma.de', timezone = 'UTC'",
    ] {
        let db = Db::new().await?;
        db.freeze_at(NOON).await?;
        let id = db.add_auto_sync(1, "25 hours").await?;
        let zone = "update auto_syncs set timezone = 'Pacific/Auckland' where id = $1";
        db.owner.execute(zone, &[&id]).await?;
        let worker = db.worker().await?;
        let attempt = claimed(claim_auto_syncs(&worker, Trigger::Manual).await?)?;
        let mut stage = Stage {
            db,
            worker,
            attempt,
        };
        assert_eq!(stage.submit().await?, 0);
        let settle = "select baton_api.settle_messages($1, '[]')";
        stage
            .worker
            .execute(settle, &[&stage.attempt.attempt_id])
            .await?;
        let claim = claim_auto_syncs(&stage.worker, Trigger::Tick).await?;
        assert!(matches!(claim, Claim::Idle { .. }), "{claim:?}");

        stage.db.owner.execute(correction, &[]).await?;
        stage.attempt = claimed(claim_auto_syncs(&stage.worker, Trigger::Tick).await?)?;
        let now = "select coalesce(phone, email) from crew_members";
        let now = stage.db.list(now, &[]).await?;
        assert_eq!(
            [stage.attempt.messages[0].recipient.as_str()],
            [now[0].as_str()]
        );
        let letters = stage.attempt.messages.iter().map(letter_to).collect();
        assert_eq!(stage.submit_letters(letters).await?, 1, "{correction}");
    }
    Ok(())
}

#[tokio::test]
async fn changed_settings_move_what_is_held_and_each_message_once() -> anyhow::Result<()> {
    let wide = json!({ "quiet_from": "12:00", "quiet_until": "10:00" });
    for (change, then) in [
        (
            json!({ "quiet_from": "21:00", "quiet_until": "08:00" }),
            None,
        ),
        (
            json!({ "quiet_until": "11:00" }),
            Some("quiet_hours 11 11:00 +41791000001"),
        ),
        (
            json!({ "quiet_until": "09:30" }),
            Some("quiet_hours 11 09:30 +41791000001"),
        ),
    ] {
        let mut stage = held_reminder("UTC", wide.clone()).await?;
        assert_eq!(
            stage.db.list(HELD, &[]).await?,
            ["quiet_hours 11 10:00 +41791000001"]
        );
        stage
            .db
            .configure_settings(json!({ "revalidate_after": "9 days" }))
            .await?;
        assert!(stage.is_idle().await?, "another setting holds nothing");
        stage.db.configure_settings(change.clone()).await?;
        stage.claim().await?;
        assert_eq!(
            stage.submit().await?,
            usize::from(then.is_none()),
            "{change}"
        );
        if let Some(then) = then {
            assert_eq!(stage.db.list(HELD, &[]).await?, [then]);
            stage.settle(Vec::new()).await?;
            assert!(stage.is_idle().await?, "it is held by the new settings");
        }
    }
    Ok(())
}

#[tokio::test]
async fn changed_settings_release_held_messages_batch_by_batch() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze_at(NOON).await?;
    db.configure_settings(json!({ "quiet_from": "12:00", "quiet_until": "10:00" }))
        .await?;
    db.add_assignments(5).await?;
    let mut stage = Stage::on(db).await?;
    assert_eq!((stage.ids().len(), stage.submit().await?), (5, 0));
    stage.settle(Vec::new()).await?;
    stage
        .db
        .configure_job("follow-up-reminders", json!({ "batch_size": 2 }))
        .await?;
    stage
        .db
        .configure_settings(json!({ "quiet_from": "10:00" }))
        .await?;
    for expected in [2, 2, 1] {
        stage.claim().await?;
        assert_eq!(
            (stage.ids().len(), stage.submit().await?),
            (expected, expected)
        );
        stage.settle(Vec::new()).await?;
    }
    assert!(stage.is_idle().await?);
    Ok(())
}

#[tokio::test]
async fn a_correction_neither_waits_for_a_claim_nor_fails_by_baton() -> anyhow::Result<()> {
    let mut stage = held_reminder("Pacific/Auckland", json!({ "daily_cap": 2 })).await?;
    let mut other = stage.db.session().await?;
    let claim = other.transaction().await?;
    let lock = "select id from baton.messages for update";
    claim.execute(lock, &[]).await?;
    stage
        .db
        .owner
        .batch_execute("set statement_timeout = '5s'")
        .await?;
    let correct = "update assignments set timezone = 'UTC'";
    assert_eq!(stage.db.owner.execute(correct, &[]).await?, 1);
    claim.rollback().await?;
    // The end of the hold reads the record anew all the same.
    stage.db.advance("7 hours").await?;
    stage.claim().await?;
    assert_eq!(stage.submit().await?, 1);

    let broken = "alter table baton.messages rename column due_at to due";
    stage.db.owner.batch_execute(broken).await?;
    let correct = "update assignments set timezone = 'Asia/Tokyo'";
    assert_eq!(stage.db.owner.execute(correct, &[]).await?, 1);
    Ok(())
}

#[tokio::test]
async fn again_goes_to_the_recipient_that_the_record_has_now() -> anyhow::Result<()> {
    async fn failed(db: &Db, id: Uuid) -> anyhow::Result<()> {
        let fail = "update baton.messages set status = 'failed', reason = 'invalid_number', attempt_id = null, due_at = null, ended_at = baton.clock() where id = $1";
        db.owner.execute(fail, &[&id]).await?;
        Ok(())
    }
    async fn reopened(worker: &Client, auto: bool) -> anyhow::Result<String> {
        let claim = match auto {
            true => claim_auto_syncs(worker, Trigger::Tick).await?,
            false => claim_reminders(worker, Trigger::Tick).await?,
        };
        Ok(claimed(claim)?.messages[0].recipient.clone())
    }
    let stage = Stage::new(1).await?;
    let id = stage.ids()[0];
    stage.settle(Vec::new()).await?;
    failed(&stage.db, id).await?;
    let unchanged = resolve_again(&stage.db, id).await?;
    assert_eq!(unchanged["corrected_from"], Value::Null);
    failed(&stage.db, id).await?;
    let correct = "update assignments set peer_mentor_phone = '+41791000099'";
    stage.db.owner.execute(correct, &[]).await?;
    let answer = resolve_again(&stage.db, id).await?;
    assert_eq!(answer["recipient"], json!("+41791000099"));
    assert_eq!(answer["corrected_from"], json!("+41791000001"));
    assert_eq!(reopened(&stage.worker, false).await?, "+41791000099");

    let db = Db::new().await?;
    db.freeze().await?;
    db.add_auto_sync(1, "25 hours").await?;
    let worker = db.worker().await?;
    let attempt = claimed(claim_auto_syncs(&worker, Trigger::Manual).await?)?;
    let settle = "select baton_api.settle_messages($1, '[]')";
    worker.execute(settle, &[&attempt.attempt_id]).await?;
    let id = attempt.messages[0].id;
    failed(&db, id).await?;
    let correct = "update crew_members set phone = null, email = 'ann@firma.de'";
    db.owner.execute(correct, &[]).await?;
    let answer = resolve_again(&db, id).await?;
    assert_eq!(answer["corrected_from"], json!("+41781000001"));
    assert_eq!(reopened(&worker, true).await?, "ann@firma.de");
    Ok(())
}
