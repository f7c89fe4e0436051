use std::collections::BTreeMap;

use domain::email::Reason;
use serde::Serialize;

use crate::output::{count, table};
use crate::sheet::Counts;

/// What came of a run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    rows: u64,
    /// Distinct addresses, each validated once.
    addresses: u64,
    /// Rows whose address stands in a row above.
    duplicates: u64,
    without_address: u64,
    blank_lines: u64,
    uneven_rows: u64,
    /// Rows by status.
    verdicts: BTreeMap<String, u64>,
    /// Rows by reason.
    reasons: BTreeMap<String, u64>,
    /// How long the validation took; none when there was nothing to validate.
    pub(super) seconds: Option<f64>,
    #[serde(skip)]
    pub(super) widest: usize,
}

impl Summary {
    pub(super) fn new(counts: Counts, with_address: u64, distinct: u64) -> Self {
        Self {
            rows: counts.rows,
            addresses: distinct,
            duplicates: with_address - distinct,
            without_address: counts.rows - with_address,
            blank_lines: counts.blank_lines,
            uneven_rows: counts.uneven_rows,
            widest: counts.widest,
            ..Self::default()
        }
    }

    /// Takes over how many rows have which status and reason.
    pub(super) fn set_reasons(&mut self, found: BTreeMap<[String; 2], u64>) {
        for ([status, reason], rows) in found {
            *self.verdicts.entry(status).or_default() += rows;
            *self.reasons.entry(reason).or_default() += rows;
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut reasons: Vec<(&String, &u64)> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
        let rows = reasons.into_iter().map(|(code, rows)| {
            let reason = Reason::from_code(code);
            let status = reason.map_or("", |it| it.status().as_str());
            let why = reason.map_or_else(|| code.clone(), |it| it.describe().to_owned());
            [status.to_owned(), count(*rows), why]
        });
        let mut parts = Vec::new();
        if !self.reasons.is_empty() {
            parts.push(table(["VERDICT", "ROWS", "WHY"], rows));
        }
        let speed = self
            .seconds
            .filter(|it| *it > 0.0)
            .map(|it| format!(" in {it:.1} s, {:.0} a second", self.addresses as f64 / it));
        let mut line = format!(
            "{} rows, {} addresses validated{}.",
            count(self.rows),
            count(self.addresses),
            speed.unwrap_or_default()
        );
        for (n, what) in [
            (self.duplicates, "Duplicates, validated once"),
            (self.without_address, "Rows without an address"),
            (self.blank_lines, "Blank lines, left out"),
            (
                self.uneven_rows,
                "Rows with fewer or more fields than the first line",
            ),
        ] {
            if n > 0 {
                line.push_str(&format!("\n{what}: {}.", count(n)));
            }
        }
        let unanswered = [Reason::DnsFailed, Reason::DnsTimeout]
            .iter()
            .filter_map(|it| self.reasons.get(it.as_str()).copied())
            .sum::<u64>();
        if unanswered > 0 {
            line.push_str(&format!(
                "\n{} rows are unknown because no resolver gave an answer; if there are many, name another with --resolver, or use --offline.",
                count(unanswered)
            ));
        }
        parts.push(line);
        parts.join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_said() {
        let counts = Counts {
            rows: 1_005,
            blank_lines: 2,
            uneven_rows: 0,
            widest: 2,
        };
        let mut summary = Summary::new(counts, 1_003, 1_000);
        summary.set_reasons(BTreeMap::from([
            (["deliverable".to_owned(), "accepted".to_owned()], 1_000),
            (["unknown".to_owned(), "dns_timeout".to_owned()], 3),
        ]));
        let text = summary.text();
        for expected in [
            "1,005 rows",
            "Duplicates, validated once: 3.",
            "Rows without an address: 2.",
            "Blank lines, left out: 2.",
            "The domain takes mail.",
            "no resolver",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        assert!(!text.contains("fewer or more"), "{text}");
    }
}
