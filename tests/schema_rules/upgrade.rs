//! A database of the former release, with its data and with work under way, is migrated and goes on.

use baton::contract::{Claim, Trigger};
use process_chunks::calls::Ending;
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::{claim, claim_chunks, complete, settle, verdicts};

/// A dump of what the former release made, without the schemas that every migration rebuilds.
const FORMER: &str = include_str!("../fixtures/former_release.sql");

#[tokio::test]
async fn what_the_former_release_left_is_kept_and_goes_on() -> anyhow::Result<()> {
    let mut db = Db::empty("former_release").await?;
    db.owner.batch_execute(FORMER).await?;
    // Its views are not in the dump, and must not keep tables from being changed.
    db.owner
        .batch_execute(
            "create schema baton_board;
             create view baton_board.chunk_attempts as select * from baton.chunk_attempts;
             create view baton_board.sync_overview as select s.blocked_until, j.draining from baton.sources s join baton.sync_jobs j on j.source = s.name",
        )
        .await?;
    let report = schema::migrate(&mut db.owner).await?;
    assert_eq!(
        report.applied,
        [
            "0015_jobs_of_applications.sql",
            "0016_groups_of_items.sql",
            "0017_turns.sql",
            "0018_told_once.sql"
        ]
    );
    for (sql, expected) in [
        (
            "select concat_ws(' ', daily_cap, quiet_from) from baton.settings",
            "5 22:30",
        ),
        (
            "select concat_ws(' ', batch_size, rate_per_minute, kind, on_slot) from baton.jobs where name = 'validate-contacts'",
            "2 60 custom cycle",
        ),
        (
            "select concat_ws(' ', max_attempts, max_parallel, runs_are_attempts) from baton.jobs where name = 'process-chunks'",
            "4 8 t",
        ),
        (
            "select cron from baton.schedules where job = 'follow-up-reminders'",
            "15 7 * * 1-5",
        ),
        (
            "select concat_ws(' ', paused_by, pause_reason) from baton.jobs where name = 'auto-sync-jobs'",
            "ada holidays",
        ),
        (
            "select concat_ws(' ', s.max_parallel, k.secret) from baton.sources s join baton.source_secrets k on k.source = s.name",
            "3 s3cret",
        ),
        (
            "select concat_ws(' ', purpose, status, recipient) from baton.messages",
            "follow_up reserved +41791000001",
        ),
        (
            "select concat_ws(' ', job_type, status) from public.job_queue",
            "reminder_24h pending",
        ),
        (
            "select string_agg(status, ' ' order by status) from baton_board.chunk_processing_queue",
            "completed pending pending pending processing",
        ),
        (
            "select count(*)::text from baton.attempts where finished_at is null",
            "2",
        ),
        (
            "select last_value::text from baton.rank_mark_123456790",
            "0",
        ),
    ] {
        assert_eq!(db.text(sql).await?.as_deref(), Some(expected), "{sql}");
    }

    // The workers of the former release are gone; their work is done by the next. However old the dump is, what it had validated is fresh.
    db.owner
        .batch_execute("update public.contacts set external_heartbeat_checked_at = now() where email_validation_status is not null")
        .await?;
    let worker = db.worker().await?;
    while let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? {
        let outcomes = verdicts(&attempt, Status::Deliverable, Reason::Accepted);
        settle(&worker, attempt.attempt_id, outcomes).await?;
    }
    while let Claim::Claimed(attempt) = claim_chunks(&worker, Trigger::Manual).await? {
        let ids: Vec<_> = attempt.chunks.iter().map(|it| it.id).collect();
        complete(&worker, attempt.attempt_id, &ids, Ending::Completed).await?;
    }
    for (sql, expected) in [
        (
            "select count(*)::text from public.contacts where email_validation_status = 'deliverable'",
            "5",
        ),
        ("select status from baton.sync_jobs", "completed"),
        (
            "select string_agg(outcome, ' ' order by claimed_at) from baton.attempts where job = 'validate-contacts'",
            "settled lost settled settled",
        ),
    ] {
        assert_eq!(db.text(sql).await?.as_deref(), Some(expected), "{sql}");
    }
    Ok(())
}
