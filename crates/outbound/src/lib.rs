//! What requests to other people's servers have in common, whatever they are about: the credentials that they carry, how long
//! an answer asks to hold back, and JSON and text from outside that is fit to store.
//!
//! It makes no request. The entry points are [`authorization`], [`wait`] and [`json()`].

mod json;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

pub use json::{BadJson, json};

/// Longest that a stranger can make us hold back, in seconds.
const MAX_WAIT: u64 = 3600;
/// Longest text taken over from a stranger, in characters.
const MAX_TEXT: usize = 200;

/// Seconds to hold back, 1..=3600, by the header fields `Retry-After` and `Date` (RFC 9110, sections 10.2.3 and 6.6.1).
/// A date counts from the stranger's own clock, as ours may differ and nobody here has one.
pub fn wait(retry_after: Option<&str>, date: Option<&str>, default: u32) -> u32 {
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
pub fn whole_seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = [whole, fraction]
        .iter()
        .all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    let rounds_up = u64::from(fraction.bytes().any(|it| it != b'0'));
    is_number.then(|| whole.parse().unwrap_or(MAX_WAIT).saturating_add(rounds_up))
}

/// Text from outside that is stored or sent back as it came, without the NUL that PostgreSQL refuses in `text` and
/// `jsonb`. Surrogates that stand alone do not reach this: [`json()`] replaces them.
pub fn text(text: &str) -> String {
    text.replace('\0', "")
}

/// PostgreSQL takes no NUL in a text, and nobody wants a book in a row.
pub fn printable(text: &str) -> String {
    text.chars()
        .filter(|it| !it.is_control())
        .take(MAX_TEXT)
        .collect()
}

/// The header field `Authorization`: Basic with a user name (RFC 7617), Bearer without (RFC 6750), none without a secret.
pub fn authorization(username: Option<&str>, secret: Option<&str>) -> Option<String> {
    let secret = secret?;
    Some(match username.filter(|it| !it.is_empty()) {
        Some(username) => format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{username}:{secret}"))
        ),
        None => format!("Bearer {secret}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_become_a_header() {
        for (username, secret, expected) in [
            // The example of RFC 7617, section 2.
            (
                Some("Aladdin"),
                Some("open sesame"),
                Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            (
                Some("test"),
                Some("123\u{a3}"),
                Some("Basic dGVzdDoxMjPCow=="),
            ),
            (None, Some("fmu1-abc"), Some("Bearer fmu1-abc")),
            (Some(""), Some("fmu1-abc"), Some("Bearer fmu1-abc")),
            (Some("ann"), None, None),
            (None, None, None),
        ] {
            assert_eq!(authorization(username, secret).as_deref(), expected);
        }
    }
}
