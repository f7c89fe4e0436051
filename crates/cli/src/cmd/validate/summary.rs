use std::collections::BTreeMap;

use serde::Serialize;
use sheet::Sheet;
use terminal::output::{columns, count, counted, table};
use validate_contacts::email::{Reason, Status};

use super::Loaded;

/// What came of a run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// The columns that the addresses were taken from.
    columns: Vec<String>,
    /// The encoding that the file was converted from; none for UTF-8.
    encoding: Option<&'static str>,
    rows: u64,
    /// Distinct addresses, each validated once.
    addresses: u64,
    /// Addresses that stand in the file already.
    duplicates: u64,
    without_address: u64,
    blank_lines: u64,
    uneven_rows: u64,
    /// Addresses by status, as often as they are in the file.
    verdicts: BTreeMap<String, u64>,
    /// Addresses by reason, as often as they are in the file.
    reasons: BTreeMap<String, u64>,
    /// How long the validation took; none when there was nothing to validate.
    pub(super) seconds: Option<f64>,
    #[serde(skip)]
    pub(super) widest: usize,
}

impl Summary {
    pub(super) fn new(sheet: &Sheet, loaded: &Loaded) -> Self {
        let counts = loaded.counts;
        Self {
            columns: sheet.columns().iter().map(|it| it.name.clone()).collect(),
            encoding: sheet.converted_from(),
            rows: counts.rows,
            addresses: loaded.distinct,
            duplicates: loaded.addresses - loaded.distinct,
            without_address: counts.rows - loaded.rows_with_address,
            blank_lines: counts.blank_lines,
            uneven_rows: counts.uneven_rows,
            widest: counts.widest,
            ..Self::default()
        }
    }

    /// Takes over how many addresses have which status and reason.
    pub(super) fn set_reasons(&mut self, found: BTreeMap<[String; 2], u64>) {
        for ([status, reason], n) in found {
            *self.verdicts.entry(status).or_default() += n;
            *self.reasons.entry(reason).or_default() += n;
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut parts = Vec::new();
        if !self.reasons.is_empty() {
            parts.push(self.verdicts_by_reason());
        }
        let columns = columns(&self.columns);
        let speed = self
            .seconds
            .filter(|it| *it > 0.0)
            .map(|it| {
                let rate = (self.addresses as f64 / it).round();
                format!(" in {it:.1} s, {} a second", count(rate as u64))
            })
            .unwrap_or_default();
        let mut lines = vec![format!(
            "{}, {} of the {columns} validated{speed}.",
            counted(self.rows, "row"),
            counted(self.addresses, "address"),
        )];
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
                lines.push(format!("{what}: {}.", count(n)));
            }
        }
        for (nth, column) in self.columns.iter().enumerate().skip(1) {
            lines.push(format!(
                "The verdicts of {column:?} are in email_{}_status and so on.",
                nth + 1
            ));
        }
        let unanswered = [Reason::DnsFailed, Reason::DnsTimeout]
            .iter()
            .filter_map(|it| self.reasons.get(it.as_str()).copied())
            .sum::<u64>();
        if unanswered > 0 {
            lines.push(format!(
                "No resolver gave an answer for {}; if there are many, name another with --resolver, or use --offline.",
                counted(unanswered, "address")
            ));
        }
        if self.verdicts.len() == 1 && self.reasons.contains_key(Reason::Syntax.as_str()) {
            lines.push(format!(
                "None of the fields is an address. If they stand elsewhere than in the {columns}, name it with --column."
            ));
        }
        parts.push(lines.join("\n"));
        parts.join("\n\n")
    }

    /// Each verdict with its total, and below it why.
    fn verdicts_by_reason(&self) -> String {
        let mut rows = Vec::new();
        for status in Status::ALL {
            let total = self.verdicts.get(status.as_str()).copied().unwrap_or(0);
            rows.push([status.as_str().to_owned(), count(total), String::new()]);
            let mut reasons: Vec<(Reason, u64)> = self
                .reasons
                .iter()
                .filter_map(|(code, n)| Some((Reason::from_code(code)?, *n)))
                .filter(|(reason, _)| reason.status() == *status)
                .collect();
            reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            rows.extend(reasons.into_iter().map(|(reason, n)| {
                let name = format!("  {}", reason.as_str());
                [name, count(n), reason.describe().to_owned()]
            }));
        }
        table(["VERDICT", "ADDRESSES", "WHY"], rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        let mut summary = Summary {
            columns: vec!["email".to_owned(), "email 2".to_owned()],
            rows: 1_005,
            addresses: 1_000,
            duplicates: 3,
            without_address: 2,
            blank_lines: 2,
            ..Summary::default()
        };
        summary.set_reasons(BTreeMap::from([
            (["risky".to_owned(), "role".to_owned()], 2),
            (["risky".to_owned(), "disposable".to_owned()], 1),
            (["deliverable".to_owned(), "accepted".to_owned()], 1_000),
            (["unknown".to_owned(), "dns_timeout".to_owned()], 1),
        ]));
        summary
    }

    #[test]
    fn what_was_left_out_is_said() {
        let text = summary().text();
        for expected in [
            "1,005 rows",
            "the columns \"email\", \"email 2\"",
            "email_2_status",
            "Duplicates, validated once: 3.",
            "Rows without an address: 2.",
            "Blank lines, left out: 2.",
            "The domain takes mail.",
            "No resolver gave an answer for 1 address;",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        assert!(!text.contains("fewer or more"), "{text}");
    }

    #[test]
    fn totals_stand_before_their_reasons_in_a_fixed_order() {
        let text = summary().verdicts_by_reason();
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|it| it.split_whitespace().take(2).collect())
            .collect();
        assert_eq!(
            words,
            [
                ["VERDICT", "ADDRESSES"],
                ["deliverable", "1,000"],
                ["accepted", "1,000"],
                ["undeliverable", "0"],
                ["risky", "3"],
                ["role", "2"],
                ["disposable", "1"],
                ["unknown", "1"],
                ["dns_timeout", "1"],
            ]
        );
    }
}
