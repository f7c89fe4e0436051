use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use serde_json::json;
use tokio_postgres::Client;

use super::figures::{Drain, Pinned};
use super::{processes, queue};
use crate::cmd::bench::child::Child;
use crate::cmd::bench::now;
use crate::database::connect;
use crate::{home::Home, scratch::Scratch};

/// The component's route.
const ROUTE: &str = "/jobs/process-chunks";
/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long the server may take to notice that a host is gone.
const LEFT_WITHIN: Duration = Duration::from_secs(10);
/// Chunks in the queue when claims are measured beside a pinned snapshot.
const WAITING: u32 = 1_000;

/// Enqueues chunks that do nothing, and drains them through the real component.
pub(super) async fn all(
    home: &Home,
    scratch: &Scratch,
    chunks: u32,
    batch: u32,
    parallel: u32,
) -> Result<Drain> {
    let client = &scratch.client;
    queue::set_up(client, batch, parallel).await?;
    queue::pause(client).await?;
    let child = start(home, scratch, &["--no-tick"]).await?;
    connect_all(&child, home, parallel).await?;
    let sync_job = queue::enqueue(client, chunks).await?;
    queue::settle_down(client).await?;

    let host_before = child.pid().and_then(|it| processes::cpu_seconds(it, None));
    let server_before = processes::server_seconds(client).await?;
    let commits_before = commits(client).await?;
    let wal_before = wal_position(client).await?;
    let start = now();
    queue::resume(client).await?;
    let looks = queue::until_ended(client, &sync_job).await?;
    let seconds = start.elapsed().as_secs_f64();
    let wal = wal_position(client).await? - wal_before;
    let host_after = child.pid().and_then(|it| processes::cpu_seconds(it, None));
    let server_after = processes::server_seconds(client).await?;

    // Backends tell what they committed at the latest when they end.
    child.kill().await?;
    let looks = looks + until_left(client).await?;
    // This session's own between the two counts, the first of which does not hold its own reading: that, the position of
    // the log twice, resuming, the server's processes, and the flush before the second reading.
    let ours = i64::from(looks) + 6;
    let committed = commits(client).await? - commits_before - ours;

    let per_chunk = |n: f64| n / f64::from(chunks);
    let host = host_before
        .zip(host_after)
        .map(|(before, after)| after - before);
    Ok(Drain {
        batch,
        parallel,
        seconds,
        chunks_per_second: f64::from(chunks) / seconds,
        wal_bytes_per_chunk: per_chunk(wal as f64),
        commits_per_chunk: per_chunk(committed as f64),
        host_cpu_microseconds_per_chunk: host.map(|it| per_chunk(it * 1e6)),
        server_cpu_microseconds_per_chunk: processes::spent(&server_before, &server_after)
            .map(|it| per_chunk(it * 1e6)),
    })
}

/// How much slower a claim becomes when somebody holds a snapshot while so many chunks are drained.
pub(super) async fn pinned(home: &Home, scratch: &Scratch, chunks: u32) -> Result<Pinned> {
    let client = &scratch.client;
    queue::set_up(client, 100, 8).await?;
    let sync_job = queue::enqueue(client, WAITING).await?;
    queue::settle_down(client).await?;
    let before = queue::claims(client, WAITING).await?;

    let holder = connect(&scratch.address).await?;
    holder
        .batch_execute("begin isolation level repeatable read; select 1")
        .await?;
    queue::pause(client).await?;
    let child = start(home, scratch, &["--no-tick"]).await?;
    queue::add(client, &sync_job, chunks).await?;
    queue::resume(client).await?;
    queue::until_ended(client, &sync_job).await?;
    child.kill().await?;

    queue::enqueue(client, WAITING).await?;
    let after = queue::claims(client, WAITING).await?;
    holder.batch_execute("rollback").await?;
    Ok(Pinned {
        chunks,
        before,
        after,
    })
}

/// A host for a database, which listens for wakes.
pub(super) async fn start(home: &Home, scratch: &Scratch, arguments: &[&str]) -> Result<Child> {
    // Nobody asks a resolver for chunks.
    Child::start(home, &scratch.address, "http://127.0.0.1:9", arguments).await
}

/// Transactions of this database so far, reads included.
pub(super) async fn commits(client: &Client) -> Result<i64> {
    // What this session has done itself is told when the statement ends.
    client
        .query_one("select pg_stat_force_next_flush()::text", &[])
        .await?;
    let sql = "select xact_commit from pg_stat_database where datname = current_database()";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// Waits until no other session is left in the database.
pub(super) async fn until_left(client: &Client) -> Result<u32> {
    let sql = "select count(*) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    let mut looks = 1;
    let leaving = async {
        while client.query_one(sql, &[]).await?.get::<_, i64>(0) > 0 {
            looks += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LEFT_WITHIN, leaving)
        .await
        .context("waiting for the host's sessions to end")??;
    Ok(looks)
}

async fn wal_position(client: &Client) -> Result<i64> {
    let sql = "select (pg_current_wal_insert_lsn() - '0/0')::bigint";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// Lets the host open its connections, by calls of the job, which is paused.
async fn connect_all(child: &Child, home: &Home, parallel: u32) -> Result<()> {
    let http = child.http(home)?;
    let calls = (0..parallel).map(|_| {
        let http = http.clone();
        async move { http.post(ROUTE, &json!({}), DEADLINE).await }
    });
    try_join_all(calls).await?;
    Ok(())
}
