//! Every SQL statement of the first version's operating manual works as it stands there.

use baton::contract::Trigger;

use crate::support::db::Db;
use crate::support::settling::claim;
use crate::support::settling::messages::{claim_auto_syncs, claimed};

/// How operators look and act, letter by letter; what needs pg_cron, and the table's sketch, are not among them.
const STATEMENTS: &[&str] = &[
    "SELECT * FROM get_active_advisory_locks()
WHERE lock_id = 123456789;",
    "SELECT * FROM get_active_advisory_locks();",
    "SELECT pg_advisory_unlock(123456789);",
    "SELECT * FROM validation_sessions
WHERE status = 'running';",
    "SELECT
  id,
  started_at,
  validated_count,
  iteration,
  total_contacts,
  ROUND(validated_count::numeric / total_contacts * 100, 2) as pct_complete,
  EXTRACT(EPOCH FROM (now() - started_at))/60 as elapsed_minutes
FROM validation_sessions
WHERE status = 'running';",
    "SELECT
  started_at,
  completed_at,
  validated_count,
  iteration,
  EXTRACT(EPOCH FROM (completed_at - started_at))/60 as duration_minutes,
  status
FROM validation_sessions
WHERE completed_at > now() - interval '7 days'
ORDER BY started_at DESC;",
    "SELECT
  AVG(EXTRACT(EPOCH FROM (completed_at - started_at))/60) as avg_minutes,
  MAX(EXTRACT(EPOCH FROM (completed_at - started_at))/60) as max_minutes
FROM validation_sessions
WHERE status = 'completed'
  AND completed_at > now() - interval '30 days';",
    "SELECT AVG(EXTRACT(EPOCH FROM (completed_at - started_at))/3600) as avg_hours
FROM validation_sessions
WHERE status = 'completed';",
    "SELECT
  date_trunc('day', started_at) as date,
  AVG(EXTRACT(EPOCH FROM (completed_at - started_at))/3600) as avg_hours
FROM validation_sessions
WHERE status = 'completed'
GROUP BY date_trunc('day', started_at)
ORDER BY date DESC
LIMIT 7;",
    "SELECT * FROM validation_sessions
WHERE status = 'running'
  AND started_at < now() - interval '12 hours';",
    "UPDATE validation_sessions
SET status = 'failed', error_message = 'Manually stopped'
WHERE status = 'running';",
    "SELECT
  completed_at,
  LEAD(started_at) OVER (ORDER BY started_at) as next_start,
  EXTRACT(EPOCH FROM (
    LEAD(started_at) OVER (ORDER BY started_at) - completed_at
  ))/3600 as idle_hours
FROM validation_sessions
WHERE status = 'completed'
ORDER BY completed_at DESC
LIMIT 10;",
    "SELECT
  date_trunc('day', now()) as date,
  COUNT(*) as contacts_needing_validation
FROM contacts
WHERE email IS NOT NULL
  AND (
    email_validation_status IS NULL
    OR external_heartbeat_checked_at < now() - interval '30 days'
  )
GROUP BY date;",
    "SELECT COUNT(*) as stale_count
FROM contacts
WHERE email IS NOT NULL
  AND (
    email_validation_status IS NULL
    OR external_heartbeat_checked_at < now() - interval '45 days'
  );",
];

