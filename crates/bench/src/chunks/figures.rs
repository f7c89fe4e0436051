use serde::Serialize;
use terminal::output::{count, table};

use crate::figures::{Cost, Quantiles, per_second};
use crate::peers::Peer;

/// What was measured. Ratios within one run say more than the numbers.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) chunks: u32,
    pub(super) drains: Vec<Drain>,
    pub(super) latency: Latency,
    pub(super) idle: Idle,
    pub(super) claims: Vec<Claim>,
    pub(super) pinned: Pinned,
    pub(super) peers: Vec<Peer>,
}

/// All chunks drained, from the wake to the last settlement.
#[derive(Debug, Serialize)]
pub(super) struct Drain {
    /// With the settings that an installation begins with.
    pub(super) is_default: bool,
    /// Syncs over which the chunks are spread.
    pub(super) syncs: u32,
    pub(super) batch: u32,
    /// Calls at once.
    pub(super) parallel: u32,
    #[serde(flatten)]
    pub(super) cost: Cost,
}

/// Chunks enqueued one at a time, with wakes by the database.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) chunks: usize,
    /// From insertion to claim.
    pub(super) start: Quantiles,
    /// From insertion to completion.
    pub(super) end: Quantiles,
}

/// A host with nothing to do, which ticks once a minute.
#[derive(Debug, Serialize)]
pub(super) struct Idle {
    pub(super) seconds: f64,
    pub(super) queries_per_minute: f64,
}

/// Claims with so many chunks in the queue.
#[derive(Debug, Serialize)]
pub(super) struct Claim {
    pub(super) chunks: u32,
    #[serde(flatten)]
    pub(super) took: Quantiles,
}

/// Claims before and after draining, while somebody holds a snapshot.
#[derive(Debug, Serialize)]
pub(super) struct Pinned {
    /// Chunks drained meanwhile.
    pub(super) chunks: u32,
    pub(super) before: Claim,
    pub(super) after: Claim,
}

impl Figures {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{} chunks drained\n\n", count(self.chunks.into()));
        text.push_str(&self.drains_text());
        text.push_str("\n\n");
        text.push_str(&self.rest_text());
        if !self.peers.is_empty() {
            text.push_str("\n\nOther queues on the same server; × is Baton's speed by theirs\n\n");
            text.push_str(&self.peers_text());
        }
        text
    }

    fn drains_text(&self) -> String {
        let rows = self.drains.iter().map(|it| {
            let [rate, wal, commits, host, server] = it.cost.cells();
            let (batch, parallel) = (it.batch.to_string(), it.parallel.to_string());
            let setting = if it.is_default { "default" } else { "tuned" };
            let (setting, syncs) = (setting.to_owned(), it.syncs.to_string());
            [
                setting, syncs, batch, parallel, rate, wal, commits, host, server,
            ]
        });
        let header = [
            "SETTINGS",
            "SYNCS",
            "BATCH",
            "PARALLEL",
            "CHUNKS",
            "WAL PER CHUNK",
            "COMMITS",
            "HOST CPU",
            "POSTGRESQL CPU",
        ];
        table(header, rows)
    }

    fn rest_text(&self) -> String {
        let latency = &self.latency;
        let mut rows = vec![
            [
                "from insertion to claim, p50, p99".to_owned(),
                latency.start.text(),
            ],
            [
                "from insertion to completion, p50, p99".to_owned(),
                latency.end.text(),
            ],
            [
                "queries per minute when idle".to_owned(),
                format!("{:.0}", self.idle.queries_per_minute),
            ],
        ];
        for it in &self.claims {
            rows.push([
                format!(
                    "claim with {} chunks waiting, p50, p99",
                    count(it.chunks.into())
                ),
                it.took.text(),
            ]);
        }
        let pinned = &self.pinned;
        rows.push([
            "claim before a snapshot is pinned, p50, p99".to_owned(),
            pinned.before.took.text(),
        ]);
        rows.push([
            format!(
                "claim after {} chunks under it, p50, p99",
                count(pinned.chunks.into())
            ),
            pinned.after.took.text(),
        ]);
        table(["WHAT", "MEASURED"], rows)
    }

    fn peers_text(&self) -> String {
        let single = self.best(|batch| batch == 1);
        let largest = self.drains.iter().map(|it| it.batch).max();
        let batched = largest
            .filter(|it| *it > 1)
            .and_then(|largest| self.best(|batch| batch == largest));
        let rows = self.peers.iter().map(|it| {
            [
                format!("{} {}", it.peer, it.version),
                it.setting.clone(),
                per_second(it.per_second),
                format!("{:.0} bytes", it.wal_bytes_per_job),
                format!("{:.3}", it.commits_per_job),
                ratio(single, it.per_second),
                ratio(batched, it.per_second),
            ]
        });
        let largest = format!("BATCH {}", largest.unwrap_or(1));
        let header = [
            "QUEUE",
            "SETTING",
            "JOBS",
            "WAL PER JOB",
            "COMMITS",
            "BATCH 1",
            &largest,
        ];
        table(header, rows)
    }

    /// The best speed over all numbers of calls at once.
    fn best(&self, wanted: impl Fn(u32) -> bool) -> Option<f64> {
        let speeds = self.drains.iter().filter(|it| wanted(it.batch));
        speeds.map(|it| it.cost.per_second).max_by(f64::total_cmp)
    }
}

fn ratio(ours: Option<f64>, theirs: f64) -> String {
    ours.map_or_else(
        || "not measured".to_owned(),
        |ours| format!("{:.2} ×", ours / theirs),
    )
}
