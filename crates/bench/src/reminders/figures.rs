use serde::Serialize;
use terminal::output::{count, table};

use crate::figures::{Cost, Quantiles, per_second};

/// What was measured. Ratios within one run say more than the numbers.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// A cycle of reminders at each batch size.
    pub(super) reminders: Vec<Sent>,
    /// One auto-sync, every member of which gets a message.
    pub(super) auto_sync: Sent,
    pub(super) corrections: Vec<Corrected>,
}

/// Messages sent, all of them due at the start, by one call after another.
#[derive(Debug, Serialize)]
pub(super) struct Sent {
    pub(super) messages: u32,
    pub(super) batch: u32,
    pub(super) calls: u32,
    #[serde(flatten)]
    pub(super) cost: Cost,
}

/// Last contacts corrected, each of another assignment, all of them written down.
#[derive(Debug, Serialize)]
pub(super) struct Corrected {
    pub(super) requests: u32,
    pub(super) at_once: u32,
    pub(super) requests_per_second: f64,
    #[serde(flatten)]
    pub(super) took: Quantiles,
}

impl Figures {
    /// For people.
    pub(super) fn text(&self) -> String {
        format!("{}\n\n{}", self.sent_text(), self.corrections_text())
    }

    fn sent_text(&self) -> String {
        let reminders = self.reminders.iter().map(|it| ("reminders", it));
        let sent = reminders.chain([("of an auto-sync", &self.auto_sync)]);
        let rows = sent.map(|(what, it)| {
            let [rate, wal, commits, host, server] = it.cost.cells();
            let what = format!("{} {what}", count(it.messages.into()));
            let time = format!("{:.1} s", it.cost.seconds);
            let batch = it.batch.to_string();
            [what, batch, time, rate, wal, commits, host, server]
        });
        let header = [
            "MESSAGES",
            "BATCH",
            "RUN TIME",
            "SPEED",
            "WAL PER MESSAGE",
            "COMMITS",
            "HOST CPU",
            "POSTGRESQL CPU",
        ];
        table(header, rows)
    }

    fn corrections_text(&self) -> String {
        let rows = self.corrections.iter().map(|it| {
            [
                format!("{} last contacts corrected", count(it.requests.into())),
                it.at_once.to_string(),
                per_second(it.requests_per_second),
                it.took.text(),
            ]
        });
        table(["REQUESTS", "AT ONCE", "SPEED", "P50, P99"], rows)
    }
}