/// The same of auto-syncs, in their order, with ids where the manual has brackets; how many rows each shows or changes.
const OF_AUTO_SYNCS: &[(&str, u64)] = &[
    (
        "SELECT EXISTS (SELECT FROM information_schema.tables WHERE table_name = 'job_queue');",
        1,
    ),
    (
        "SELECT tgname FROM pg_trigger WHERE tgname = 'on_auto_sync_created';",
        1,
    ),
    (
        "INSERT INTO auto_syncs (
  organizer_id, 
  crew_id, 
  event_name, 
  status, 
  response_goal, 
  timezone, 
  started_at
)
VALUES (
  '[your-user-id]',
  '[your-crew-id]',
  'Test Event',
  'running',
  'everyone',
  'America/Los_Angeles',
  now()
)
RETURNING id;",
        1,
    ),
    (
        "SELECT * FROM job_queue 
WHERE sync_id = '[new-sync-id]';",
        1,
    ),
    (
        "SELECT COUNT(*), job_type 
FROM job_queue 
WHERE status = 'pending'
GROUP BY job_type;",
        1,
    ),
    // Here the reminder is worked.
    (
        "SELECT * FROM auto_sync_messages 
WHERE auto_sync_id = '[sync-id]' 
  AND message_type = 'reminder';",
        2,
    ),
    (
        "SELECT * FROM job_queue 
WHERE sync_id = '[sync-id]' 
  AND job_type = 'pause_check_48h';",
        1,
    ),
    (
        "SELECT * FROM job_queue 
WHERE status = 'pending' 
  AND scheduled_at < now() - interval '5 minutes';",
        0,
    ),
    (
        "SELECT 
  status,
  job_type,
  COUNT(*) as count,
  MIN(created_at) as oldest,
  MAX(created_at) as newest
FROM job_queue
GROUP BY status, job_type
ORDER BY status, job_type;",
        2,
    ),
    // Here the pause check is worked.
    (
        "SELECT id, status, paused_at 
FROM auto_syncs 
WHERE id = '[sync-id]';",
        1,
    ),
    // Here four days pass.
    (
        "DELETE FROM job_queue 
WHERE status IN ('processed', 'skipped')
  AND processed_at < now() - interval '3 days';",
        2,
    ),
    (
        "SELECT tgenabled FROM pg_trigger WHERE tgname = 'on_auto_sync_created';",
        1,
    ),
    (
        "SELECT indexname FROM pg_indexes WHERE indexname = 'idx_job_queue_one_pending_per_type';",
        1,
    ),
    (
        "DROP TRIGGER IF EXISTS on_auto_sync_created ON auto_syncs;",
        0,
    ),
    ("DROP FUNCTION IF EXISTS schedule_first_reminder();", 0),
    ("DROP TABLE IF EXISTS job_queue CASCADE;", 0),
];

#[tokio::test]
async fn every_statement_about_auto_syncs_works_as_written() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let made = "with crew as (insert into crews (name) values ('Crew') returning id)
                insert into crew_members (crew_id, phone) select id, '1' from crew, generate_series(1, 2) returning crew_id";
    let crew: uuid::Uuid = db.owner.query(made, &[]).await?[0].get(0);
    let worker = db.worker().await?;
    let mut sync = String::new();
    for (statement, expected) in OF_AUTO_SYNCS {
        let statement = statement
            .replace("[your-user-id]", "00000000-0000-0000-0000-000000000001")
            .replace("[your-crew-id]", &crew.to_string())
            .replace("[new-sync-id]", &sync)
            .replace("[sync-id]", &sync);
        if statement.contains("FROM auto_sync_messages") || statement.contains("FROM auto_syncs") {
            // What is due in a day or two is due now, and nobody holds what it left before.
            db.owner
                .batch_execute("update job_queue set scheduled_at = now() where status = 'pending'; update baton.attempts set finished_at = now(), outcome = 'settled' where finished_at is null")
                .await?;
            claimed(claim_auto_syncs(&worker, Trigger::Manual).await?)?;
        }
        if statement.starts_with("DELETE") {
            let past = "update job_queue set processed_at = now() - interval '4 days'";
            db.owner.execute(past, &[]).await?;
        }
        let prepared = db.owner.prepare(&statement).await?;
        let rows = if prepared.columns().is_empty() {
            db.owner.execute(&prepared, &[]).await?
        } else {
            let rows = db.owner.query(&prepared, &[]).await?;
            if statement.starts_with("INSERT") {
                sync = rows[0].get::<_, uuid::Uuid>(0).to_string();
            }
            u64::try_from(rows.len())?
        };
        assert_eq!(rows, *expected, "{statement}");
        if statement.starts_with("SELECT id, status, paused_at") {
            let paused = "select concat_ws(' ', status, paused_at is not null) from auto_syncs";
            assert_eq!(db.text(paused).await?.as_deref(), Some("paused t"));
        }
    }
    let left = "select concat_ws(' ', count(*), to_regclass('job_queue'), to_regproc('schedule_first_reminder')) from auto_syncs";
    assert_eq!(
        db.text(left).await?.as_deref(),
        Some("1"),
        "only the auto-sync is left"
    );
    Ok(())
}

