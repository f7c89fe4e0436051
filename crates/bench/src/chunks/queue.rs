use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use baton::contract::operator::{PauseJob, ResumeJob};
use process_chunks::sources::{SaveSource, StartSync, StartedSync};
use serde_json::json;
use stack::{api, scratch::Scratch};
use tokio_postgres::Client;

use super::figures::Claim;
use crate::figures::Quantiles;
use crate::measure::{WHO, configure, now, set_wake};
use crate::meter::settle_down;

/// The job that does chunks.
const JOB: &str = "process-chunks";
/// Chunks added by one call.
const SLICE: u32 = 10_000;
/// Claims measured at each size.
const CLAIMS: u32 = 50;
/// Between two looks whether a sync job has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// When a sync job is given up.
const ENDS_WITHIN: Duration = Duration::from_secs(600);

/// One sync, with the settings that an installation begins with.
pub(super) const DEFAULTS: Setting = Setting {
    syncs: 1,
    batch: None,
    parallel: None,
};

/// How chunks are spread and taken.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Setting {
    /// Syncs over which the chunks are spread evenly.
    pub(super) syncs: u32,
    /// Batch size; none for what an installation begins with.
    pub(super) batch: Option<u32>,
    /// Calls at once; none for what an installation begins with.
    pub(super) parallel: Option<u32>,
}

/// Lets the database wake the job, and saves the sources.
pub(super) async fn set_up(client: &Client, setting: Setting) -> Result<()> {
    set_wake(client, "listen").await?;
    if let Some(batch) = setting.batch {
        configure(client, JOB, [("batch_size", json!(batch))]).await?;
    }
    if let Some(parallel) = setting.parallel {
        configure(client, JOB, [("max_parallel", json!(parallel))]).await?;
    }
    for n in 1..=setting.syncs {
        let source = SaveSource {
            name: source(n),
            kind: "noop".to_owned(),
            url: String::new(),
            username: None,
            secret: None,
            settings: json!({}),
            who: WHO.to_owned(),
        };
        api::call(client, source).await?;
    }
    Ok(())
}

/// The nth source of chunks that do nothing, from 1.
fn source(n: u32) -> String {
    format!("bench-{n}")
}

/// How many chunks a call takes at a time, and how many calls may be open.
pub(super) async fn batch_and_parallel(client: &Client) -> Result<(u32, u32)> {
    let sql = "select batch_size, max_parallel from baton.jobs where name = $1";
    let row = client.query_one(sql, &[&JOB]).await?;
    let (batch, parallel): (i32, i32) = (row.get(0), row.get(1));
    Ok((u32::try_from(batch)?, u32::try_from(parallel)?))
}

/// Keeps the job from starting.
pub(super) async fn pause(client: &Client) -> Result<()> {
    let pause = PauseJob {
        job: JOB.to_owned(),
        who: WHO.to_owned(),
        reason: None,
    };
    api::call(client, pause).await?;
    Ok(())
}

/// Lets the job start, and wakes it.
pub(super) async fn resume(client: &Client) -> Result<()> {
    let resume = ResumeJob {
        job: JOB.to_owned(),
        who: WHO.to_owned(),
    };
    api::call(client, resume).await?;
    Ok(())
}

/// Starts the sync jobs of a setting, with so many chunks in all, one or more each.
pub(super) async fn enqueue(client: &Client, setting: Setting, chunks: u32) -> Result<()> {
    for n in 1..=setting.syncs {
        let share = chunks / setting.syncs + u32::from(n <= chunks % setting.syncs);
        start(client, n, share).await?;
    }
    Ok(())
}

/// Starts the sync job of the nth source with so many chunks, one or more.
pub(super) async fn start(client: &Client, n: u32, chunks: u32) -> Result<StartedSync> {
    let start = StartSync {
        source: source(n),
        full: true,
        who: WHO.to_owned(),
    };
    // It comes with its first chunk.
    let sync_job = api::call(client, start).await?;
    add(client, &sync_job, chunks.saturating_sub(1)).await?;
    Ok(sync_job)
}

