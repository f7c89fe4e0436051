use std::io::{IsTerminal as _, Write as _};

use comfy_table::{Table, presets};
use serde::Serialize;

/// Where results go: text for people or one JSON document, on standard output.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// Prints the result of a command.
    pub fn result(
        self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let mut shown = if self.json {
            serde_json::to_string_pretty(value)?
        } else {
            visible(&text())
        };
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
        let mut out = std::io::stdout().lock();
        let written = out.write_all(shown.as_bytes()).and_then(|()| out.flush());
        Ok(written.map_err(stdout_failure)?)
    }
}

/// Prints one line of a result that goes on.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{}", visible(text)).and_then(|()| out.flush());
    Ok(written.map_err(stdout_failure)?)
}

/// The reader of standard output has seen enough and went away.
#[derive(Debug, thiserror::Error)]
#[error("the reader of standard output is gone")]
pub struct ReaderGone;

/// A failure of standard output, told from those of other pipes.
pub fn stdout_failure(error: std::io::Error) -> std::io::Error {
    match error.kind() {
        kind @ std::io::ErrorKind::BrokenPipe => std::io::Error::new(kind, ReaderGone),
        kind => std::io::Error::new(kind, format!("writing standard output: {error}")),
    }
}

/// Tells a person something that is no result, on standard error.
pub fn note(text: &str) {
    // A terminal that was closed takes no more words, and what is to be ended has to be ended all the same.
    let _ = writeln!(std::io::stderr(), "{}", visible(text));
}

/// Whether a person watches standard error.
pub fn watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A plain table.
pub fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    for row in rows {
        // A line break or a tab inside a cell would look like another row or column.
        table.add_row(row.map(|it| escaped(&it, char::is_control)));
    }
    table.trim_fmt()
}

/// A text whose control characters are written as `\u{1b}`: what others wrote must not give the terminal orders.
/// Line breaks and tabs stay.
pub fn visible(text: &str) -> String {
    escaped(text, |it| it.is_control() && it != '\n' && it != '\t')
}

fn escaped(text: &str, is_refused: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for it in text.chars() {
        // These change the direction of what follows and so hide it.
        let turns = matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match is_refused(it) || turns {
            true => shown.extend(it.escape_unicode()),
            false => shown.push(it),
        }
    }
    shown
}

/// 1234567 → `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things by the regular plural: `1 row`, `1,000 rows`, `2 addresses`.
pub fn counted(n: u64, what: &str) -> String {
    let ending = match what {
        _ if n == 1 => "",
        _ if what.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {what}{ending}", count(n))
}

/// Columns of a file: `column "email"`, `columns "email", "mail 2"`.
pub fn columns(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|it| format!("{it:?}")).collect();
    let ending = if names.len() == 1 { "" } else { "s" };
    format!("column{ending} {}", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_reach_no_terminal() {
        let hostile = "+1\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}2J\u{202e}\r\nnext\tcell";
        let shown = table(["NUMBER"], [[hostile.to_owned()]]);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(shown.contains("+1\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{9b}2J"));
        assert!(!shown.chars().any(|it| it != '\n' && it.is_control()));
        let text = visible(hostile);
        assert!(text.ends_with("\\u{202e}\\u{d}\nnext\tcell"), "{text}");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        let check = |n, expected| assert_eq!(count(n), expected);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_234_567, "1,234,567");
    }

    #[test]
    fn one_is_no_plural() {
        let check = |n, what, expected| assert_eq!(counted(n, what), expected);
        check(0, "row", "0 rows");
        check(1, "row", "1 row");
        check(1_000, "row", "1,000 rows");
        check(2, "address", "2 addresses");
    }
}
