use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// How far `at` is from `now` in words for people, such as `in 42 s` or `3 min ago`; both are ISO 8601.
/// What cannot be read is shown as it is.
pub(crate) fn relative(now: &str, at: &str) -> String {
    let (Some(now), Some(moment)) = (parse(now), parse(at)) else {
        return at.to_owned();
    };
    let distance = moment - now;
    if distance.num_seconds().abs() < 1 {
        "now".to_owned()
    } else if distance < TimeDelta::zero() {
        format!("{} ago", span(-distance.num_seconds()))
    } else {
        format!("in {}", span(distance.num_seconds()))
    }
}

/// Seconds from one moment to another, both ISO 8601; none when one cannot be read.
pub(crate) fn seconds_between(from: &str, to: &str) -> Option<i64> {
    Some((parse(to)? - parse(from)?).num_seconds())
}

/// A moment in ISO 8601, in UTC with a `Z` and without fractions of a second. What cannot be read is shown as it is.
pub(crate) fn in_utc(at: &str) -> String {
    parse(at).map_or_else(
        || at.to_owned(),
        |it| it.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

/// A number of seconds for people, in the largest unit that keeps two digits of meaning.
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn parse(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|it| it.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_utc() {
        let check = |at, expected: &str| assert_eq!(in_utc(at), expected);
        check("2026-03-01T09:30:00+00:00", "2026-03-01T09:30:00Z");
        check("2026-03-01T09:30:00.5+01:00", "2026-03-01T08:30:00Z");
        check("never", "never");
    }

    #[test]
    fn moments_are_told_from_now() {
        let now = "2026-03-01T09:30:00.123456+00:00";
        let check = |at, expected| assert_eq!(relative(now, at), expected, "{at}");
        check("2026-03-01T09:30:00.5+00:00", "now");
        check("2026-03-01T09:30:43+00:00", "in 42 s");
        check("2026-03-01T11:26:01+02:00", "3 min ago");
        check("2026-03-01T17:31:00Z", "in 8 h");
        check("2026-04-01T09:30:00Z", "in 30 days");
        check("soon", "soon");
    }
}
