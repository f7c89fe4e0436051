//! Calls that settle a batch and claim the next in one transaction: what stops them, and whom they let pass.

use std::collections::BTreeSet;

use baton::contract::items::{BatchOutcome, SettleItemsAnswer, Settled};
use baton::contract::native::call;
use baton::contract::operator::PauseJob;
use baton::contract::{Claim, Extend, ExtendAttempt, Trigger};
use process_chunks::calls::{ChunkAttempt, ChunkOutcome, Completed, Ending, SettleChunks};
use process_chunks::sources::CancelSync;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

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

#[tokio::test]
async fn an_attempt_goes_on_in_its_row_and_each_turn_has_a_token() -> anyhow::Result<()> {
    let (db, worker, first) = under_way(5).await?;
    let second = next(&worker, first.clone()).await?.expect("there is more");
    let third = next(&worker, second.clone()).await?.expect("there is more");
    let tokens: BTreeSet<Uuid> = [&first, &second, &third].map(|it| it.attempt_id).into();
    assert_eq!(tokens.len(), 3);
    let attempt = format!(
        "select concat_ws(' ', count(*), min(turns), min(n_items), bool_and(result is null), min(cardinality(item_ids))) from baton.attempts
         where id = '{}' and finished_at is null",
        first.attempt_id
    );
    assert_eq!(db.text(&attempt).await?.as_deref(), Some("1 3 3 t 1"));
    let log = "select concat_ws(' ', run_status, counts->'claimed', counts->'completed') from execution_log where job = 'process-chunks'";
    settle_by(&worker, &third, done(&third), false).await?;
    assert_eq!(db.text(log).await?.as_deref(), Some("ran 3 3"));
    Ok(())
}

#[tokio::test]
async fn the_settlement_of_a_turn_can_be_repeated_until_the_next_one_is_settled()
-> anyhow::Result<()> {
    let (db, worker, first) = under_way(5).await?;
    let retry = |of: &ChunkAttempt| ChunkOutcome {
        outcome: Ending::Retry,
        ..done(of)
    };
    let answer = settle_by(&worker, &first, retry(&first), true).await?;
    let SettleItemsAnswer::Settled(Settled {
        next: Some(Claim::Claimed(second)),
        retried: 1,
        ..
    }) = answer
    else {
        panic!("it goes on: {answer:?}");
    };
    // The second settlement says something else, and changes nothing.
    let settled =
        "select string_agg(concat_ws(' ', id, status, attempts), ',' order by id) from baton.items";
    let before = db.text(settled).await?;
    let repeated = settle_by(&worker, &first, done(&first), true).await?;
    let SettleItemsAnswer::Settled(Settled {
        next: None,
        completed: 0,
        retried: 1,
        again: true,
        ..
    }) = repeated
    else {
        panic!("the first answer comes again: {repeated:?}");
    };
    assert_eq!(db.text(settled).await?, before);
    let third = next(&worker, second.clone()).await?.expect("there is more");
    let before = db.text(settled).await?;
    let SettleItemsAnswer::Lost { reason } = settle_by(&worker, &first, done(&first), true).await?
    else {
        panic!("it is two turns ago");
    };
    assert_eq!(reason, "settled_before");
    assert_eq!(db.text(settled).await?, before);
    // Of an attempt that is closed, the last one.
    settle_by(&worker, &third, retry(&third), false).await?;
    let SettleItemsAnswer::Settled(Settled {
        completed: 0,
        retried: 1,
        ..
    }) = settle_by(&worker, &third, done(&third), false).await?
    else {
        panic!("it is the answer of its own turn");
    };
    Ok(())
}

#[tokio::test]
async fn what_a_lost_attempt_settled_in_its_earlier_turns_stays_settled() -> anyhow::Result<()> {
    let (db, worker, first) = under_way(3).await?;
    let second = next(&worker, first.clone()).await?.expect("there is more");
    let extended = call(
        &worker,
        ExtendAttempt {
            attempt_id: second.attempt_id,
        },
    );
    assert!(matches!(extended.await?, Extend::Extended { .. }));
    db.advance("9 seconds").await?;
    db.owner
        .batch_execute("select baton_api.end_dead_attempts(100)")
        .await?;
    let SettleItemsAnswer::Lost { reason } =
        settle_by(&worker, &second, done(&second), true).await?
    else {
        panic!("its lease ran out");
    };
    assert_eq!(reason, "lease_expired");
    let SettleItemsAnswer::Settled(Settled { completed: 1, .. }) =
        settle_by(&worker, &first, done(&first), true).await?
    else {
        panic!("the first turn was settled");
    };
    let chunks = "select string_agg(concat_ws(' ', status, attempts, losses), ',' order by status, losses desc) from baton.items";
    assert_eq!(
        db.text(chunks).await?.as_deref(),
        Some("completed 1 0,waiting 1 1,waiting 0 0")
    );
    let lost = "select concat_ws(' ', run_status, reason, counts->'claimed', counts->'completed') from execution_log where run_status = 'lost'";
    assert_eq!(
        db.text(lost).await?.as_deref(),
        Some("lost lease_expired 2 1")
    );
    Ok(())
}

