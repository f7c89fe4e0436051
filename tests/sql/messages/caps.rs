//! How many messages one address gets in a day, and what may not go out any more.

use baton::contract::Trigger;
use dispatch::calls::{Letter, Submit};
use serde_json::json;

use crate::support::db::Db;
use crate::support::settling::messages::{
    Stage, claim_auto_syncs, claimed, letter, letter_to, no_quiet_hours, sent, settle_messages,
    submit, told,
};
use crate::support::until;

const ADDRESS: &str = "+41791234567";

#[tokio::test]
async fn an_address_gets_so_many_messages_in_a_day_from_both_jobs_together() -> anyhow::Result<()> {
    let mut stage = Stage::new(2).await?;
    assert_eq!(stage.submit_letters(to_one(&stage)).await?, 2);
    let outcomes = stage.ids().into_iter().map(|id| told(id, sent())).collect();
    stage.settle(outcomes).await?;
    stage.db.advance("1 hour").await?;
    stage.db.add_auto_sync(2, "25 hours").await?;
    stage.attempt = claimed(claim_auto_syncs(&stage.worker, Trigger::Manual).await?)?;
    assert_eq!(stage.submit_letters(to_one(&stage)).await?, 1);
    let held = "select concat_ws(' ', status, reason, held_until - baton.clock()) from message_log where job = 'auto-sync-jobs' and held_until is not null";
    // When the first one is a day old there is room again.
    assert_eq!(
        stage.db.list(held, &[]).await?,
        ["reserved daily_cap 23:00:00"]
    );
    let outcomes = stage.ids().into_iter().map(|id| told(id, sent())).collect();
    stage.settle(outcomes).await?;
    stage.db.advance("23 hours").await?;
    stage.attempt = claimed(claim_auto_syncs(&stage.worker, Trigger::Manual).await?)?;
    assert_eq!(stage.submit_letters(to_one(&stage)).await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_cap_holds_inside_one_wave_as_well() -> anyhow::Result<()> {
    for cap in [1, 3, 5] {
        let stage = Stage::new(5).await?;
        stage
            .db
            .configure_settings(json!({ "daily_cap": cap }))
            .await?;
        let go = stage.submit_letters(to_one(&stage)).await?;
        assert_eq!(i64::try_from(go)?, cap);
        let held = "select count(*) from messages where reason = 'daily_cap' and due_at = baton.clock() + interval '1 day' and attempt_id is null";
        assert_eq!(stage.db.count(held).await?, 5 - cap);
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_go_out_uses_nothing_up() -> anyhow::Result<()> {
    for stopping in [
        "insert into activities (assignment_id) select id from assignments where peer_mentor_name <> 'Mentor 4'",
        "update messages set expires_at = baton.clock() where fields->>'name' <> 'Mentor 4'",
        "update messages set time_zones = '{Asia/Tokyo}' where fields->>'name' <> 'Mentor 4'; update settings set quiet_from = '20:00', quiet_until = '08:00'",
    ] {
        let db = Db::new().await?;
        // By day in the default zone, by night in Tokyo.
        db.freeze_at("2026-06-01T12:00Z").await?;
        no_quiet_hours(&db).await?;
        db.configure_settings(json!({ "daily_cap": 1 })).await?;
        db.add_assignments(4).await?;
        let stage = Stage::on(db).await?;
        stage.db.owner.batch_execute(stopping).await?;
        assert_eq!(stage.submit_letters(to_one(&stage)).await?, 1, "{stopping}");
        let gone = "select fields->>'name' from messages where status = 'submitting'";
        assert_eq!(stage.db.list(gone, &[]).await?, ["Mentor 4"]);
    }
    Ok(())
}

#[tokio::test]
async fn of_two_that_submit_to_one_address_at_once_the_second_sees_the_first() -> anyhow::Result<()>
{
    let stage = Stage::new(1).await?;
    stage
        .db
        .configure_settings(json!({ "daily_cap": 1 }))
        .await?;
    stage.db.add_auto_sync(1, "25 hours").await?;
    let other = stage.db.worker().await?;
    let attempt = claimed(claim_auto_syncs(&other, Trigger::Manual).await?)?;
    stage.worker.batch_execute("begin").await?;
    assert_eq!(stage.submit_letters(to_one(&stage)).await?, 1);
    let second = tokio::spawn(async move {
        let letters = vec![letter(attempt.messages[0].id, ADDRESS)];
        submit(&other, attempt.attempt_id, Vec::new(), letters).await
    });
    until("the second waits for the address", async || {
        let n = stage.db.sessions("wait_event = 'advisory'").await?;
        Ok((n > 0).then_some(()))
    })
    .await?;
    stage.worker.batch_execute("commit").await?;
    assert_eq!(second.await??, Submit::Submitting { go: Vec::new() });
    Ok(())
}

#[tokio::test]
async fn what_has_expired_is_not_sent() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    let until = "select expires_at - baton.clock() = interval '7 days' from messages";
    assert_eq!(
        stage.db.text(until).await?.as_deref(),
        Some("true"),
        "a reminder is good for a period"
    );
    stage
        .db
        .owner
        .execute("update messages set expires_at = baton.clock()", &[])
        .await?;
    assert_eq!(stage.submit().await?, 0);
    assert_eq!(stage.states().await?, ["failed expired"]);
    let settled = settle_messages(&stage.worker, stage.attempt.attempt_id, Vec::new());
    assert!(
        matches!(
            settled.await?,
            dispatch::calls::SettledMessages::Settled { failed: 1, .. }
        ),
        "and the run says so"
    );
    Ok(())
}

/// Letters of all messages of the present attempt to the same address.
fn to_one(stage: &Stage) -> Vec<Letter> {
    let ids = stage.ids().into_iter();
    ids.map(|id| letter(id, ADDRESS)).collect()
}

#[tokio::test]
async fn what_costs_too_much_is_not_sent() -> anyhow::Result<()> {
    let stage = Stage::new(4).await?;
    stage
        .db
        .configure_settings(json!({ "allowed_regions": "CH,DE", "most_segments": 2 }))
        .await?;
    let cases = [
        (Some("CH"), 2),
        (Some("US"), 1),
        (Some("DE"), 3),
        // A number of no country.
        (None, 1),
    ];
    let letters = stage.attempt.messages.iter().zip(cases);
    let letters = letters.map(|(message, (region, segments))| Letter {
        region: region.map(str::to_owned),
        segments: Some(segments),
        ..letter_to(message)
    });
    assert_eq!(stage.submit_letters(letters.collect()).await?, 2);
    assert_eq!(
        stage.states().await?,
        [
            "submitting",
            "failed region_not_allowed",
            "failed too_long",
            "submitting"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn sending_pauses_before_the_ceiling_of_an_hour_is_exceeded() -> anyhow::Result<()> {
    let mut stage = Stage::in_batches(5, 3).await?;
    stage
        .db
        .configure_settings(json!({ "hourly_ceiling": 4 }))
        .await?;
    stage.end_as(&sent()).await?;
    stage.claim().await?;
    assert_eq!(stage.submit().await?, 0, "3 and 2 are more than 4");
    stage.settle(Vec::new()).await?;
    let paused = "select count(*) from baton.jobs where pause_reason like '%hourly_ceiling (4)%'";
    assert_eq!(stage.db.count(paused).await?, 2, "both jobs");
    stage
        .db
        .owner
        .batch_execute("select baton_api.resume_job(name, 'test') from baton.jobs")
        .await?;
    stage.db.advance("1 hour").await?;
    stage.claim().await?;
    assert_eq!(stage.submit().await?, 2);
    Ok(())
}
