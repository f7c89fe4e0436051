use baton::contract::items::{BatchOutcome, Settled};
use baton::contract::native::call;
use baton::contract::{Claim, Trigger};
use cluster::Cluster;
use process_chunks::calls::{ChunkAttempt, ChunkOutcome, Completed, SettleChunks};
use serde_json::json;
use tokio_postgres::Client;

use crate::support::db::{CLOCK, Db};
use crate::support::settling::claim_chunks;
use crate::support::until;
use crate::support::variant::Variant;

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

/// What a crash takes back is worked again, and nothing else is.
#[tokio::test]
async fn a_crash_in_the_middle_of_turns_loses_nothing() -> anyhow::Result<()> {
    for is_async in [false, true] {
        let dir = tempfile::tempdir()?;
        // Nothing but a commit that waits for the disk gets there.
        let settings = [
            ("synchronous_commit", "on"),
            ("wal_writer_delay", "10s"),
            ("wal_writer_flush_after", "1GB"),
            ("autovacuum", "off"),
        ];
        let options = Variant::read()?.options(&settings)?;
        let mut cluster = Cluster::start(&dir.path().join("postgres"), options).await?;
        let db = Db::on(&cluster).await?;
        db.superuser().await?.batch_execute(CLOCK).await?;
        db.freeze().await?;
        db.configure_job("process-chunks", json!({ "async_turns": is_async }))
            .await?;
        db.add_sync("ten", 10).await?;
        let worker = db.worker().await?;
        let Claim::Claimed(first) = claim_chunks(&worker, Trigger::Manual).await? else {
            panic!("there are chunks");
        };
        let mut attempt = first;
        for _ in 0..4 {
            attempt = next_of(settle(&worker, &attempt).await?).expect("there is more");
        }
        cluster.kill_immediate().await?;
        cluster.restart().await?;

        let db = Db::reopen(&cluster).await?;
        let worker = db.worker().await?;
        let done = "select count(*) from baton.items where status = 'completed'";
        let ready = "select count(*) from baton.ready_items";
        let kept = db.count(done).await?;
        // Without async turns each settlement was on disk when it was answered; with them, what happened to get there.
        assert!(kept == 4 || is_async && kept < 4, "{kept} are done");
        let answer = settle(&worker, &attempt).await?;
        let goes_on = matches!(answer, Completed::Settled(_));
        assert_eq!(goes_on, kept == 4, "{answer:?}");
        // It goes on, or the next claim finds what was taken back.
        let mut next = next_of(answer);
        loop {
            if next.is_none() {
                db.advance("1 minute").await?;
                next = match claim_chunks(&worker, Trigger::Manual).await? {
                    Claim::Claimed(attempt) => Some(attempt),
                    _ => break,
                };
            }
            if let Some(attempt) = next {
                next = next_of(settle(&worker, &attempt).await?);
            }
        }
        assert_eq!((db.count(done).await?, db.count(ready).await?), (10, 0));
        // Where the attempt was found dead, that counts as a try.
        if goes_on {
            assert_eq!(counts(&db).await?.as_deref(), Some("10 10 0"));
        }
        let open = "select count(*) from baton.attempts where finished_at is null";
        assert_eq!(db.count(open).await?, 0);
        cluster.kill_immediate().await?;
    }
    Ok(())
}

fn next_of(answer: Completed) -> Option<ChunkAttempt> {
    match answer {
        Completed::Settled(Settled {
            next: Some(Claim::Claimed(next)),
            ..
        }) => Some(next),
        _ => None,
    }
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
