use std::time::Duration;

use anyhow::Result;
use driver::http::Http;
use futures::future::try_join_all;
use serde_json::json;
use tokio_postgres::Client;

use super::figures::{Baseline, Skipped};
use crate::figures::Quantiles;
use crate::measure::now;
use crate::measure::{DEADLINE, ROUTE};

/// What the server has written since it was made.
pub(super) struct Written {
    pub(super) wal_bytes: i64,
    /// Transactions that wrote something.
    pub(super) transactions: i64,
}

/// Replaces all contacts by new ones that were never validated, four to a domain, and forgets the rest.
pub(super) async fn fill(client: &Client, contacts: u32) -> Result<()> {
    let contacts = i64::from(contacts);
    client
        .batch_execute("truncate public.contacts, baton.dns_cache, baton.cycles, baton.alerts, baton.attempts, baton.item_losses")
        .await?;
    client
        .execute(
            "insert into public.contacts (email)
             select 'contact' || n || '@bench' || n / 4 || '.net' from generate_series(1, $1::bigint) n",
            &[&contacts],
        )
        .await?;
    client
        .batch_execute("analyze public.contacts; checkpoint")
        .await?;
    Ok(())
}

/// Ends what a killed host has left running in the server, so that it is not in the way of what is measured next.
pub(super) async fn end_other_sessions(client: &Client) -> Result<()> {
    client
        .execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
            &[],
        )
        .await?;
    Ok(())
}

/// What plain SQL reaches on one connection.
pub(super) async fn baseline(client: &Client, spell: Duration) -> Result<Baseline> {
    let read = client.prepare("select 1").await?;
    let write = client
        .prepare("update public.contacts set external_heartbeat_checked_at = null where id = (select min(id) from public.contacts) + $1")
        .await?;
    let start = now();
    let mut reads = 0_u32;
    while start.elapsed() < spell {
        client.query_one(&read, &[]).await?;
        reads += 1;
    }
    let read_for = start.elapsed();
    let start = now();
    let mut writes = 0_u32;
    while start.elapsed() < spell {
        client
            .execute(&write, &[&i64::from(writes % 1_000)])
            .await?;
        writes += 1;
    }
    Ok(Baseline {
        round_trips_per_second: f64::from(reads) / read_for.as_secs_f64(),
        commits_per_second: f64::from(writes) / start.elapsed().as_secs_f64(),
    })
}

/// Calls a job that is busy, over several connections.
pub(super) async fn skipped(http: &Http, connections: u32, spell: Duration) -> Result<Skipped> {
    let start = now();
    let callers = (0..connections).map(|_| {
        let http = http.clone();
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            let mut others = 0_u64;
            while start.elapsed() < spell {
                let sent = now();
                let (status, _) = http.post(ROUTE, &json!({}), DEADLINE).await?;
                latencies.push(sent.elapsed().as_secs_f64() * 1_000.0);
                others += u64::from(status != 409);
            }
            anyhow::Ok((latencies, others))
        })
    });
    let mut latencies = Vec::new();
    let mut others = 0;
    for result in try_join_all(callers).await? {
        let (its_latencies, its_others) = result?;
        latencies.extend(its_latencies);
        others += its_others;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Skipped {
        connections,
        requests_per_second: latencies.len() as f64 / seconds,
        took: Quantiles::of(latencies),
        other_answers: others,
    })
}

/// Reads the counters; the reading counts as one transaction.
pub(super) async fn written(client: &Client) -> Result<Written> {
    let row = client
        .query_one(
            "select (pg_current_wal_lsn() - '0/0')::bigint, pg_current_xact_id()::text::bigint",
            &[],
        )
        .await?;
    Ok(Written {
        wal_bytes: row.get(0),
        transactions: row.get(1),
    })
}
