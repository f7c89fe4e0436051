use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use contract::operator::{PauseJob, ResumeJob};
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
/// The source of chunks that do nothing.
const SOURCE: &str = "bench";
/// Chunks added by one call.
const SLICE: u32 = 10_000;
/// Claims measured at each size.
const CLAIMS: u32 = 50;
/// Between two looks whether a sync job has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// When a sync job is given up.
const ENDS_WITHIN: Duration = Duration::from_secs(600);

/// Lets the database wake the job, which takes chunks so many at a time and in so many calls at once.
pub(super) async fn set_up(client: &Client, batch: u32, parallel: u32) -> Result<()> {
    set_wake(client, "listen").await?;
    let changes = [
        ("batch_size", json!(batch)),
        ("max_parallel", json!(parallel)),
    ];
    configure(client, JOB, changes).await?;
    let source = SaveSource {
        name: SOURCE.to_owned(),
        kind: "noop".to_owned(),
        url: String::new(),
        username: None,
        secret: None,
        settings: json!({"max_parallel": 64}),
        who: WHO.to_owned(),
    };
    api::call(client, source).await?;
    Ok(())
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

/// Starts a sync job of so many chunks, one or more.
pub(super) async fn enqueue(client: &Client, chunks: u32) -> Result<StartedSync> {
    let start = StartSync {
        source: SOURCE.to_owned(),
        full: true,
        who: WHO.to_owned(),
    };
    // It comes with its first chunk.
    let sync_job = api::call(client, start).await?;
    add(client, &sync_job, chunks - 1).await?;
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

/// Waits until a sync job has ended, and says how many transactions that took. All of it must have been completed.
pub(super) async fn until_ended(client: &Client, sync_job: &StartedSync) -> Result<i64> {
    let look = client
        .prepare("select status from baton.sync_jobs where id = $1")
        .await?;
    // Preparing was the first.
    let mut looking = 1;
    let waiting = async {
        loop {
            looking += 1;
            let status: String = client
                .query_one(&look, &[&sync_job.sync_job_id])
                .await?
                .get(0);
            if status != "pending" && status != "processing" {
                return anyhow::Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let status = tokio::time::timeout(ENDS_WITHIN, waiting)
        .await
        .context("waiting for the chunks to be done")??;
    ensure!(status == "completed", "the sync job ended as {status}");
    Ok(looking)
}

/// How long a claim takes with so many chunks in the queue.
pub(super) async fn claim(scratch: &Scratch, chunks: u32) -> Result<Claim> {
    let client = &scratch.client;
    set_up(client, 1, 8).await?;
    enqueue(client, chunks).await?;
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
