use std::time::Duration;

use anyhow::Result;
use stack::{home::Home, scratch::Scratch};

use super::figures::{Idle, Latency};
use super::queue;
use crate::child::Child;
use crate::figures::Quantiles;
use crate::meter::{QUERY, commits, until_left};

/// How long the host idles. It holds one tick, as every minute does.
const SPELL: Duration = Duration::from_secs(60);
/// How long the host is given to do its first tick, and the server to hear of it.
const STARTS_WITHIN: Duration = Duration::from_secs(12);
/// For how many seconds chunks are added, and how many at least.
const SECONDS: usize = 5;
const FEWEST: usize = 200;

/// How many transactions a host with nothing to do asks of the server in a minute, ticks included.
pub(super) async fn queries(home: &Home, scratch: &Scratch) -> Result<Idle> {
    let client = &scratch.client;
    queue::set_up(client, queue::DEFAULTS).await?;
    let child = Child::start(home, &scratch.address, &[]).await?;
    tokio::time::sleep(STARTS_WITHIN).await;
    let before = commits(client).await?;
    tokio::time::sleep(SPELL).await;
    // Backends tell what they committed at the latest when they end.
    child.kill().await?;
    let looking = until_left(client).await?;
    // This session's own: the first reading, this, and the flush before the second reading.
    let ours = 2 * QUERY + looking;
    let committed = commits(client).await? - before - ours;
    Ok(Idle {
        seconds: SPELL.as_secs_f64(),
        queries_per_minute: committed.max(0) as f64 * 60.0 / SPELL.as_secs_f64(),
    })
}

/// How long a chunk waits from its insertion until it is claimed, and until it is done, by the clock of the database, when so many a
/// second are added.
pub(super) async fn latency(home: &Home, scratch: &Scratch, per_second: u32) -> Result<Latency> {
    let client = &scratch.client;
    queue::set_up(client, queue::DEFAULTS).await?;
    let sync_job = queue::start(client, 1, 1).await?;
    queue::keep_open(client, &sync_job).await?;
    let child = Child::start(home, &scratch.address, &["--no-tick"]).await?;
    let chunks = usize::try_from(per_second)?
        .saturating_mul(SECONDS)
        .max(FEWEST);
    let mut timer = tokio::time::interval(Duration::from_secs(1) / per_second);
    for _ in 0..chunks {
        timer.tick().await;
        queue::add(client, &sync_job, 1).await?;
    }
    queue::until_completed(client, chunks).await?;
    child.kill().await?;
    let rows = client
        .query(
            "select extract(epoch from started_at - created_at)::float8 * 1000,
                    extract(epoch from ended_at - created_at)::float8 * 1000
             from baton.items where status = 'completed' order by created_at desc limit $1",
            &[&i64::try_from(chunks)?],
        )
        .await?;
    let quantiles = |column: usize| Quantiles::of(rows.iter().map(|it| it.get(column)).collect());
    Ok(Latency {
        per_second,
        chunks,
        start: quantiles(0),
        end: quantiles(1),
    })
}
