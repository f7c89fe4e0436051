use baton::contract::items::BatchOutcome;
use baton::contract::native::call;
use baton::contract::{Claim, Trigger};
use process_chunks::calls::{ChunkAttempt, ChunkOutcome, Completed, SettleChunks};
use tokio_postgres::Client;

use crate::support::db::Db;
use crate::support::settling::claim_chunks;
use crate::support::until;

/// The short way does not lock the attempt before it reads it, so the second one learns only at the end that it is too late.
#[tokio::test]
async fn of_two_settlements_of_one_turn_at_once_one_counts() -> anyhow::Result<()> {
    let (db, attempt) = under_way().await?;
    let (first, second) = (db.worker().await?, db.worker().await?);
    first.batch_execute("begin").await?;
    settle(&first, &attempt).await?;
    let late = settle(&second, &attempt);
    let commit = async {
        until_blocked(&db).await?;
        first.batch_execute("commit").await?;
        anyhow::Ok(())
    };
    let (late, committed) = tokio::join!(late, commit);
    committed?;
    let error = late.expect_err("its turn is over");
    assert_eq!(
        error.code().map(tokio_postgres::error::SqlState::code),
        Some("40001")
    );
    let before = counts(&db).await?;
    assert_eq!(before.as_deref(), Some("1 1 8"));
    // As after any such error, it is repeated, and hears of the settlement that counted.
    settle(&second, &attempt).await?;
    assert_eq!(counts(&db).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_settlement_whose_attempt_is_being_lost_is_told_so() -> anyhow::Result<()> {
    let (db, attempt) = under_way().await?;
    let worker = db.worker().await?;
    let sweeper = db.session().await?;
    sweeper
        .batch_execute(
            "begin;
             update baton.attempts set leased_until = baton.clock() - interval '1 second';
             select baton_api.end_dead_attempts(10)",
        )
        .await?;
    let late = settle(&worker, &attempt);
    let commit = async {
        until_blocked(&db).await?;
        sweeper.batch_execute("commit").await?;
        anyhow::Ok(())
    };
    let (late, committed) = tokio::join!(late, commit);
    committed?;
    assert!(late.is_err(), "{late:?}");
    let lost = settle(&worker, &attempt).await?;
    assert!(
        matches!(&lost, Completed::Lost { reason } if reason == "lease_expired"),
        "{lost:?}"
    );
    // The one that was lost waits again, beside the nine others.
    assert_eq!(counts(&db).await?.as_deref(), Some("0 0 10"));
    Ok(())
}

/// A sync of ten chunks, and an attempt that has one of them. The clock stands still, so that its settlement goes the short way.
async fn under_way() -> anyhow::Result<(Db, ChunkAttempt)> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_sync("ten", 10).await?;
    match claim_chunks(&db.worker().await?, Trigger::Manual).await? {
        Claim::Claimed(attempt) => Ok((db, attempt)),
        other => anyhow::bail!("no chunk could be claimed: {other:?}"),
    }
}

/// How many chunks are completed, tries of these, and how many chunks are ready.
async fn counts(db: &Db) -> anyhow::Result<Option<String>> {
    db.text(
        "select concat_ws(' ', count(*) filter (where status = 'completed'), coalesce(sum(attempts) filter (where status = 'completed'), 0),
           (select count(*) from baton.ready_items)) from baton.items",
    )
    .await
}

async fn until_blocked(db: &Db) -> anyhow::Result<()> {
    until("the second one waits for the first", async || {
        let n = db.sessions("wait_event_type = 'Lock'").await?;
        Ok((n > 0).then_some(()))
    })
    .await
}

/// Says that the chunks of a turn are done, and asks for more.
async fn settle(
    worker: &Client,
    attempt: &ChunkAttempt,
) -> Result<Completed, tokio_postgres::Error> {
    let outcomes = attempt.chunks.iter().map(|it| ChunkOutcome {
        id: it.id,
        ..ChunkOutcome::default()
    });
    let settle = SettleChunks {
        attempt_id: attempt.attempt_id,
        outcomes: BatchOutcome::Each(outcomes.collect()),
        claim_next: true,
        remembers: false,
    };
    call(worker, settle).await
}
