//! What is printed: a line per check and a summary, or one JSON document.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::advice;
use crate::checks::{Check, Mismatch, Outcome, Passed, groups};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Ending {
    Ok,
    Failed,
    Skipped,
}

/// One check.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    result: Ending,
    seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    milliseconds: u128,
}

/// What has been found so far.
pub(crate) struct Report {
    url: String,
    json: bool,
    width: usize,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new(url: &str, json: bool, selected: &[Check]) -> Report {
        Report {
            url: url.to_owned(),
            json,
            width: selected.iter().map(|it| it.name.len()).max().unwrap_or(0),
            lines: Vec::new(),
        }
    }

    /// Adds a check and prints its line.
    pub(crate) fn add(
        &mut self,
        check: &Check,
        (outcome, took): (Outcome, Duration),
    ) -> anyhow::Result<()> {
        let (result, seen, expected) = match outcome {
            Ok(Passed::Ok(seen)) => (Ending::Ok, seen, None),
            Ok(Passed::Skipped(why)) => (Ending::Skipped, why, None),
            Err(error) => match error.downcast_ref::<Mismatch>() {
                Some(it) => (Ending::Failed, it.seen.clone(), Some(it.expected.clone())),
                None => (
                    Ending::Failed,
                    advice::chain(&error),
                    Some(check.expects.to_owned()),
                ),
            },
        };
        let line = Line {
            name: check.name,
            result,
            // One line per check, whatever an answer holds.
            seen: seen.split_whitespace().collect::<Vec<_>>().join(" "),
            expected,
            milliseconds: took.as_millis(),
        };
        if !self.json {
            let word = match result {
                Ending::Ok => "ok",
                Ending::Failed => "FAILED",
                Ending::Skipped => "skipped",
            };
            let expected = line.expected.as_ref();
            let expected = expected.map_or_else(String::new, |it| format!("; expected {it}"));
            let width = self.width;
            print(&format!(
                "{word:<7}  {:width$}  {}{expected}\n",
                line.name, line.seen
            ))?;
        }
        self.lines.push(line);
        Ok(())
    }

    /// Prints the summary; the exit code.
    pub(crate) fn finish(self) -> anyhow::Result<ExitCode> {
        let count = |ending| self.lines.iter().filter(|it| it.result == ending).count();
        let (ok, failed, skipped) = (
            count(Ending::Ok),
            count(Ending::Failed),
            count(Ending::Skipped),
        );
        if self.json {
            let document = json!({ "url": self.url, "ok": ok, "failed": failed, "skipped": skipped, "checks": self.lines });
            print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
        } else {
            print(&format!(
                "{}: {ok} ok, {failed} failed, {skipped} skipped\n",
                self.url
            ))?;
        }
        Ok(match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

/// Prints every check and what it expects.
pub(crate) fn list(as_json: bool) -> anyhow::Result<()> {
    let all = groups();
    if as_json {
        let checks: Vec<_> = all
            .iter()
            .flat_map(|(group, checks)| {
                checks.iter().map(
                    move |it| json!({ "group": group, "name": it.name, "expects": it.expects }),
                )
            })
            .collect();
        return print(&format!("{}\n", serde_json::to_string_pretty(&checks)?));
    }
    for (group, checks) in all {
        print(&format!("{group}\n"))?;
        for check in checks {
            print(&format!("  {:26}  {}\n", check.name, check.expects))?;
        }
    }
    Ok(())
}

/// Prints to standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Tells a person something that is no result, on standard error.
pub(crate) fn note(text: &str) {
    #[expect(clippy::print_stderr, reason = "a command line prints")]
    {
        eprintln!("{text}");
    }
}
