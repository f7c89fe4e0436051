//! The queue of auto-syncs' jobs: what bounds it, what fails in it, and what remains when it is taken out.

use baton::contract::Trigger;
use baton::contract::native::call;
use baton::contract::scheduler::{DueState, DueWork, Prune};
use serde_json::json;

use crate::support::db::Db;
use crate::support::settling::due_job;
use crate::support::settling::messages::{claim_auto_syncs, claimed, settle_messages};

use super::{JOB, due, idle};

#[tokio::test]
async fn an_auto_sync_has_one_pending_job_of_each_type() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_auto_sync(1, "0").await?;
    let add = async |job_type: &str| {
        let sql = "insert into job_queue (sync_id, job_type, scheduled_at) select id, $1, now() + interval '1 day' from auto_syncs";
        db.owner.execute(sql, &[&job_type]).await
    };
    let error = add("reminder_24h").await.expect_err("there is one");
    let refused = error.as_db_error().expect("the database refuses");
    assert_eq!(
        (refused.code().code(), refused.constraint()),
        ("23505", Some("idx_job_queue_one_pending_per_type"))
    );
    add("pause_check_48h").await?;
    for status in ["processing", "processed", "skipped"] {
        let sql = "update job_queue set status = $1 where job_type = 'reminder_24h' and status = 'pending'";
        assert_eq!(db.owner.execute(sql, &[&status]).await?, 1);
        add("reminder_24h").await?;
    }
    for (column, value) in [("job_type", "reminder"), ("status", "done")] {
        let sql = format!("update job_queue set {column} = '{value}'");
        let error = db.owner.execute(&sql, &[]).await.expect_err(value);
        assert_eq!(error.code().map(|it| it.code()), Some("23514"));
    }
    Ok(())
}

#[tokio::test]
async fn ten_jobs_are_worked_in_a_run_those_due_longest_first() -> anyhow::Result<()> {
    let (db, worker, _) = due(0).await?;
    for hours in 25..47 {
        db.add_auto_sync(0, &format!("{hours} hours")).await?;
    }
    for (expected, again) in [(10, true), (10, true), (3, false)] {
        let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
        assert_eq!(attempt.jobs["skipped"], json!(expected));
        let settled = settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
        assert!(
            matches!(settled, dispatch::calls::SettledMessages::Settled { again: it, .. } if it == again)
        );
        let order = "select count(*) from job_queue q where status = 'pending'
                     and exists (select from job_queue w where w.status = 'skipped' and w.scheduled_at > q.scheduled_at)";
        assert_eq!(db.count(order).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_job_that_fails_is_tried_three_times_and_holds_up_no_other() -> anyhow::Result<()> {
    let (db, worker, bad) = due(1).await?;
    db.owner
        .batch_execute(&format!(
            "update job_queue set job_type = 'pause_check_48h';
             create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not on a Sunday'; end $$;
             create trigger refuse before update on auto_syncs for each row when (new.id = '{bad}') execute function refuse()"
        ))
        .await?;
    db.add_auto_sync(1, "24 hours").await?;
    db.owner
        .batch_execute("update job_queue set job_type = 'pause_check_48h'")
        .await?;
    let job = "select concat_ws(' ', status, attempts, extract(epoch from retry_at - baton.clock())::int, error_message) from job_queue where sync_id = $1";
    for (counts, state, wait) in [
        (
            json!({ "processed": 1, "skipped": 0, "retried": 1 }),
            "pending 1 60 not on a Sunday",
            "1 minute",
        ),
        (
            json!({ "processed": 0, "skipped": 0, "retried": 1 }),
            "pending 2 120 not on a Sunday",
            "2 minutes",
        ),
        (
            json!({ "processed": 0, "skipped": 1, "retried": 0 }),
            "skipped 3 not on a Sunday",
            "1 day",
        ),
    ] {
        let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
        assert_eq!(serde_json::Value::Object(attempt.jobs), counts);
        settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
        assert_eq!(db.list(job, &[&bad]).await?, [state]);
        assert!(idle(&worker).await?, "not before its time");
        db.advance(wait).await?;
    }
    assert!(idle(&worker).await?);
    let syncs = "select status from auto_syncs order by status";
    assert_eq!(db.list(syncs, &[]).await?, ["paused", "running"]);
    Ok(())
}

#[tokio::test]
async fn jobs_go_three_days_after_their_end_and_never_before() -> anyhow::Result<()> {
    let (db, worker, _) = due(0).await?;
    db.add_auto_sync(0, "1 hour").await?;
    let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
    settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
    let ended = "select count(*) from job_queue where status <> 'pending'";
    for (wait, left) in [("3 days", 1), ("1 second", 0)] {
        db.advance(wait).await?;
        call(&worker, Prune { limit: 10 }).await?;
        assert_eq!(db.count(ended).await?, left);
    }
    db.advance("1 year").await?;
    call(&worker, Prune { limit: 10 }).await?;
    assert_eq!(
        db.count("select count(*) from job_queue").await?,
        1,
        "what nobody worked stays"
    );
    Ok(())
}

#[tokio::test]
async fn a_job_put_in_for_now_wakes_and_one_for_later_does_not() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner.batch_execute(crate::sql::wakes::RECORD).await?;
    db.add_auto_sync(1, "0").await?;
    let heard = crate::sql::wakes::heard;
    assert_eq!(heard(&db).await?, [""; 0]);
    db.owner
        .execute("update job_queue set scheduled_at = now()", &[])
        .await?;
    assert_eq!(heard(&db).await?, ["/jobs/auto-sync-jobs"]);
    crate::sql::wakes::forget(&db).await?;
    db.add_auto_sync(1, "25 hours").await?;
    assert_eq!(heard(&db).await?, ["/jobs/auto-sync-jobs"]);
    claimed(claim_auto_syncs(&db.worker().await?, Trigger::Cron).await?)?;
    assert_eq!(heard(&db).await?, [""; 0], "who works them knows of them");
    Ok(())
}

/// As the rollback of the first version takes it out.
#[tokio::test]
async fn without_the_queue_everything_else_goes_on() -> anyhow::Result<()> {
    let (db, worker, _) = due(2).await?;
    claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
    db.owner
        .batch_execute(
            "DROP TRIGGER IF EXISTS on_auto_sync_created ON auto_syncs;
             DROP FUNCTION IF EXISTS schedule_first_reminder();
             DROP TABLE IF EXISTS job_queue CASCADE;",
        )
        .await?;
    db.advance("9 seconds").await?;
    for rebuilt in [false, true] {
        if rebuilt {
            let older = "update baton.migrations set hash = 'older' where name = 'code'";
            db.owner.execute(older, &[]).await?;
            schema::migrate(&mut db.session().await?).await?;
        }
        let worker = db.worker().await?;
        call(&worker, Prune { limit: 10 }).await?;
        assert_eq!(call(&worker, DueWork { limit: 10 }).await?.jobs.len(), 4);
        assert_eq!(due_job(&worker, JOB).await?.state, DueState::Due);
        let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
        assert_eq!(
            (attempt.messages.len(), attempt.jobs.len()),
            (2, 0),
            "what was reserved still goes out"
        );
        settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
        db.add_auto_sync(1, "25 hours").await?;
    }
    let syncs = "select count(*) from auto_syncs where status = 'running'";
    assert_eq!(db.count(syncs).await?, 3);
    db.owner
        .batch_execute("select * from job_overview; select * from message_log")
        .await?;
    Ok(())
}
