use serde::Serialize;
use terminal::output::{count, table};

use crate::figures::{Cost, Quantiles, per_second};
use crate::peers::Peer;

/// What was measured. Ratios within one run say more than the numbers.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) chunks: u32,
    pub(super) ratios: Ratios,
    pub(super) drains: Vec<Drain>,
    pub(super) latencies: Vec<Latency>,
    pub(super) idle: Idle,
    pub(super) claims: Vec<Claim>,
    pub(super) pinned: Pinned,
    pub(super) peers: Vec<Peer>,
}

/// Baton's speed by that of the fastest setting of graphile-worker in the same run; none where one of both was not measured. Baton's other
/// settings than the batch size are those that an installation begins with.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Ratios {
    /// One by one: batch 1, by its settings without batches. Of the smallest number of syncs.
    pub(super) unbatched: Option<f64>,
    /// Batched: the largest batch, by its fastest setting of all. Of the smallest number of syncs.
    pub(super) batched: Option<f64>,
    /// The same, of the largest number of syncs.
    pub(super) mixed_unbatched: Option<f64>,
    /// The same, of the largest number of syncs.
    pub(super) mixed_batched: Option<f64>,
}

/// All chunks drained, from the wake to the last settlement.
#[derive(Debug, Serialize)]
pub(super) struct Drain {
    /// With the settings that an installation begins with.
    pub(super) is_default: bool,
    /// Syncs over which the chunks are spread.
    pub(super) syncs: u32,
    /// Chunks drained.
    pub(super) chunks: u32,
    pub(super) batch: u32,
    /// Calls at once.
    pub(super) parallel: u32,
    #[serde(flatten)]
    pub(super) cost: Cost,
}

/// Chunks added one at a time, with wakes by the database.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    /// How many were added a second.
    pub(super) per_second: u32,
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
        let mut text = self.drains_text();
        text.push_str("\n\n");
        text.push_str(&self.rest_text());
        if !self.peers.is_empty() {
            text.push_str("\n\nOther queues on the same server; × is Baton's speed by theirs\n\n");
            text.push_str(&self.peers_text());
            text.push_str(
                "\n\nBy the fastest setting of graphile-worker, with default settings\n\n",
            );
            text.push_str(&self.ratios.text());
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
                setting,
                count(it.chunks.into()),
                syncs,
                batch,
                parallel,
                rate,
                wal,
                commits,
                host,
                server,
            ]
        });
        let header = [
            "SETTINGS",
            "DRAINED",
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
        let mut rows = vec![[
            "queries per minute when idle".to_owned(),
            format!("{:.0}", self.idle.queries_per_minute),
        ]];
        for it in &self.latencies {
            let added = format!("of {} a second", count(it.per_second.into()));
            rows.push([
                format!("from insertion to claim, {added}, p50, p99"),
                it.start.text(),
            ]);
            rows.push([
                format!("from insertion to completion, {added}, p50, p99"),
                it.end.text(),
            ]);
        }
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

impl Ratios {
    pub(super) fn of(drains: &[Drain], peers: &[Peer]) -> Self {
        let theirs = |may_batch: bool| {
            let settings = peers.iter().filter(|it| it.peer == "graphile-worker");
            let speeds = settings.filter(|it| may_batch || !it.batched);
            speeds.map(|it| it.per_second).max_by(f64::total_cmp)
        };
        let ours = |syncs: Option<u32>, batch: Option<u32>| {
            let (syncs, batch) = (syncs?, batch?);
            let mut wanted = drains.iter().filter(|it| it.is_default);
            let drain = wanted.find(|it| it.syncs == syncs && it.batch == batch)?;
            Some(drain.cost.per_second)
        };
        let batches = || drains.iter().map(|it| it.batch);
        let syncs = || drains.iter().map(|it| it.syncs);
        let largest = batches().max().filter(|it| *it > 1);
        let ratio = |ours: Option<f64>, theirs: Option<f64>| Some(ours? / theirs?);
        Self {
            unbatched: ratio(ours(syncs().min(), Some(1)), theirs(false)),
            batched: ratio(ours(syncs().min(), largest), theirs(true)),
            mixed_unbatched: ratio(ours(syncs().max(), Some(1)), theirs(false)),
            mixed_batched: ratio(ours(syncs().max(), largest), theirs(true)),
        }
    }

    fn text(&self) -> String {
        let cell = |it: Option<f64>| {
            it.map_or_else(|| "not measured".to_owned(), |it| format!("{it:.2} ×"))
        };
        let rows = [
            [
                "one by one".to_owned(),
                cell(self.unbatched),
                cell(self.mixed_unbatched),
            ],
            [
                "batched".to_owned(),
                cell(self.batched),
                cell(self.mixed_batched),
            ],
        ];
        table(["", "FEWEST SYNCS", "MOST SYNCS"], rows)
    }
}

fn ratio(ours: Option<f64>, theirs: f64) -> String {
    ours.map_or_else(
        || "not measured".to_owned(),
        |ours| format!("{:.2} ×", ours / theirs),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_default_settings_by_the_fastest_setting_of_the_peer() {
        let drain = |is_default, syncs, batch, per_second| Drain {
            is_default,
            syncs,
            chunks: 1,
            batch,
            parallel: 8,
            cost: Cost {
                seconds: 1.0,
                per_second,
                wal_bytes_each: 0.0,
                commits_each: 0.0,
                host_cpu_microseconds_each: None,
                server_cpu_microseconds_each: None,
            },
        };
        let peer = |peer: &str, batched, per_second| Peer {
            peer: peer.to_owned(),
            version: String::new(),
            setting: String::new(),
            batched,
            jobs: 1,
            seconds: 1.0,
            per_second,
            wal_bytes_per_job: 0.0,
            commits_per_job: 0.0,
        };
        let drains = [
            drain(true, 1, 1, 30.0),
            drain(true, 20, 1, 20.0),
            drain(false, 1, 1, 90.0),
            drain(true, 1, 100, 800.0),
        ];
        let peers = [
            peer("graphile-worker", false, 10.0),
            peer("graphile-worker", false, 20.0),
            peer("graphile-worker", true, 400.0),
            peer("another", true, 9_000.0),
        ];
        let expected = Ratios {
            unbatched: Some(1.5),
            batched: Some(2.0),
            mixed_unbatched: Some(1.0),
            mixed_batched: None,
        };
        assert_eq!(Ratios::of(&drains, &peers), expected);
        let none = Ratios {
            unbatched: None,
            batched: None,
            mixed_unbatched: None,
            mixed_batched: None,
        };
        assert_eq!(Ratios::of(&drains, &[]), none);
    }
}
