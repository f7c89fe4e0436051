use serde::Serialize;
use terminal::output::{count, table};

use crate::figures::{Quantiles, per_second};

/// What was measured. Ratios within one run say more than the numbers.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) contacts: u32,
    pub(super) baseline: Baseline,
    pub(super) throughput: Vec<Throughput>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) memory: Memory,
    pub(super) recovery: Recovery,
    pub(super) claims: Vec<Claim>,
}

/// Plain SQL on one connection.
#[derive(Debug, Serialize)]
pub(super) struct Baseline {
    /// `select 1`.
    pub(super) round_trips_per_second: f64,
    /// One row updated by its key.
    pub(super) commits_per_second: f64,
}

/// A whole cycle without a limit.
#[derive(Debug, Serialize)]
pub(super) struct Throughput {
    pub(super) batch: u32,
    pub(super) contacts_per_second: f64,
    pub(super) wal_bytes_per_contact: f64,
    pub(super) write_transactions_per_contact: f64,
}

/// Calls of a job that is busy.
#[derive(Debug, Serialize)]
pub(super) struct Skipped {
    pub(super) connections: u32,
    pub(super) requests_per_second: f64,
    #[serde(flatten)]
    pub(super) took: Quantiles,
    /// Answers other than 409, of which there should be none.
    pub(super) other_answers: u64,
}

/// Memory of the host; none where the system does not tell.
#[derive(Debug, Serialize)]
pub(super) struct Memory {
    pub(super) at_rest_mib: Option<f64>,
    pub(super) under_load_mib: Option<f64>,
}

/// After a hard kill in the middle of a batch.
#[derive(Debug, Serialize)]
pub(super) struct Recovery {
    /// Until the new host serves.
    pub(super) start_seconds: f64,
    /// From its first tick until a batch is settled; none when that took too long.
    pub(super) first_batch_seconds: Option<f64>,
}

/// One claim of a batch.
#[derive(Debug, Serialize)]
pub(super) struct Claim {
    pub(super) contacts: u32,
    pub(super) p50_ms: f64,
}

impl Figures {
    /// For people.
    pub(super) fn text(&self) -> String {
        let plain = &self.baseline;
        let mut rows = vec![
            figure(
                "plain SQL: round trips, 1 connection",
                per_second(plain.round_trips_per_second),
                "",
            ),
            figure(
                "plain SQL: single-row commits, 1 connection",
                per_second(plain.commits_per_second),
                "",
            ),
        ];
        for it in &self.throughput {
            let ratio = it.contacts_per_second / plain.commits_per_second;
            let what = format!(
                "{} contacts validated, batch {}",
                count(self.contacts.into()),
                it.batch
            );
            rows.push(figure(
                &what,
                per_second(it.contacts_per_second),
                &format!("{ratio:.1} × plain commits"),
            ));
            rows.push(figure(
                "  WAL per contact",
                format!("{:.0} bytes", it.wal_bytes_per_contact),
                "",
            ));
            rows.push(figure(
                "  writing transactions per contact",
                format!("{:.4}", it.write_transactions_per_contact),
                "",
            ));
        }
        for skipped in &self.skipped {
            let ratio = skipped.requests_per_second / plain.round_trips_per_second;
            let what = format!("skipped calls (409), {} at once", skipped.connections);
            rows.push(figure(
                &what,
                per_second(skipped.requests_per_second),
                &format!("{ratio:.2} × plain round trips"),
            ));
            rows.push(figure("  p50, p99", skipped.took.text(), ""));
            if skipped.other_answers > 0 {
                rows.push(figure(
                    "  answers other than 409",
                    count(skipped.other_answers),
                    "there should be none",
                ));
            }
        }
        let mib =
            |it: Option<f64>| it.map_or_else(|| "unknown".to_owned(), |it| format!("{it:.0} MiB"));
        rows.push(figure(
            "memory of the host at rest",
            mib(self.memory.at_rest_mib),
            "",
        ));
        rows.push(figure(
            "memory of the host, most under load",
            mib(self.memory.under_load_mib),
            "",
        ));
        let recovery = &self.recovery;
        let took = recovery.first_batch_seconds.map_or_else(
            || "not within the time".to_owned(),
            |it| format!("{it:.1} s"),
        );
        rows.push(figure(
            "kill -9 in a batch: first tick to next settled batch",
            took,
            "",
        ));
        rows.push(figure(
            "  start of the new host",
            format!("{:.1} s", recovery.start_seconds),
            "",
        ));
        for it in &self.claims {
            rows.push(figure(
                &format!("claim with {} contacts due, p50", count(it.contacts.into())),
                format!("{:.2} ms", it.p50_ms),
                "",
            ));
        }
        table(["WHAT", "MEASURED", "RATIO"], rows)
    }
}

fn figure(what: &str, measured: String, ratio: &str) -> [String; 3] {
    [what.to_owned(), measured, ratio.to_owned()]
}
