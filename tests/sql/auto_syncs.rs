//! Auto-syncs: their queued jobs, the reminders that come of them, and the pause at the end.

use baton::contract::scheduler::DueState;
use baton::contract::{Claim, Trigger};
use dispatch::calls::{Action, SettledMessages};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::db::Db;
use crate::support::settling::due_job;
use crate::support::settling::messages::{
    claim_auto_syncs, claimed, letter_to, no_quiet_hours, sent, settle_messages, submit, told,
};

mod queue;

const JOB: &str = "auto-sync-jobs";

#[tokio::test]
async fn a_job_is_queued_when_a_running_auto_sync_is_inserted_and_never_else() -> anyhow::Result<()>
{
    let db = Db::new().await?;
    let sync = db.add_auto_sync(1, "0").await?;
    let jobs = "select coalesce(string_agg(concat_ws(' ', q.job_type, q.status, extract(epoch from scheduled_at - s.started_at) / 3600), ', '), '')
                from job_queue q join auto_syncs s on s.id = q.sync_id";
    let one = Some("reminder_24h pending 24.0000000000000000");
    assert_eq!(db.text(jobs).await?.as_deref(), one);
    for status in ["paused", "running", "draft", "completed"] {
        let update = "update auto_syncs set status = $1, event_name = 'Other' where id = $2";
        db.owner.execute(update, &[&status, &sync]).await?;
        assert_eq!(db.text(jobs).await?.as_deref(), one, "{status}");
    }
    db.owner
        .execute("delete from auto_syncs where id = $1", &[&sync])
        .await?;
    assert_eq!(db.count("select count(*) from job_queue").await?, 0);
    for status in ["draft", "paused", "completed", "cancelled"] {
        let insert = "insert into auto_syncs (organizer_id, crew_id, event_name, status) select gen_random_uuid(), id, 'Test', $1 from crews";
        db.owner.execute(insert, &[&status]).await?;
    }
    assert_eq!(db.count("select count(*) from job_queue").await?, 0);
    Ok(())
}

#[tokio::test]
async fn starting_an_auto_sync_never_fails_by_its_queue() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for breaking in [
        "alter table job_queue add constraint full_up check (false) not valid",
        "alter table baton.settings rename to settings_gone",
        "drop table job_queue cascade",
    ] {
        db.owner.batch_execute(breaking).await?;
        db.add_auto_sync(1, "0").await?;
    }
    assert_eq!(db.count("select count(*) from auto_syncs").await?, 3);
    Ok(())
}

/// The profile for production, and the one for demonstrations.
#[tokio::test]
async fn the_settings_say_when_members_are_reminded_and_the_auto_sync_paused() -> anyhow::Result<()>
{
    for (reminder, pause, started) in [(1440, 2880, 60), (5, 10, 1)] {
        let db = Db::new().await?;
        db.freeze().await?;
        if reminder == 5 {
            let demo = json!({ "auto_sync_reminder_after": "5 minutes", "auto_sync_pause_after": "10 minutes" });
            db.configure_settings(demo).await?;
        }
        db.add_auto_sync(1, &format!("{started} minutes")).await?;
        let minutes = "select extract(epoch from q.scheduled_at - s.started_at) / 60 from job_queue q join auto_syncs s on s.id = q.sync_id where q.status = 'pending'";
        assert_eq!(db.count(minutes).await?, reminder);
        let worker = db.worker().await?;
        let Claim::Idle { until, .. } = claim_auto_syncs(&worker, Trigger::Tick).await? else {
            panic!("its time has not come")
        };
        let due = "select (scheduled_at = $1::text::timestamptz)::text from job_queue";
        assert_eq!(db.list(due, &[&until]).await?, ["true"]);
        // Late by two minutes, which the members have more to answer.
        let late = reminder - started + 2;
        db.advance(&format!("{late} minutes")).await?;
        claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
        assert_eq!(db.count(minutes).await?, pause + 2);
    }
    Ok(())
}

