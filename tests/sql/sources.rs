//! Sources: one sync at a time, secrets for the owner alone, and what happens when one moves or goes.

use baton::contract::items::Settled;
use baton::contract::native::call;
use process_chunks::calls::{ChunkOutcome, Completed, Ending};
use process_chunks::sources::{CancelSync, RemoveSource, SaveSource, StartSync};

use super::sync_jobs::{save, source, start};
use crate::support::db::Db;
use crate::support::settling::{complete, complete_with, take};

#[tokio::test]
async fn a_source_has_one_sync_at_a_time() -> anyhow::Result<()> {
    let db = Db::new().await?;
    save(&db, None).await?;
    let first = start(&db, false).await?;
    assert_eq!((first.started, first.kind.as_str()), (true, "full"));
    let second = start(&db, true).await?;
    assert_eq!(
        (second.started, second.sync_job_id),
        (false, first.sync_job_id)
    );
    let error = call(
        &db.owner,
        StartSync {
            source: "nobody".to_owned(),
            full: false,
            who: "test".to_owned(),
        },
    )
    .await;
    assert_eq!(
        error.expect_err("there is none").code().map(|it| it.code()),
        Some("WK002")
    );
    Ok(())
}

#[tokio::test]
async fn what_is_under_way_when_its_source_is_removed_settles_into_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 1).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    let remove = RemoveSource {
        name: "trial".to_owned(),
        who: "ann".to_owned(),
    };
    call(&db.owner, remove).await?;
    let settled = complete(&worker, attempt, &ids, Ending::Completed).await?;
    assert!(
        matches!(
            settled,
            Completed::Settled(Settled {
                completed: 0,
                left: 1,
                again: false,
                ..
            })
        ),
        "{settled:?}"
    );
    assert_eq!(db.count("select count(*) from sync_jobs").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_source_that_moved_is_synced_anew_and_its_secret_does_not_move_along()
-> anyhow::Result<()> {
    let db = Db::new().await?;
    save(&db, Some("s3cret")).await?;
    db.owner
        .batch_execute("update sources set state = '7'")
        .await?;
    let secrets = "select count(*) from source_secrets where secret = 's3cret'";
    save(&db, None).await?;
    assert_eq!(
        (
            start(&db, false).await?.kind.as_str(),
            db.count(secrets).await?
        ),
        ("changes", 1)
    );
    call(
        &db.owner,
        CancelSync {
            source: "mail".to_owned(),
            who: "test".to_owned(),
        },
    )
    .await?;
    let moved = SaveSource {
        url: "https://elsewhere.test/jmap".to_owned(),
        ..source(None)
    };
    call(&db.owner, moved).await?;
    assert_eq!(
        (
            start(&db, false).await?.kind.as_str(),
            db.count(secrets).await?
        ),
        ("full", 0)
    );
    Ok(())
}

#[tokio::test]
async fn secrets_are_read_by_the_owner_alone_and_shown_nowhere() -> anyhow::Result<()> {
    let db = Db::new().await?;
    save(&db, Some("s3cret")).await?;
    start(&db, false).await?;
    for role in ["process-chunks", "viewer"] {
        let session = db.component(role).await?;
        for table in [
            "sources",
            "source_secrets",
            "sync_jobs",
            "item_groups",
            "items",
        ] {
            let error = session
                .batch_execute(&format!("select * from baton.{table}"))
                .await
                .expect_err(table);
            assert_eq!(
                error.code().map(|it| it.code()),
                Some("42501"),
                "{role} {table}"
            );
        }
    }
    for view in db
        .list(
            "select viewname::text from pg_views where schemaname = 'baton_board'",
            &[],
        )
        .await?
    {
        let shown = db
            .text(&format!(
                "select coalesce(string_agg(v::text, ''), '') from baton_board.{view} v"
            ))
            .await?;
        assert!(!shown.is_some_and(|it| it.contains("s3cret")), "{view}");
    }
    assert_eq!(
        db.count("select count(*) from baton.events e where e::text like '%s3cret%'")
            .await?,
        0
    );
    Ok(())
}

/// The limit and the patience of a sync under way are those of its source.
#[tokio::test]
async fn a_changed_source_counts_for_the_sync_under_way() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 5).await?;
    let worker = db.worker().await?;
    let (attempt, ids) = take(&worker).await?;
    let save = |limit: i32| {
        let settings = format!(r#"{{"max_parallel": {limit}}}"#);
        format!("select save_source('trial', 'noop', '', null, null, '{settings}', 'ann')")
    };
    db.owner.batch_execute(&save(1)).await?;
    assert!(take(&worker).await.is_err(), "the only call is out");
    db.owner.batch_execute(&save(2)).await?;
    take(&worker).await?;
    let error = db.owner.batch_execute(&save(65)).await;
    let error = error.expect_err("it is out of range");
    let constraint = error.as_db_error().and_then(|it| it.constraint());
    assert_eq!(constraint, Some("source_max_parallel_within_1_and_64"));

    let wait = ChunkOutcome {
        id: ids[0],
        outcome: Ending::Wait,
        wait: Some(600),
        ..ChunkOutcome::default()
    };
    complete_with(&worker, attempt, vec![wait]).await?;
    assert!(take(&worker).await.is_err(), "the source waits");
    db.owner.batch_execute(&save(4)).await?;
    take(&worker).await?;
    Ok(())
}
