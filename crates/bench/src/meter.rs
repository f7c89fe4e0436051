use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio_postgres::Client;

use super::child::Child;
use super::figures::Cost;
use crate::measure::now;
use crate::processes;

/// How long the server may take to notice that a host is gone.
const LEFT_WITHIN: Duration = Duration::from_secs(10);
/// Transactions of one query by this program: preparing it is one, and so is running it.
pub(super) const QUERY: i64 = 2;

/// Counters of this database, its server and a host, as they stood when something began.
pub(super) struct Meter {
    host: Option<f64>,
    server: BTreeMap<u32, f64>,
    commits: i64,
    wal: i64,
    start: Instant,
}

impl Meter {
    /// Begins.
    pub(super) async fn start(client: &Client, child: &Child) -> Result<Self> {
        Ok(Self {
            host: cpu_seconds(child),
            server: processes::server_seconds(client).await?,
            commits: commits(client).await?,
            wal: wal_position(client).await?,
            start: now(),
        })
    }

    /// Ends it, and the host, after so many items; of the transactions meanwhile, so many were this session's own.
    pub(super) async fn stop(
        self,
        client: &Client,
        child: Child,
        items: u32,
        own: i64,
    ) -> Result<Cost> {
        let seconds = self.start.elapsed().as_secs_f64();
        let wal = wal_position(client).await? - self.wal;
        let host = cpu_seconds(&child);
        let server = processes::server_seconds(client).await?;

        // Backends tell what they committed at the latest when they end.
        child.kill().await?;
        let looking = until_left(client).await?;
        // The first count does not hold its own reading; then come the position of the log twice, the server's processes,
        // and the flush before the second reading.
        let measuring = 5 * QUERY + looking;
        let committed = commits(client).await? - self.commits - own - measuring;

        let each = |n: f64| n / f64::from(items);
        let host = self.host.zip(host).map(|(before, after)| after - before);
        let server = processes::spent(&self.server, &server);
        Ok(Cost {
            seconds,
            per_second: f64::from(items) / seconds,
            wal_bytes_each: each(wal as f64),
            commits_each: each(committed as f64),
            host_cpu_microseconds_each: host.map(|it| each(it * 1e6)),
            server_cpu_microseconds_each: server.map(|it| each(it * 1e6)),
        })
    }
}

/// Gives the planner its statistics, and lets every page be written to the log in full once more, as for the peers.
pub(super) async fn settle_down(client: &Client) -> Result<()> {
    client.batch_execute("vacuum analyze").await?;
    client.batch_execute("checkpoint").await?;
    Ok(())
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

/// Waits until no other session is left in the database, and says how many transactions that took.
pub(super) async fn until_left(client: &Client) -> Result<i64> {
    let sql = "select count(*) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    let mut looking = QUERY;
    let leaving = async {
        while client.query_one(sql, &[]).await?.get::<_, i64>(0) > 0 {
            looking += QUERY;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LEFT_WITHIN, leaving)
        .await
        .context("waiting for the host's sessions to end")??;
    Ok(looking)
}

async fn wal_position(client: &Client) -> Result<i64> {
    let sql = "select (pg_current_wal_insert_lsn() - '0/0')::bigint";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

fn cpu_seconds(child: &Child) -> Option<f64> {
    child.pid().and_then(|it| processes::cpu_seconds(it, None))
}