#[tokio::test]
async fn who_has_not_answered_is_reminded_once_and_then_the_auto_sync_pauses() -> anyhow::Result<()>
{
    let (db, worker, sync) = due(4).await?;
    db.owner
        .batch_execute(
            "update auto_syncs set organizer_id = (select user_id from crew_members where name = 'Member 1'), organizer_name = 'Ann';
             insert into auto_sync_responses (auto_sync_id, member_id) select s.id, m.id from auto_syncs s, crew_members m where m.name = 'Member 2';
             update crew_members set phone = null where name = 'Member 3'",
        )
        .await?;
    let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
    assert_eq!(
        serde_json::Value::Object(attempt.jobs.clone()),
        json!({ "processed": 1, "skipped": 0, "retried": 0 })
    );
    assert_eq!(attempt.messages.len(), 1);
    let message = &attempt.messages[0];
    assert_eq!(
        (message.action, &message.fields),
        (
            Action::Send,
            &json!({ "name": "Member 4", "event_name": "Test Event", "organizer_name": "Ann", "crew_name": "Crew" })
        )
    );
    let mirror = "select concat_ws(' ', m.name, a.message_type, a.status, a.body, a.sent_at = baton.clock())
                  from auto_sync_messages a join crew_members m on m.id = a.member_id where a.auto_sync_id = $1 order by m.name";
    assert_eq!(
        db.list(mirror, &[&sync]).await?,
        ["Member 3 reminder failed", "Member 4 reminder reserved"]
    );
    submit(
        &worker,
        attempt.attempt_id,
        Vec::new(),
        vec![letter_to(message)],
    )
    .await?;
    let settled = settle_messages(&worker, attempt.attempt_id, vec![told(message.id, sent())]);
    assert!(matches!(
        settled.await?,
        SettledMessages::Settled {
            submitted: 1,
            again: false,
            ..
        }
    ));
    assert_eq!(
        db.list(mirror, &[&sync]).await?,
        [
            "Member 3 reminder failed",
            "Member 4 reminder submitted Hello t"
        ]
    );
    assert!(idle(&worker).await?);
    db.advance("24 hours").await?;
    assert_eq!(
        due_job(&worker, JOB).await?.reason.as_deref(),
        Some("jobs_due")
    );
    let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
    assert_eq!(attempt.messages, []);
    settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
    let paused = "select concat_ws(' ', status, paused_at = baton.clock()) from auto_syncs";
    assert_eq!(db.text(paused).await?.as_deref(), Some("paused t"));
    db.advance("100 days").await?;
    assert!(idle(&worker).await?, "it stays paused");
    assert_eq!(
        db.count("select count(*) from messages").await?,
        2,
        "and nobody hears again"
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_between_claim_and_submission_stops_the_reminder() -> anyhow::Result<()> {
    let answer = "insert into auto_sync_responses (auto_sync_id, member_id) select s.id, m.id from auto_syncs s, crew_members m where m.name = 'Member 1'";
    let pause = "update auto_syncs set status = 'paused'";
    let leave = "delete from auto_syncs";
    for (statement, stopped) in [(answer, 1), (pause, 2), (leave, 2)] {
        let (db, worker, _) = due(2).await?;
        let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
        db.owner.batch_execute(statement).await?;
        let letters = attempt.messages.iter().map(letter_to).collect();
        submit(&worker, attempt.attempt_id, Vec::new(), letters).await?;
        let sql = "select count(*) from messages where status = 'failed' and reason = 'not_needed'";
        assert_eq!(db.count(sql).await?, stopped, "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn an_auto_sync_that_has_its_answers_needs_neither_reminder_nor_pause() -> anyhow::Result<()>
{
    // Members beside the organizer, who is one of the crew and answers first; answers; whether that is enough.
    for (goal, members, answers, met) in [
        ("everyone", 3, 2, false),
        ("everyone", 3, 3, true),
        ("everyone", 0, 0, true),
        ("majority", 4, 2, false),
        ("majority", 4, 3, true),
        ("majority", 5, 2, false),
        ("majority", 5, 3, true),
        ("2", 5, 1, false),
        ("2", 5, 2, true),
        ("7", 3, 3, false),
        ("100000", 1, 1, false),
    ] {
        for job in ["reminder_24h", "pause_check_48h"] {
            let (db, worker, _) = due(members + 1).await?;
            db.owner
                .batch_execute(&format!(
                    "update auto_syncs set response_goal = '{goal}', organizer_id = (select user_id from crew_members where name = 'Member 1');
                     update job_queue set job_type = '{job}';
                     insert into auto_sync_responses (auto_sync_id, member_id)
                     select s.id, m.id from auto_syncs s, (select id from crew_members order by name limit 1 + {answers}) m"
                ))
                .await?;
            claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
            let sql = "select concat_ws(': ', status, error_message) from job_queue order by created_at limit 1";
            let expected = if met {
                "skipped: the auto-sync has its answers"
            } else {
                "processed"
            };
            let row = format!("{goal}: {answers} of {members}, {job}");
            assert_eq!(db.text(sql).await?.as_deref(), Some(expected), "{row}");
            let status = db.text("select status from auto_syncs").await?;
            let paused = !met && job == "pause_check_48h";
            let expected = if paused { "paused" } else { "running" };
            assert_eq!(status.as_deref(), Some(expected), "{row}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_job_of_an_auto_sync_that_does_not_run_is_skipped() -> anyhow::Result<()> {
    for status in ["draft", "paused", "completed", "cancelled"] {
        for job in ["reminder_24h", "pause_check_48h"] {
            let (db, worker, _) = due(2).await?;
            db.owner
                .batch_execute(&format!("update auto_syncs set status = '{status}'; update job_queue set job_type = '{job}'"))
                .await?;
            let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
            assert_eq!(
                (&attempt.jobs["skipped"], attempt.messages.len()),
                (&json!(1), 0)
            );
            let sql = "select concat_ws(': ', status, error_message, processed_at = baton.clock()) from job_queue";
            assert_eq!(
                db.list(sql, &[]).await?,
                [format!("skipped: the auto-sync is {status}: t")]
            );
            let paused = "select count(*) from auto_syncs where paused_at is not null";
            assert_eq!(db.count(paused).await?, 0);
        }
    }
    Ok(())
}

/// A stopped clock, no quiet hours, and an auto-sync of so many members whose reminder is due.
async fn due(members: i32) -> anyhow::Result<(Db, Client, Uuid)> {
    let db = Db::new().await?;
    db.freeze().await?;
    no_quiet_hours(&db).await?;
    let sync = db.add_auto_sync(members, "24 hours").await?;
    let worker = db.worker().await?;
    assert_eq!(due_job(&worker, JOB).await?.state, DueState::Due);
    Ok((db, worker, sync))
}

async fn idle(worker: &Client) -> anyhow::Result<bool> {
    let claim = claim_auto_syncs(worker, Trigger::Tick).await?;
    Ok(matches!(claim, Claim::Idle { .. }))
}
