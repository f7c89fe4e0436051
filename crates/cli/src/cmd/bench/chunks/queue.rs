use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use contract::{ConfigureJob, PauseJob, ResumeJob, SaveSource, SetWake, StartSync, StartedSync};
use serde_json::{Map, json};
use tokio_postgres::Client;

use super::figures::Claim;
use crate::cmd::bench::now;
use crate::{api, scratch::Scratch};

/// The job that does chunks.
pub(super) const JOB: &str = "process-chunks";
/// The source of chunks that do nothing.
const SOURCE: &str = "bench";
const WHO: &str = "bench";
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
    let wake = SetWake {
        mode: "listen".to_owned(),
        url: None,
        secret: None,
        who: WHO.to_owned(),
    };
    api::call(client, wake).await?;
    let changes = Map::from_iter([
        ("batch_size".to_owned(), json!(batch)),
        ("max_parallel".to_owned(), json!(parallel)),
    ]);
    let configure = ConfigureJob {
        job: JOB.to_owned(),
        changes,
        who: WHO.to_owned(),
    };
    api::call(client, configure).await?;
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

/// Gives the planner its statistics, and lets every page be written to the log in full once more, as for the peers.
pub(super) async fn settle_down(client: &Client) -> Result<()> {
    client.batch_execute("vacuum analyze").await?;
    client.batch_execute("checkpoint").await?;
    Ok(())
}

/// Waits until a sync job has ended, and says how often it looked. All of it must have been completed.
pub(super) async fn until_ended(client: &Client, sync_job: &StartedSync) -> Result<u32> {
    let look = client
        .prepare("select status from baton.sync_jobs where id = $1")
        .await?;
    let mut looks = 0;
    let waiting = async {
        loop {
            looks += 1;
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
    Ok(looks)
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
    milliseconds.sort_by(f64::total_cmp);
    Ok(Claim {
        chunks,
        p50_ms: quantile(&milliseconds, 0.5),
        p99_ms: quantile(&milliseconds, 0.99),
    })
}

/// The value below which this share of sorted values lies.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_below_which_its_share_lies() {
        let check = |sorted: &[f64], share, expected: f64| {
            assert!(quantile(sorted, share).total_cmp(&expected).is_eq())
        };
        let hundred: Vec<f64> = (0..100).map(f64::from).collect();
        check(&hundred, 0.5, 50.0);
        check(&hundred, 0.99, 99.0);
        check(&[7.0], 0.99, 7.0);
        check(&[], 0.5, f64::NAN);
    }
}
