//! Sources and their syncs: what operators do, and what chunks bring.

use baton::contract::items::Settled;
use baton::contract::native::call;
use baton::contract::scheduler::{EndDeadAttempts, Prune};
use process_chunks::calls::{ChunkOutcome, Completed, Ending};
use process_chunks::sources::{
    CancelSync, DropFailedChunks, RetrySync, SaveSource, StartSync, SyncProgress,
};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::db::Db;
use crate::support::settling::{complete, complete_with, take};
use crate::support::until;

/// How operators look, letter by letter as in the first version's manual.
const STATEMENTS: &[&str] = &[
    "SELECT * FROM chunk_processing_status
WHERE parent_sync_job_id = 'your-sync-job-id';",
    "SELECT get_sync_job_progress('your-parent-sync-job-id');",
    "SELECT cleanup_stuck_chunks();",
    "SELECT * FROM chunk_processing_queue ORDER BY created_at DESC LIMIT 10;",
    "SELECT * FROM chunk_processing_status;",
];

#[tokio::test]
async fn every_statement_about_chunks_works_as_written() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let sync_job = db.add_sync("trial", 12).await?;
    for statement in STATEMENTS {
        let rows = db
            .owner
            .query(*statement, &[])
            .await
            .map_err(|it| anyhow::anyhow!("{statement}: {it:?}"))?;
        let expected = match statement {
            it if it.contains("LIMIT 10") => 10,
            it if it.contains("WHERE") => 0,
            _ => 1,
        };
        assert_eq!(rows.len(), expected, "{statement}");
    }
    let with_id = |it: &str| {
        it.replace("your-sync-job-id", &sync_job.to_string())
            .replace("your-parent-sync-job-id", &sync_job.to_string())
    };
    let status = db.owner.query_one(&with_id(STATEMENTS[0]), &[]).await?;
    let count = |name: &str| status.get::<_, i64>(name);
    assert_eq!(
        (
            count("pending_chunks"),
            count("processing_chunks"),
            count("completed_chunks"),
            count("failed_chunks")
        ),
        (12, 0, 0, 0)
    );
    assert_eq!(status.get::<_, &str>("overall_status"), "pending");
    let progress: serde_json::Value = db
        .owner
        .query_one(&with_id(STATEMENTS[1]), &[])
        .await?
        .get(0);
    assert_eq!(progress["total_chunks"], 12);
    for trigger_or_function in [
        "claim_next_chunk_job_safe",
        "complete_chunk_job_safe",
        "trigger_next_chunk_processing",
    ] {
        assert_eq!(
            db.count(&format!(
                "select count(*) from pg_proc where proname = '{trigger_or_function}'"
            ))
            .await?,
            1
        );
    }
    Ok(())
}

#[tokio::test]
async fn progress_is_told_in_numbers_percent_and_expected_end() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    let sync_job = db.add_sync("trial", 4).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    db.advance("5 seconds").await?;
    complete(&worker, attempt, &ids, Ending::Completed).await?;
    let progress = call(
        &db.owner,
        SyncProgress {
            sync_job: sync_job.to_string(),
        },
    )
    .await?
    .expect("it is known");
    assert_eq!(
        (
            progress.completed_chunks,
            progress.pending_chunks,
            progress.progress_percentage
        ),
        (1, 3, 25.0)
    );
    let eta = "select eta = baton.clock() + interval '15 seconds' from chunk_processing_status";
    assert_eq!(
        db.text(eta).await?.as_deref(),
        Some("true"),
        "three more as fast as the one"
    );
    assert!(
        call(
            &db.owner,
            SyncProgress {
                sync_job: "nobody's".to_owned()
            }
        )
        .await?
        .is_none()
    );
    Ok(())
}

