//! Moments, as text.

use chrono::DateTime;

/// Seconds from 1970 to an RFC 3339 instant such as 2026-03-01T09:30:00Z; none if it is none, or before that.
#[must_use]
pub fn seconds(text: &str) -> Option<u64> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(instant.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_with_any_offset() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(seconds(text), expected, "{text}");
        };
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01T01:00:01+01:00", Some(1));
        check("2026-11-22T09:30:08.123456+00:00", Some(1_795_339_808));
        check("1969-12-31T23:59:59Z", None);
        check("0000-01-01T00:00:00Z", None);
        check("2026-11-31T00:00:00Z", None);
        check("2026-11-22T09:30:08", None);
        check("2026-11-22", None);
        check("yesterday", None);
        check("infinity", None);
        check("", None);
    }
}