#[tokio::test]
async fn every_statement_works_as_written() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(60).await?;
    claim(&db.worker().await?, Trigger::Manual).await?;
    for statement in STATEMENTS {
        let rows = db
            .owner
            .query(*statement, &[])
            .await
            .map_err(|error| anyhow::anyhow!("{statement}: {error:?}"))?;
        if statement.contains("get_active")
            || (statement.starts_with("SELECT *") && !statement.contains("12 hours"))
        {
            assert_eq!(rows.len(), 1, "{statement} shows the cycle under way");
        }
    }
    let stopped = db
        .text("select status || ': ' || error_message from validation_sessions")
        .await?;
    assert_eq!(stopped.as_deref(), Some("failed: Manually stopped"));
    Ok(())
}

#[tokio::test]
async fn a_session_can_be_led_by_hand_and_is_the_only_one() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let start = "select start_validation_session(p_total_contacts := 50000, p_config := '{\"by\": \"hand\"}')";
    let session: uuid::Uuid = db.owner.query_one(start, &[]).await?.get(0);
    let error = db
        .owner
        .execute(start, &[])
        .await
        .expect_err("another one is running");
    let refused = error.as_db_error().expect("the database refuses");
    assert_eq!(
        (refused.code().code(), refused.constraint()),
        ("23P01", Some("only_one_running"))
    );
    db.owner
        .execute("select update_validation_session(p_session_id := $1, p_validated_count := 120, p_iteration := 3)", &[&session])
        .await?;
    db.owner
        .execute(
            "select complete_validation_session(p_session_id := $1, p_status := 'completed')",
            &[&session],
        )
        .await?;
    let ended = "select concat_ws(' ', status, validated_count, iteration, completed_at is not null) from validation_sessions";
    assert_eq!(db.text(ended).await?.as_deref(), Some("completed 120 3 t"));
    db.owner.execute(start, &[]).await?;
    Ok(())
}

#[tokio::test]
async fn the_board_has_history_progress_idle_time_and_trend() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "insert into baton.cycles (job, status, started_at, completed_at, total_items, done_items) values
               ('validate-contacts', 'completed', now() - interval '10 hours', now() - interval '2 hours', 50000, 50000),
               ('validate-contacts', 'running', now() - interval '1 hour', null, 5000, 1000);
             insert into contacts (email) values ('a@x.test');
             insert into baton.queue_samples values ('validate-contacts', now() - interval '2 hours', 10);
             select baton_api.prune(10)",
        )
        .await?;
    for (sql, expected) in [
        (
            "select pct_complete || ' ' || round(per_minute) || ' ' || (eta between now() + interval '239 minutes' and now() + interval '241 minutes') from validation_progress",
            "20.00 17 true",
        ),
        (
            "select avg_minutes || ' ' || max_minutes from validation_durations_by_day",
            "480.00 480.00",
        ),
        (
            "select idle_hours from validation_idle_time where next_start is not null",
            "1.0000",
        ),
        (
            "select change from queue_trend where change is not null",
            "-9",
        ),
        ("select count(*) from stale_contacts", "1"),
        ("select count(*) from cycles_running_too_long", "0"),
    ] {
        assert_eq!(db.text(sql).await?.as_deref(), Some(expected), "{sql}");
    }
    db.configure(serde_json::json!({ "rate_per_minute": 1 }))
        .await?;
    let eta = "select eta between now() + interval '3999 minutes' and now() + interval '4001 minutes' from validation_progress";
    assert_eq!(
        db.text(eta).await?.as_deref(),
        Some("true"),
        "no faster than the limit"
    );
    db.configure(serde_json::json!({ "alert_after_seconds": 60 }))
        .await?;
    assert_eq!(
        db.count("select count(*) from cycles_running_too_long")
            .await?,
        1
    );
    Ok(())
}
