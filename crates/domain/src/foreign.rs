//! What a stranger's answer says beside its body: how long to hold back, and text that is fit to store.

mod json;

use std::time::Duration;

pub(crate) use json::{BadJson, json};

/// Longest that a stranger can make us hold back, in seconds.
const MAX_WAIT: u64 = 3600;
/// Longest text taken over from a stranger, in characters.
const MAX_TEXT: usize = 200;

/// Seconds to hold back, 1..=3600, by the header fields `Retry-After` and `Date` (RFC 9110, sections 10.2.3 and 6.6.1).
/// A date counts from the stranger's own clock, as ours may differ and nobody here has one.
pub(crate) fn wait(retry_after: Option<&str>, date: Option<&str>, default: u32) -> u32 {
    let until = |text: &str| {
        let until = httpdate::parse_http_date(text).ok()?;
        let now = httpdate::parse_http_date(date?.trim()).ok()?;
        Some(
            until
                .duration_since(now)
                .unwrap_or(Duration::ZERO)
                .as_secs(),
        )
    };
    let seconds = retry_after
        .map(str::trim)
        .and_then(|text| whole_seconds(text).or_else(|| until(text)));
    let bounded = seconds.unwrap_or(u64::from(default)).clamp(1, MAX_WAIT);
    u32::try_from(bounded).expect("an hour of seconds fits")
}

/// Seconds in digits, with a fraction or without, rounded up.
pub(crate) fn whole_seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = [whole, fraction]
        .iter()
        .all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    let rounds_up = u64::from(fraction.bytes().any(|it| it != b'0'));
    is_number.then(|| whole.parse().unwrap_or(MAX_WAIT).saturating_add(rounds_up))
}

/// Text from outside that is stored or sent back as it came, without the NUL that PostgreSQL refuses in `text` and
/// `jsonb`. Surrogates that stand alone do not reach this: [`json()`] replaces them.
pub(crate) fn text(text: &str) -> String {
    text.replace('\0', "")
}

/// PostgreSQL takes no NUL in a text, and nobody wants a book in a row.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|it| !it.is_control())
        .take(MAX_TEXT)
        .collect()
}
