use anyhow::Result;
use futures::future::try_join_all;
use serde_json::json;
use stack::database::connect;
use stack::{home::Home, scratch::Scratch};

use super::figures::{Drain, Pinned};
use super::queue::{self, Setting};
use crate::child::Child;
use crate::measure::DEADLINE;
use crate::meter::{Meter, QUERY, settle_down};

/// The component's route.
const ROUTE: &str = "/jobs/process-chunks";
/// Chunks in the queue when claims are measured beside a pinned snapshot.
const WAITING: u32 = 1_000;

/// Enqueues chunks that do nothing, and drains them through the real component.
pub(super) async fn all(
    home: &Home,
    scratch: &Scratch,
    chunks: u32,
    setting: Setting,
) -> Result<Drain> {
    let client = &scratch.client;
    queue::set_up(client, setting).await?;
    queue::pause(client).await?;
    let child = Child::start(home, &scratch.address, &["--no-tick"]).await?;
    let (batch, parallel) = queue::batch_and_parallel(client).await?;
    connect_all(&child, home, parallel).await?;
    queue::enqueue(client, setting, chunks).await?;
    settle_down(client).await?;

    let meter = Meter::start(client, &child).await?;
    queue::resume(client).await?;
    let looking = queue::until_ended(client).await?;
    // Resuming is a query, too.
    let cost = meter.stop(client, child, chunks, QUERY + looking).await?;
    Ok(Drain {
        is_default: setting.parallel.is_none(),
        syncs: setting.syncs,
        chunks,
        batch,
        parallel,
        cost,
    })
}

/// How much slower a claim becomes when somebody holds a snapshot while so many chunks are drained.
pub(super) async fn pinned(home: &Home, scratch: &Scratch, chunks: u32) -> Result<Pinned> {
    let client = &scratch.client;
    let setting = Setting {
        syncs: 1,
        batch: Some(100),
        parallel: None,
    };
    queue::set_up(client, setting).await?;
    let sync_job = queue::start(client, 1, WAITING).await?;
    settle_down(client).await?;
    let before = queue::claims(client, WAITING).await?;

    let holder = connect(&scratch.address).await?;
    holder
        .batch_execute("begin isolation level repeatable read; select 1")
        .await?;
    queue::pause(client).await?;
    let child = Child::start(home, &scratch.address, &["--no-tick"]).await?;
    queue::add(client, &sync_job, chunks).await?;
    queue::resume(client).await?;
    queue::until_ended(client).await?;
    child.kill().await?;

    queue::enqueue(client, setting, WAITING).await?;
    let after = queue::claims(client, WAITING).await?;
    holder.batch_execute("rollback").await?;
    Ok(Pinned {
        chunks,
        before,
        after,
    })
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