#[tokio::test]
async fn what_chunks_have_in_common_is_told_once_and_again_when_it_changed() -> anyhow::Result<()> {
    let (db, worker, first) = under_way(20).await?;
    let sync_job = first.chunks[0].sync_job_id;
    assert_eq!(first.jobs[&sync_job].plan, json!({}));
    let second = next(&worker, first).await?.expect("there is more");
    assert_eq!(second.jobs[&sync_job].plan, json!({}));
    let third = next(&worker, second).await?.expect("there is more");
    assert!(third.jobs.is_empty(), "{third:?}");

    let Claim::Claimed(another) = claim_chunks(&worker, Trigger::Manual).await? else {
        panic!("there is more");
    };
    let brings = ChunkOutcome {
        plan: Some(json!({ "pages": 3 })),
        ..done(&another)
    };
    settle_by(&worker, &another, brings, false).await?;
    let fourth = next(&worker, third).await?.expect("there is more");
    assert_eq!(fourth.jobs[&sync_job].plan, json!({ "pages": 3 }));
    let fifth = next(&worker, fourth).await?.expect("there is more");
    assert!(fifth.jobs.is_empty(), "{fifth:?}");

    let save =
        "select save_source('large', 'noop', '', null, null, '{\"account\": \"a2\"}', 'ann')";
    db.owner.batch_execute(save).await?;
    let sixth = next(&worker, fifth).await?.expect("there is more");
    assert_eq!(sixth.jobs[&sync_job].source.settings["account"], "a2");

    // A caller that does not remember is told each time.
    let settle = format!(
        "select complete_chunk_job_safe('{}', '\"completed\"', true)#>>'{{next,jobs,{sync_job},plan,pages}}'",
        sixth.attempt_id
    );
    assert_eq!(db.text(&settle).await?.as_deref(), Some("3"));
    Ok(())
}

#[tokio::test]
async fn one_word_says_that_a_batch_is_done_and_no_other_word_says_anything() -> anyhow::Result<()>
{
    let (db, worker, attempt) = under_way(2).await?;
    for word in ["failed", "", "Done"] {
        let sql = format!(
            "select complete_chunk_job_safe('{}', '\"{word}\"', true)",
            attempt.attempt_id
        );
        let refused = db.text(&sql).await.expect_err("it is no outcome");
        assert!(
            format!("{refused:?}").contains("outcomes are"),
            "{refused:?}"
        );
    }
    let completed = "select count(*) from baton.items where status = 'completed'";
    assert_eq!(db.count(completed).await?, 0);
    // Once with another turn, once without.
    let second = next(&worker, attempt).await?.expect("there is more");
    assert!(next(&worker, second).await?.is_none());
    assert_eq!(db.count(completed).await?, 2);
    Ok(())
}

#[tokio::test]
async fn an_attempt_ends_after_a_hundred_turns_or_a_slow_one() -> anyhow::Result<()> {
    let (db, worker, mut attempt) = under_way(130).await?;
    for _ in 0..110 {
        attempt = next(&worker, attempt).await?.expect("there is more");
    }
    db.advance("2 seconds").await?;
    next(&worker, attempt).await?.expect("there is more");
    let turns = "select string_agg(turns::text, ' ' order by claimed_at, id) from baton.attempts";
    assert_eq!(db.text(turns).await?.as_deref(), Some("100 11 1"));
    Ok(())
}

#[tokio::test]
async fn an_attempt_from_before_there_were_turns_is_extended_and_settled() -> anyhow::Result<()> {
    let (db, worker, mut attempt) = under_way(2).await?;
    let former = "01a221c7-c715-7620-8b89-b05c12ce4715";
    db.owner
        .batch_execute(&format!("update baton.attempts set id = '{former}'"))
        .await?;
    attempt.attempt_id = former.parse()?;
    let extended = call(
        &worker,
        ExtendAttempt {
            attempt_id: attempt.attempt_id,
        },
    );
    assert!(matches!(extended.await?, Extend::Extended { .. }));
    let second = next(&worker, attempt).await?.expect("there is more");
    assert!(next(&worker, second).await?.is_none());
    let completed = "select count(*) from baton.items where status = 'completed'";
    assert_eq!(db.count(completed).await?, 2);
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
    Ok(
        match counted(settle_all(worker, &attempt, BatchOutcome::Done, true).await?)?.next {
            Some(Claim::Claimed(next)) => Some(next),
            _ => None,
        },
    )
}

fn done(attempt: &ChunkAttempt) -> ChunkOutcome {
    ChunkOutcome {
        id: attempt.chunks[0].id,
        ..ChunkOutcome::default()
    }
}

async fn settle(
    worker: &Client,
    attempt: &ChunkAttempt,
    outcome: ChunkOutcome,
) -> anyhow::Result<Settled<ChunkAttempt>> {
    counted(settle_by(worker, attempt, outcome, true).await?)
}

fn counted(answer: Completed) -> anyhow::Result<Settled<ChunkAttempt>> {
    match answer {
        SettleItemsAnswer::Settled(settled) => Ok(settled),
        SettleItemsAnswer::Lost { reason } => anyhow::bail!("it was lost: {reason}"),
    }
}

async fn settle_by(
    worker: &Client,
    attempt: &ChunkAttempt,
    outcome: ChunkOutcome,
    claim_next: bool,
) -> anyhow::Result<Completed> {
    settle_all(
        worker,
        attempt,
        BatchOutcome::Each(vec![outcome]),
        claim_next,
    )
    .await
}

async fn settle_all(
    worker: &Client,
    attempt: &ChunkAttempt,
    outcomes: BatchOutcome<ChunkOutcome>,
    claim_next: bool,
) -> anyhow::Result<Completed> {
    let settle = SettleChunks {
        attempt_id: attempt.attempt_id,
        outcomes,
        claim_next,
        remembers: true,
    };
    Ok(call(worker, settle).await?)
}