#[tokio::test]
async fn what_chunks_bring_is_stored_once_and_the_next_sync_asks_for_changes() -> anyhow::Result<()>
{
    let db = Db::new().await?;
    save(&db, None).await?;
    db.owner.batch_execute("insert into synced_emails (source, id, subject) values ('mail', 'old', 'gone meanwhile'), ('other', 'old', 'not ours')").await?;
    start(&db, false).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    let planned = ChunkOutcome {
        id: ids[0],
        chunks: vec![json!({ "do": "fetch", "ids": ["a", "b"] })],
        plan: Some(json!({ "session": "s" })),
        state: Some("7".to_owned()),
        ..ChunkOutcome::default()
    };
    complete_with(&worker, attempt, vec![planned]).await?;
    let (attempt, ids) = take(&worker).await?;
    let fetched = ChunkOutcome {
        id: ids[0],
        items: vec![
            json!({ "id": "a", "subject": "first", "keywords": ["$seen"], "received_at": "2026-01-02T03:04:05Z", "sender": [{ "email": "x@y.test" }] }),
            json!({ "id": "b", "subject": "second" }),
            json!({ "id": "b", "subject": "second" }),
        ],
        removed: vec!["c".to_owned()],
        ..ChunkOutcome::default()
    };
    let settled = complete_with(&worker, attempt, vec![fetched]).await?;
    assert!(
        matches!(settled, Completed::Settled(Settled { again: true, .. })),
        "what is left from before is pruned next: {settled:?}"
    );
    assert_eq!(
        db.count("select count(*) from sources where state is not null")
            .await?,
        0,
        "the state holds when all is done"
    );
    prune(&worker).await?;
    let left = "select source || ' ' || id from synced_emails order by 1";
    assert_eq!(db.list(left, &[]).await?, ["mail a", "mail b", "other old"]);
    assert_eq!(
        db.text("select plan->>'session' || state from sync_jobs")
            .await?
            .as_deref(),
        Some("s7")
    );
    let status = "select concat_ws(' ', overall_status, synced_items) from chunk_processing_status";
    assert_eq!(db.text(status).await?.as_deref(), Some("completed 3"));

    let next = start(&db, false).await?;
    assert_eq!(next.kind, "changes");
    let work = "select work::text from chunked_sync_jobs order by created_at desc limit 1";
    assert_eq!(
        db.text(work).await?.as_deref(),
        Some(r#"{"do": "changes", "since": "7"}"#)
    );
    let (attempt, ids) = take(&worker).await?;
    let changed = ChunkOutcome {
        id: ids[0],
        removed: vec!["a".to_owned()],
        state: Some("8".to_owned()),
        ..ChunkOutcome::default()
    };
    complete_with(&worker, attempt, vec![changed]).await?;
    assert_eq!(db.list(left, &[]).await?, ["mail b", "other old"]);
    assert_eq!(
        db.text("select state from sources").await?.as_deref(),
        Some("8")
    );
    Ok(())
}

/// Both would lose mail: to ask for changes since a state that was never reached, and to remove what was not looked at.
#[tokio::test]
async fn a_sync_with_a_failed_chunk_neither_prunes_nor_moves_the_state() -> anyhow::Result<()> {
    let db = Db::new().await?;
    save(&db, None).await?;
    db.owner
        .batch_execute("insert into synced_emails (source, id) values ('mail', 'old')")
        .await?;
    start(&db, false).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    let planned = ChunkOutcome {
        id: ids[0],
        chunks: vec![json!({ "do": "fetch", "ids": ["old"] })],
        state: Some("7".to_owned()),
        ..ChunkOutcome::default()
    };
    complete_with(&worker, attempt, vec![planned]).await?;
    let (attempt, ids) = take(&worker).await?;
    complete(&worker, attempt, &ids, Ending::Failed).await?;
    assert_eq!(
        db.text("select status from sync_jobs").await?.as_deref(),
        Some("partial_failure")
    );
    assert_eq!(db.count("select count(*) from synced_emails").await?, 1);
    assert_eq!(
        db.count("select count(*) from sources where state is null")
            .await?,
        1
    );

    let retried = call(
        &db.owner,
        RetrySync {
            source: "mail".to_owned(),
            who: "test".to_owned(),
        },
    )
    .await?;
    assert_eq!((retried.chunks, retried.more), (1, false));
    let (attempt, ids) = take(&worker).await?;
    complete_with(
        &worker,
        attempt,
        vec![ChunkOutcome {
            id: ids[0],
            items: vec![json!({ "id": "old" })],
            ..ChunkOutcome::default()
        }],
    )
    .await?;
    assert_eq!(
        db.text("select status || (select state from sources) from sync_jobs")
            .await?
            .as_deref(),
        Some("completed7")
    );
    Ok(())
}

#[tokio::test]
async fn failed_chunks_can_be_given_up_for_good() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 2).await?;
    let worker = db.worker().await?;
    for outcome in [Ending::Completed, Ending::Failed] {
        let (attempt, ids) = take(&worker).await?;
        complete(&worker, attempt, &ids, outcome).await?;
    }
    assert_eq!(
        db.list("select error_message from failed_chunks", &[])
            .await?,
        ["it went wrong"]
    );
    let dropped = call(
        &db.owner,
        DropFailedChunks {
            source: "trial".to_owned(),
            who: "ann".to_owned(),
        },
    )
    .await?;
    assert_eq!((dropped.chunks, dropped.more), (1, false));
    let sql = "select concat_ws(' ', overall_status, total_chunks, error_message) from chunk_processing_status";
    assert_eq!(
        db.text(sql).await?.as_deref(),
        Some("completed 1 given up by ann: 1 failed chunk")
    );
    Ok(())
}

