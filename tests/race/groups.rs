use baton::contract::items::{BatchOutcome, SettleItemsAnswer};
use baton::contract::native::call;
use baton::contract::{Claim, Trigger};
use futures::future::try_join_all;
use process_chunks::calls::{ChunkOutcome, Ending, SettleChunks};
use serde_json::json;
use tokio_postgres::Client;

use crate::support::db::Db;
use crate::support::settling::claim_chunks;

/// How many chunks each sync has.
const CHUNKS: i32 = 60;

/// Workers that go on from batch to batch stay with a sync and count nothing; those that come to it count under its lock.
#[tokio::test]
async fn calls_that_go_on_keep_the_limits_of_sources_and_end_each_sync() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure_job(
        "process-chunks",
        json!({ "batch_size": 4, "max_parallel": 8 }),
    )
    .await?;
    for (source, limit) in [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 8)] {
        db.add_sync(source, CHUNKS).await?;
        let limits = "update baton.item_groups g set max_parallel = $1 from baton.sync_jobs j where j.id = g.id and j.source = $2";
        db.owner.execute(limits, &[&limit, &source]).await?;
    }
    let workers = try_join_all((0..12).map(|_| db.worker())).await?;
    let watcher = db.session().await?;
    let active = "select count(*) from sync_jobs where completed_at is null";
    let work = try_join_all(workers.iter().map(|worker| async {
        while db.count(active).await? > 0 {
            drain(worker).await?;
        }
        anyhow::Ok(())
    }));
    let watch = async {
        // Limits hold at every moment, so they are looked at as often as can be.
        let over = "select string_agg(g.max_parallel || ' allowed, ' || c.n || ' open', '; ') from (
                      select o.id, count(*) as n from baton.attempts a, unnest(a.group_ids) o(id) where a.finished_at is null group by o.id) c
                    join baton.item_groups g on g.id = c.id where c.n > g.max_parallel";
        while db.count(active).await? > 0 {
            let over: Option<String> = watcher.query_one(over, &[]).await?.get(0);
            anyhow::ensure!(over.is_none(), "{over:?}");
        }
        Ok(())
    };
    futures::try_join!(work, watch)?;
    let ends = "select source || ' ' || overall_status || ' ' || completed_chunks from chunk_processing_status order by 1";
    assert_eq!(
        db.list(ends, &[]).await?,
        ["a", "b", "c", "d", "e"].map(|it| format!("{it} completed {CHUNKS}"))
    );
    let tries = "select count(*) from chunk_processing_queue where attempts <> 1";
    assert_eq!(db.count(tries).await?, 0);
    let states = "select count(*) from baton.item_groups where state <> 'ended'";
    assert_eq!(db.count(states).await?, 0);
    Ok(())
}

/// Claims once, then goes on until a settlement brings no next batch.
async fn drain(worker: &Client) -> anyhow::Result<()> {
    let Claim::Claimed(mut attempt) = claim_chunks(worker, Trigger::Next).await? else {
        return Ok(());
    };
    loop {
        let outcomes = attempt.chunks.iter().map(|it| ChunkOutcome {
            id: it.id,
            outcome: Ending::Completed,
            ..ChunkOutcome::default()
        });
        let settle = SettleChunks {
            attempt_id: attempt.attempt_id,
            outcomes: BatchOutcome::Each(outcomes.collect()),
            claim_next: true,
            remembers: false,
        };
        match call(worker, settle).await? {
            SettleItemsAnswer::Settled(it) => match it.next {
                Some(Claim::Claimed(next)) => attempt = next,
                _ => return Ok(()),
            },
            SettleItemsAnswer::Lost { reason } => anyhow::bail!("an attempt was lost: {reason}"),
        }
    }
}
