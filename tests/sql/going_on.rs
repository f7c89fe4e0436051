//! Calls that settle a batch and claim the next in one transaction: what stops them, and whom they let pass.

use baton::contract::items::{SettleItemsAnswer, Settled};
use baton::contract::native::call;
use baton::contract::operator::PauseJob;
use baton::contract::{Claim, Trigger};
use process_chunks::calls::{ChunkAttempt, ChunkOutcome, CompleteChunks, Ending};
use process_chunks::sources::CancelSync;
use serde_json::json;
use tokio_postgres::Client;

use crate::support::db::Db;
use crate::support::settling::claim_chunks;

#[tokio::test]
async fn a_call_that_goes_on_lets_other_syncs_have_their_turn() -> anyhow::Result<()> {
    let (db, worker, mut attempt) = under_way(2000).await?;
    for _ in 0..100 {
        attempt = next(&worker, attempt).await?.expect("there is more");
    }
    db.add_sync("small", 5).await?;
    let waiting = "select pending_chunks from chunk_processing_status where source = 'small'";
    let mut turns = 0;
    while db.count(waiting).await? > 0 {
        attempt = next(&worker, attempt).await?.expect("there is more");
        turns += 1;
    }
    // A call stays with a sync for 32 chunks, and the mark lags behind by a hundred ranks.
    assert!(turns <= 140, "its five chunks took {turns} turns");
    Ok(())
}

#[tokio::test]
async fn a_call_that_goes_on_leaves_a_sync_that_is_cancelled() -> anyhow::Result<()> {
    let (db, worker, attempt) = under_way(1500).await?;
    let cancel = CancelSync {
        source: "large".to_owned(),
        who: "ann".to_owned(),
    };
    call(&db.owner, cancel).await?;
    // A thousand are cancelled at once, the rest by ticks.
    let left = "select count(*) from baton.ready_items r join sync_jobs j on j.id = r.group_id where j.source = 'large'";
    assert_eq!(db.count(left).await?, 499);
    assert_eq!(next(&worker, attempt).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_call_that_goes_on_leaves_a_source_that_asks_for_patience() -> anyhow::Result<()> {
    let (db, worker, attempt) = under_way(10).await?;
    let other = db.add_sync("other", 10).await?;
    let wait = ChunkOutcome {
        id: attempt.chunks[0].id,
        outcome: Ending::Wait,
        error: Some("too many requests".to_owned()),
        wait: Some(60),
        ..ChunkOutcome::default()
    };
    let attempt = settle(&worker, &attempt, wait).await?.next;
    let Some(Claim::Claimed(attempt)) = attempt else {
        panic!("the other has chunks: {attempt:?}");
    };
    assert_eq!(attempt.chunks[0].sync_job_id, other);
    Ok(())
}

#[tokio::test]
async fn a_paused_job_stops_a_call_that_goes_on() -> anyhow::Result<()> {
    let (db, worker, attempt) = under_way(10).await?;
    let pause = PauseJob {
        job: "process-chunks".to_owned(),
        who: "ann".to_owned(),
        reason: None,
    };
    call(&db.owner, pause).await?;
    assert_eq!(next(&worker, attempt).await?, None);
    let runs = "select count(*) from runs where reason = 'paused'";
    assert_eq!(db.count(runs).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_call_that_goes_on_takes_over_what_the_dead_had() -> anyhow::Result<()> {
    let (db, worker, attempt) = under_way(3).await?;
    let Claim::Claimed(dead) = claim_chunks(&worker, Trigger::Manual).await? else {
        panic!("there is more");
    };
    db.advance("9 seconds").await?;
    let attempt = next(&worker, attempt).await?.expect("it is due again");
    assert_eq!(attempt.chunks[0].id, dead.chunks[0].id);
    Ok(())
}

#[tokio::test]
async fn a_call_that_goes_on_obeys_a_lower_parallelism() -> anyhow::Result<()> {
    let (db, worker, first) = under_way(20).await?;
    let mut attempts = vec![first];
    for _ in 0..3 {
        let Claim::Claimed(it) = claim_chunks(&worker, Trigger::Manual).await? else {
            panic!("there is more");
        };
        attempts.push(it);
    }
    db.configure_job("process-chunks", json!({ "max_parallel": 2 }))
        .await?;
    let mut going_on = 0;
    for attempt in attempts {
        going_on += i32::from(next(&worker, attempt).await?.is_some());
    }
    assert_eq!(going_on, 2);
    let open = "select count(*) from baton.attempts where finished_at is null";
    assert_eq!(db.count(open).await?, 2);
    Ok(())
}

/// A database with a stopped clock, a sync of `n` chunks, and a worker that has the first of them.
async fn under_way(n: i32) -> anyhow::Result<(Db, Client, ChunkAttempt)> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_sync("large", n).await?;
    let worker = db.worker().await?;
    match claim_chunks(&worker, Trigger::Manual).await? {
        Claim::Claimed(attempt) => Ok((db, worker, attempt)),
        other => anyhow::bail!("no chunk could be claimed: {other:?}"),
    }
}

/// Completes an attempt; the next one, if there is one.
async fn next(worker: &Client, attempt: ChunkAttempt) -> anyhow::Result<Option<ChunkAttempt>> {
    let done = ChunkOutcome {
        id: attempt.chunks[0].id,
        ..ChunkOutcome::default()
    };
    Ok(match settle(worker, &attempt, done).await?.next {
        Some(Claim::Claimed(next)) => Some(next),
        _ => None,
    })
}

async fn settle(
    worker: &Client,
    attempt: &ChunkAttempt,
    outcome: ChunkOutcome,
) -> anyhow::Result<Settled<ChunkAttempt>> {
    let settle = CompleteChunks {
        attempt_id: attempt.attempt_id,
        outcomes: vec![outcome],
        claim_next: true,
    };
    match call(worker, settle).await? {
        SettleItemsAnswer::Settled(settled) => Ok(settled),
        SettleItemsAnswer::Lost { reason } => anyhow::bail!("it was lost: {reason}"),
    }
}