#[tokio::test]
async fn a_cancelled_sync_ends_and_what_is_under_way_settles() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 1500).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    call(
        &db.owner,
        CancelSync {
            source: "trial".to_owned(),
            who: "ann".to_owned(),
        },
    )
    .await?;
    let settled = complete(&worker, attempt, &ids, Ending::Completed).await?;
    assert!(
        matches!(settled, Completed::Settled(Settled { completed: 1, .. })),
        "{settled:?}"
    );
    assert!(take(&worker).await.is_err(), "none follows");
    call(&worker, EndDeadAttempts { limit: 1000 }).await?;
    let sql = "select concat_ws(' ', overall_status, pending_chunks, completed_chunks, failed_chunks, error_message) from chunk_processing_status";
    assert_eq!(
        db.text(sql).await?.as_deref(),
        Some("cancelled 0 1 1499 cancelled by ann")
    );
    let again = call(
        &db.owner,
        CancelSync {
            source: "trial".to_owned(),
            who: "ann".to_owned(),
        },
    )
    .await;
    assert_eq!(
        again.expect_err("it has ended").code().map(|it| it.code()),
        Some("WK003")
    );
    Ok(())
}

#[tokio::test]
async fn a_sync_is_pruned_with_its_chunks_when_it_is_old() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_sync("trial", 30).await?;
    db.configure_job("process-chunks", json!({ "batch_size": 30 }))
        .await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    complete(&worker, attempt, &ids, Ending::Completed).await?;
    call(&worker, Prune { limit: 20 }).await?;
    assert_eq!(
        db.count("select count(*) from chunked_sync_jobs").await?,
        30
    );
    db.advance("31 days").await?;
    call(&worker, Prune { limit: 20 }).await?;
    assert_eq!(
        db.count("select count(*) from chunked_sync_jobs").await?,
        10,
        "bounded"
    );
    call(&worker, Prune { limit: 20 }).await?;
    call(&worker, Prune { limit: 20 }).await?;
    let left = "select (select count(*) from sync_jobs) + (select count(*) from chunk_processing_queue) + (select count(*) from chunk_attempts)";
    assert_eq!(db.count(left).await?, 0);
    Ok(())
}

pub(super) fn source(secret: Option<&str>) -> SaveSource {
    SaveSource {
        name: "mail".to_owned(),
        kind: "jmap".to_owned(),
        url: "https://mail.test/jmap".to_owned(),
        username: Some("ann".to_owned()),
        secret: secret.map(str::to_owned),
        settings: json!({ "chunk_size": 50 }),
        who: "test".to_owned(),
    }
}

pub(super) async fn save(db: &Db, secret: Option<&str>) -> anyhow::Result<()> {
    call(&db.owner, source(secret)).await?;
    Ok(())
}

pub(super) async fn start(
    db: &Db,
    full: bool,
) -> anyhow::Result<process_chunks::sources::StartedSync> {
    Ok(call(
        &db.owner,
        StartSync {
            source: "mail".to_owned(),
            full,
            who: "test".to_owned(),
        },
    )
    .await?)
}

/// Does the chunk that follows a full sync.
async fn prune(worker: &Client) -> anyhow::Result<()> {
    let (attempt, ids): (Uuid, Vec<Uuid>) = take(worker).await?;
    complete_with(
        worker,
        attempt,
        vec![ChunkOutcome {
            id: ids[0],
            prune: true,
            ..ChunkOutcome::default()
        }],
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn removing_a_source_waits_for_a_settlement() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 2).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    worker.batch_execute("begin").await?;
    complete(&worker, attempt, &ids, Ending::Completed).await?;
    let operator = db.session().await?;
    let removing = tokio::spawn(async move {
        let sql = "select baton_api.remove_source('trial', 'ann')";
        operator.batch_execute(sql).await
    });
    let waiting = "wait_event_type = 'Lock' and query like '%remove_source%'";
    until("the operator waits", async || {
        Ok((db.sessions(waiting).await? == 1).then_some(()))
    })
    .await?;
    // What a settlement may still lock, the operator has not.
    for table in ["item_groups", "sync_jobs", "sources"] {
        let lock = format!("select from baton.{table} for update nowait");
        assert_eq!(db.owner.query(&lock, &[]).await?.len(), 1, "{table}");
    }
    worker.batch_execute("commit").await?;
    removing.await??;
    let left = "select (select count(*) from baton.sources) + (select count(*) from baton.items) + (select count(*) from baton.item_groups)";
    assert_eq!(db.count(left).await?, 0);
    Ok(())
}
