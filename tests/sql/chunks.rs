//! The queue of chunks: what is claimed in which order, and what becomes of it.

use baton::contract::items::Settled;
use baton::contract::native::call;
use baton::contract::scheduler::{DueState, EndDeadAttempts};
use baton::contract::{Claim, ExtendAttempt, Trigger};
use futures::future::try_join_all;
use process_chunks::calls::{ChunkOutcome, Completed, Ending};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::db::Db;
use crate::support::settling::{self, claim_chunks, complete, complete_with, take};
use crate::support::until;

#[tokio::test]
async fn a_chunk_that_fails_is_tried_three_times_and_holds_up_no_other() -> anyhow::Result<()> {
    let (db, worker) = frozen(3).await?;
    let (attempt, bad) = take(&worker).await?;
    let first = complete(&worker, attempt, &bad, Ending::Retry).await?;
    assert!(
        matches!(
            first,
            Completed::Settled(Settled {
                retried: 1,
                again: true,
                ..
            })
        ),
        "{first:?}"
    );
    let due_again =
        "select retry_at > baton.clock() and retry_at <= baton.clock() + interval '4 seconds'
                     from chunk_processing_queue where attempts = 1";
    assert_eq!(db.text(due_again).await?.as_deref(), Some("true"));
    for _ in 0..2 {
        let (attempt, others) = take(&worker).await?;
        assert_ne!(others, bad, "the next ones come first");
        complete(&worker, attempt, &others, Ending::Completed).await?;
    }
    let Claim::Idle { reason, until } = claim_chunks(&worker, Trigger::Manual).await? else {
        panic!("nothing is due")
    };
    assert_eq!((reason.as_str(), until.is_some()), ("nothing_due", true));
    for outcome in ["retried", "failed"] {
        db.advance("8 seconds").await?;
        let (attempt, again) = take(&worker).await?;
        assert_eq!(again, bad);
        complete(&worker, attempt, &again, Ending::Retry).await?;
        let sql = "select outcome from chunk_attempts order by started_at desc limit 1";
        assert_eq!(db.text(sql).await?.as_deref(), Some(outcome));
    }
    let sql = "select concat_ws(' ', overall_status, completed_chunks, failed_chunks, progress_percentage) from chunk_processing_status";
    assert_eq!(
        db.text(sql).await?.as_deref(),
        Some("partial_failure 2 1 66.67")
    );
    let audit = "select number || outcome || ' ' || coalesce(error, '') from chunk_attempts where queue_id = $1 order by number";
    assert_eq!(
        db.list(audit, &[&bad[0]]).await?,
        [
            "1retried it went wrong",
            "2retried it went wrong",
            "3failed it went wrong"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_source_that_asks_for_patience_gets_it_and_no_attempt_is_counted() -> anyhow::Result<()> {
    let (db, worker) = frozen(2).await?;
    db.add_sync("other", 1).await?;
    let (attempt, ids) = take(&worker).await?;
    let outcome = ChunkOutcome {
        id: ids[0],
        outcome: Ending::Wait,
        error: Some("too many requests (429)".to_owned()),
        wait: Some(60),
        ..ChunkOutcome::default()
    };
    complete_with(&worker, attempt, vec![outcome]).await?;
    let (attempt, others) = take(&worker).await?;
    let source = "select source from sync_jobs j join chunk_processing_queue q on q.parent_sync_job_id = j.id where q.status = 'processing'";
    assert_eq!(
        db.text(source).await?.as_deref(),
        Some("other"),
        "other sources go on"
    );
    complete(&worker, attempt, &others, Ending::Completed).await?;
    let Claim::Skipped { reason, .. } = claim_chunks(&worker, Trigger::Manual).await? else {
        panic!("its other chunk waits, too")
    };
    assert_eq!(reason, "all_sources_busy");
    let job = settling::due_job(&worker, "process-chunks").await?;
    assert_eq!(
        (job.state, job.reason.as_deref()),
        (DueState::Throttled, Some("source_waits"))
    );
    assert!(job.until.is_some());
    db.advance("61 seconds").await?;
    assert_eq!(take(&worker).await?.1, ids, "then it comes first");
    assert_eq!(
        db.count("select max(attempts) from chunk_processing_queue")
            .await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn refused_credentials_fail_the_sync_at_once_and_a_retry_takes_it_up_again()
-> anyhow::Result<()> {
    let (db, worker) = frozen(50).await?;
    let (attempt, ids) = take(&worker).await?;
    complete(&worker, attempt, &ids, Ending::Refused).await?;
    assert!(matches!(
        claim_chunks(&worker, Trigger::Manual).await?,
        Claim::Skipped { .. } | Claim::Idle { .. }
    ));
    call(&worker, EndDeadAttempts { limit: 100 }).await?;
    let sql = "select concat_ws(' ', overall_status, failed_chunks, error_message) from chunk_processing_status";
    assert_eq!(
        db.text(sql).await?.as_deref(),
        Some("failed 50 it went wrong")
    );
    assert_eq!(
        db.count("select count(*) from baton.item_groups where state <> 'ended'")
            .await?,
        0
    );
    db.owner
        .execute("select retry_sync('trial', 'test')", &[])
        .await?;
    let sql = "select concat_ws(' ', overall_status, pending_chunks) from chunk_processing_status";
    assert_eq!(db.text(sql).await?.as_deref(), Some("processing 50"));
    take(&worker).await?;
    Ok(())
}

#[tokio::test]
async fn chunks_that_were_not_reached_are_due_again_as_if_never_tried() -> anyhow::Result<()> {
    let (db, worker) = frozen(4).await?;
    db.configure_job("process-chunks", json!({ "batch_size": 4 }))
        .await?;
    let (attempt, ids) = take(&worker).await?;
    let settled = complete(&worker, attempt, &ids[..1], Ending::Completed).await?;
    assert_eq!(
        settled,
        Completed::Settled(Settled {
            completed: 1,
            retried: 0,
            failed: 0,
            left: 3,
            again: true,
            again_in: None,
            next: None
        })
    );
    assert_eq!(
        db.count("select max(attempts) from chunk_processing_queue where status = 'pending'")
            .await?,
        0
    );
    assert_eq!(
        db.list("select outcome from chunk_attempts order by outcome", &[])
            .await?,
        ["completed", "left", "left", "left"]
    );
    let mut again = take(&worker).await?.1;
    again.sort();
    let mut left = ids[1..].to_vec();
    left.sort();
    assert_eq!(again, left);
    Ok(())
}

#[tokio::test]
async fn a_big_sync_starves_no_small_one() -> anyhow::Result<()> {
    let (db, worker) = frozen(2000).await?;
    for _ in 0..100 {
        let (attempt, ids) = take(&worker).await?;
        complete(&worker, attempt, &ids, Ending::Completed).await?;
    }
    db.add_sync("small", 5).await?;
    let mut turns = 0;
    while db
        .count("select pending_chunks from chunk_processing_status where source = 'small'")
        .await?
        > 0
    {
        let (attempt, ids) = take(&worker).await?;
        complete(&worker, attempt, &ids, Ending::Completed).await?;
        turns += 1;
    }
    // The mark lags behind the queue by a hundred ranks at most, in which the small one comes first.
    assert!(turns <= 10, "its five chunks took {turns} turns");
    Ok(())
}

#[tokio::test]
async fn no_more_calls_are_open_than_the_job_and_the_source_allow() -> anyhow::Result<()> {
    let (db, first) = frozen(40).await?;
    let workers = try_join_all((0..20).map(|_| db.worker())).await?;
    db.owner
        .batch_execute("update baton.item_groups set max_parallel = 3")
        .await?;
    // On a slow machine some are told to come again although there was room, so all ask a few times.
    let claimed = async || {
        let mut claimed = 0;
        for _ in 0..5 {
            let claims = workers.iter().map(|it| claim_chunks(it, Trigger::Manual));
            let claims = try_join_all(claims).await?;
            let given = claims.iter().filter(|it| matches!(it, Claim::Claimed(_)));
            claimed += given.count();
        }
        anyhow::Ok(claimed)
    };
    assert_eq!(claimed().await?, 3, "the source allows three");
    db.add_sync("other", 40).await?;
    assert_eq!(claimed().await?, 5, "and the job eight");
    assert!(
        matches!(claim_chunks(&first, Trigger::Manual).await?, Claim::Skipped { reason, .. } if reason == "busy")
    );
    assert_eq!(
        db.count("select count(*) from baton.attempts where finished_at is null")
            .await?,
        8
    );
    Ok(())
}

#[tokio::test]
async fn what_has_one_chance_left_is_taken_alone_and_pays_alone() -> anyhow::Result<()> {
    let (db, worker) = frozen(10).await?;
    db.configure_job("process-chunks", json!({ "batch_size": 10 }))
        .await?;
    let mut killer = None;
    let mut rounds = 0;
    while let Claim::Claimed(it) = claim_chunks(&worker, Trigger::Manual).await? {
        let ids: Vec<Uuid> = it.chunks.iter().map(|it| it.id).collect();
        let killer = *killer.get_or_insert_with(|| ids[5]);
        rounds += 1;
        if ids.contains(&killer) {
            db.advance("9 seconds").await?;
            assert!(rounds < 30);
        } else {
            complete(&worker, it.attempt_id, &ids, Ending::Completed).await?;
        }
    }
    let sql = "select concat_ws(' ', overall_status, completed_chunks, failed_chunks) from chunk_processing_status";
    assert_eq!(db.text(sql).await?.as_deref(), Some("partial_failure 9 1"));
    let why = "select error_message from chunk_processing_queue where status = 'failed'";
    assert_eq!(
        db.text(why).await?.as_deref(),
        Some("the worker died or fell silent")
    );
    assert_eq!(
        db.list("select count(*) || outcome from chunk_attempts where error is not null group by outcome order by outcome", &[])
            .await?,
        ["1failed", "20lost"]
    );
    Ok(())
}

/// The marks must not pass by what is committed later.
#[tokio::test]
async fn chunks_of_a_long_transaction_are_found_when_it_commits() -> anyhow::Result<()> {
    let (db, worker) = frozen(600).await?;
    let slow = db.session().await?;
    slow.batch_execute("begin").await?;
    slow.batch_execute("select save_source('slow', 'noop', '', null, null, '{}', 'test'), start_sync('slow', true, 'test')").await?;
    for _ in 0..350 {
        let (attempt, ids) = take(&worker).await?;
        complete(&worker, attempt, &ids, Ending::Completed).await?;
    }
    slow.batch_execute("commit").await?;
    take(&worker).await?;
    assert_eq!(
        db.text("select status from sync_jobs where source = 'slow'")
            .await?
            .as_deref(),
        Some("processing"),
        "it comes first"
    );
    let (attempt, ids) = take(&worker).await?;
    complete(&worker, attempt, &ids, Ending::Completed).await?;
    for _ in 0..120 {
        let (attempt, ids) = take(&worker).await?;
        complete(&worker, attempt, &ids, Ending::Completed).await?;
    }
    assert!(
        db.count("select last_value from baton.rank_mark_123456790")
            .await?
            > 300,
        "afterwards the mark moves"
    );
    Ok(())
}

#[tokio::test]
async fn stuck_chunks_are_reset_after_ten_minutes_unless_somebody_holds_them() -> anyhow::Result<()>
{
    let (db, worker) = frozen(3).await?;
    let (held, _) = take(&worker).await?;
    let (gone, ids) = take(&worker).await?;
    db.owner
        .execute("delete from baton.attempts where id = $1", &[&gone])
        .await?;
    let cleanup = "SELECT cleanup_stuck_chunks();";
    let reset = async || anyhow::Ok(db.owner.query_one(cleanup, &[]).await?.get::<_, i32>(0));
    assert_eq!(reset().await?, 0);
    for _ in 0..155 {
        db.advance("4 seconds").await?;
        call(&worker, ExtendAttempt { attempt_id: held }).await?;
    }
    assert_eq!(
        reset().await?,
        1,
        "the one that beats for ten minutes is not stuck"
    );
    assert_eq!(take(&worker).await?.1, ids);
    Ok(())
}

#[tokio::test]
async fn what_no_claim_gave_out_settles_nothing_and_nonsense_is_refused() -> anyhow::Result<()> {
    let (db, worker) = frozen(2).await?;
    let (attempt, ids) = take(&worker).await?;
    let lost = complete(&worker, Uuid::new_v4(), &ids, Ending::Completed).await?;
    assert_eq!(
        lost,
        Completed::Lost {
            reason: "no_such_attempt".to_owned()
        }
    );
    for outcomes in [
        r#"{}"#,
        r#"[{"id": "x", "outcome": "great"}]"#,
        r#"[{"outcome": null}]"#,
    ] {
        let sql = format!("select baton_api.complete_chunk_job_safe('{attempt}', '{outcomes}')");
        let error = worker.batch_execute(&sql).await.expect_err(outcomes);
        assert_eq!(
            error.code().map(|it| it.code()),
            Some(baton::contract::codes::BAD_ARGUMENT),
            "{outcomes}"
        );
    }
    let others = db
        .owner
        .query_one(
            "select id from chunk_processing_queue where status = 'pending'",
            &[],
        )
        .await?
        .get(0);
    complete(&worker, attempt, &[others], Ending::Completed).await?;
    assert_eq!(
        completed(&db).await?,
        0,
        "a chunk of nobody's is not settled by it"
    );
    Ok(())
}

#[tokio::test]
async fn a_sync_ends_when_two_settle_its_last_chunks_at_once() -> anyhow::Result<()> {
    let (db, one) = frozen(2).await?;
    let two = db.worker().await?;
    let (first, ids) = take(&one).await?;
    let (second, others) = take(&two).await?;
    one.batch_execute("begin").await?;
    complete(&one, first, &ids, Ending::Completed).await?;
    let settling =
        tokio::spawn(async move { complete(&two, second, &others, Ending::Completed).await });
    crate::support::until("the second waits for the first", async || {
        let n = db.sessions("wait_event_type = 'Lock'").await?;
        Ok((n > 0).then_some(()))
    })
    .await?;
    one.batch_execute("commit").await?;
    settling.await??;
    assert_eq!(
        db.text("select status from sync_jobs").await?.as_deref(),
        Some("completed")
    );
    Ok(())
}

#[tokio::test]
async fn a_sync_ends_when_its_last_chunk_is_done_while_the_one_before_is_being_settled()
-> anyhow::Result<()> {
    let (db, one) = frozen(2).await?;
    let two = db.worker().await?;
    let (first, ids) = take(&one).await?;
    one.batch_execute("begin").await?;
    // It sees the other chunk waiting, so it does not end the sync …
    complete(&one, first, &ids, Ending::Completed).await?;
    let (second, others) = take(&two).await?;
    // … and this one waits until it sees the first one's end.
    let settling =
        tokio::spawn(async move { complete(&two, second, &others, Ending::Completed).await });
    until("the second waits for the first", async || {
        let n = db.sessions("wait_event_type = 'Lock'").await?;
        Ok((n > 0).then_some(()))
    })
    .await?;
    one.batch_execute("commit").await?;
    settling.await??;
    assert_eq!(
        db.text("select status from sync_jobs").await?.as_deref(),
        Some("completed")
    );
    Ok(())
}

async fn completed(db: &Db) -> anyhow::Result<i64> {
    db.count("select count(*) from chunk_processing_queue where status = 'completed'")
        .await
}

/// A database with a stopped clock, a sync of `n` chunks, and a worker.
async fn frozen(n: i32) -> anyhow::Result<(Db, Client)> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_sync("trial", n).await?;
    let worker = db.worker().await?;
    Ok((db, worker))
}

/// A claim that waits for the marks must not begin before they moved: no other claim would count it.
#[tokio::test]
async fn an_attempt_begins_after_its_claim_has_the_marks() -> anyhow::Result<()> {
    let (db, worker) = frozen(2).await?;
    let raising = db.session().await?;
    raising
        .batch_execute("begin; select pg_advisory_xact_lock(123456790, 0)")
        .await?;
    let claim = tokio::spawn(async move { claim_chunks(&worker, Trigger::Manual).await });
    let waiting = "select nullif(count(*), 0) from pg_locks where not granted and locktype = 'advisory' and classid = 123456790
                   and database = (select oid from pg_database where datname = current_database())";
    until("the claim waits", async || {
        Ok(db
            .owner
            .query_one(waiting, &[])
            .await?
            .get::<_, Option<i64>>(0))
    })
    .await?;
    db.advance("2 minutes").await?;
    raising
        .batch_execute("select baton_api.raise_marks(j, 0, baton.clock()) from baton.jobs j where name = 'process-chunks'; commit")
        .await?;
    assert!(matches!(claim.await??, Claim::Claimed(_)));
    let seen = "select count(*) from baton.attempts where claimed_at >= baton_api.mark_at('attempt_mark', 123456790)";
    assert_eq!(db.count(seen).await?, 1);
    Ok(())
}