/// Adds so many chunks to a sync job.
pub(super) async fn add(client: &Client, sync_job: &StartedSync, chunks: u32) -> Result<()> {
    let mut left = chunks;
    while left > 0 {
        let slice = left.min(SLICE);
        client
            .execute(
                "select baton_api.enqueue_chunks($1, (select jsonb_agg('{\"do\": \"noop\"}'::jsonb) from generate_series(1, $2::bigint)))",
                &[&sync_job.sync_job_id, &i64::from(slice)],
            )
            .await?;
        left -= slice;
    }
    Ok(())
}

/// Keeps a sync job open when its other chunks are done: by a chunk that is due in a year.
pub(super) async fn keep_open(client: &Client, sync_job: &StartedSync) -> Result<()> {
    let sql = "
        with later as (
          insert into baton.items (job, group_id, data) values ($2, $1, '{\"do\": \"noop\"}') returning id, group_id)
        insert into baton.ready_items (job, priority, rank, run_at, item_id, group_id)
        select $2, 0, 0, now() + interval '1 year', l.id, l.group_id from later l";
    client.execute(sql, &[&sync_job.sync_job_id, &JOB]).await?;
    Ok(())
}

/// Waits until so many chunks are completed.
pub(super) async fn until_completed(client: &Client, chunks: usize) -> Result<()> {
    let sql = "select count(*) from baton.items where status = 'completed'";
    let waiting = async {
        while client.query_one(sql, &[]).await?.get::<_, i64>(0) < i64::try_from(chunks)? {
            tokio::time::sleep(LOOK_EVERY * 10).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(ENDS_WITHIN, waiting)
        .await
        .context("waiting for the chunks to be done")?
}

/// Waits until all sync jobs have ended, and says how many transactions that took. All of them must have been completed.
pub(super) async fn until_ended(client: &Client) -> Result<i64> {
    let look = client
        .prepare(
            "select exists (select from baton.sync_jobs where status in ('pending', 'processing')),
                    (select min(status) from baton.sync_jobs where status not in ('pending', 'processing', 'completed'))",
        )
        .await?;
    // Preparing was the first.
    let mut looking = 1;
    let waiting = async {
        loop {
            looking += 1;
            let row = client.query_one(&look, &[]).await?;
            let (active, failed): (bool, Option<String>) = (row.get(0), row.get(1));
            if let Some(status) = failed {
                anyhow::bail!("a sync job ended as {status}");
            }
            if !active {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(ENDS_WITHIN, waiting)
        .await
        .context("waiting for the chunks to be done")??;
    Ok(looking)
}

/// How long a claim takes with so many chunks in the queue.
pub(super) async fn claim(scratch: &Scratch, chunks: u32) -> Result<Claim> {
    let client = &scratch.client;
    set_up(client, DEFAULTS).await?;
    enqueue(client, DEFAULTS, chunks).await?;
    settle_down(client).await?;
    claims(client, chunks).await
}

/// Claims again and again, each time in a transaction that is taken back.
pub(super) async fn claims(client: &Client, chunks: u32) -> Result<Claim> {
    let claim = client
        .prepare("select baton_api.claim_next_chunk_job_safe('manual', 'bench')->>'status'")
        .await?;
    let mut milliseconds = Vec::new();
    for _ in 0..CLAIMS {
        client.batch_execute("begin").await?;
        let start = now();
        let status: String = client.query_one(&claim, &[]).await?.get(0);
        milliseconds.push(start.elapsed().as_secs_f64() * 1_000.0);
        client.batch_execute("rollback").await?;
        ensure!(status == "claimed", "a claim answered {status}");
    }
    Ok(Claim {
        chunks,
        took: Quantiles::of(milliseconds),
    })
}
