use outbound::whole_seconds;

use super::Answer;

/// How long to hold back, in seconds, when a source asks for patience and does not say how much.
const DEFAULT_WAIT: u32 = 30;
/// Larger numbers of seconds are moments since 1970, and those beyond this one are milliseconds.
const MOMENTS: (u64, u64) = (1_000_000_000, 1_000_000_000_000);

/// For how long the source wants to be left alone, in seconds; none where the answer is about something else.
/// A 403 is about a limit where a header field or the server's words say so, else about credentials.
pub(super) fn wait(answer: &Answer, words: Option<&str>) -> Option<u32> {
    let retry_after = answer.header("retry-after");
    let is_limit = match answer.status {
        429 => true,
        503 => retry_after.is_some() || is_used_up(answer),
        403 => {
            let says_so = words.is_some_and(|it| it.to_ascii_lowercase().contains("rate limit"));
            retry_after.is_some() || is_used_up(answer) || says_so
        }
        _ => false,
    };
    let reset = || {
        let seconds = reset(answer)?;
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    };
    let default = match retry_after {
        Some(_) => DEFAULT_WAIT,
        None => reset().unwrap_or(DEFAULT_WAIT),
    };
    is_limit.then(|| outbound::wait(retry_after, answer.header("date"), default))
}

/// Whether the source says that no request is left.
fn is_used_up(answer: &Answer) -> bool {
    [
        "x-ratelimit-remaining",
        "ratelimit-remaining",
        "x-rate-limit-remaining",
    ]
    .into_iter()
    .filter_map(|it| answer.header(it))
    .chain(parameter(answer, "r"))
    .any(|it| it.parse::<f64>().is_ok_and(|it| it <= 0.0))
}

/// In how many seconds requests are allowed again. A moment counts from the source's own clock.
fn reset(answer: &Answer) -> Option<u64> {
    let said = [
        "ratelimit-reset",
        "x-ratelimit-reset-after",
        "x-ratelimit-reset",
        "x-rate-limit-reset",
    ]
    .into_iter()
    .find_map(|it| answer.header(it))
    .or_else(|| parameter(answer, "t"))?;
    let said = whole_seconds(said)?;
    if said < MOMENTS.0 {
        return Some(said);
    }
    let moment = if said < MOMENTS.1 { said } else { said / 1000 };
    let now = httpdate::parse_http_date(answer.header("date")?).ok()?;
    let now = now.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(moment.saturating_sub(now.as_secs()))
}

/// A parameter of the field `RateLimit`, as in `"default";r=0;t=5`.
fn parameter<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer
        .header("ratelimit")?
        .split([';', ','])
        .find_map(|it| it.trim().split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_waited_for_however_it_is_told() {
        let date = ("date", "Sun, 22 Nov 2026 08:24:09 GMT");
        let check = |status: u16, headers: &[(&str, &str)], expected: Option<u32>| {
            let answer = Answer {
                status,
                headers: [&[date], headers].concat(),
                ..Answer::default()
            };
            assert_eq!(wait(&answer, None), expected, "{status} {headers:?}");
        };
        check(429, &[], Some(30));
        check(429, &[("Retry-After", "7")], Some(7));
        check(429, &[("retry-after", "0.503")], Some(1));
        check(429, &[("retry-after", "2.5")], Some(3));
        check(
            429,
            &[("retry-after", "Sun, 22 Nov 2026 08:25:09 GMT")],
            Some(60),
        );
        check(403, &[], None);
        check(403, &[("retry-after", "5")], Some(5));
        check(403, &[("X-RateLimit-Remaining", "0")], Some(30));
        check(403, &[("X-RateLimit-Remaining", "12")], None);
        // 45 s after the date, in seconds and in milliseconds.
        check(
            403,
            &[
                ("X-RateLimit-Remaining", "0"),
                ("X-RateLimit-Reset", "1795335894"),
            ],
            Some(45),
        );
        check(429, &[("x-ratelimit-reset", "1795335894000")], Some(45));
        check(429, &[("ratelimit-reset", "12")], Some(12));
        check(429, &[("x-ratelimit-reset-after", "1.2")], Some(2));
        check(403, &[("ratelimit", "\"default\";r=0;t=5")], Some(5));
        check(
            503,
            &[("ratelimit-remaining", "0"), ("ratelimit-reset", "9")],
            Some(9),
        );
        check(503, &[], None);
        check(401, &[("retry-after", "5")], None);
        check(404, &[("x-ratelimit-remaining", "0")], None);
        check(429, &[("ratelimit-reset", "999999")], Some(3600));
    }

    #[test]
    fn a_403_whose_words_name_a_rate_limit_waits() {
        let answer = Answer {
            status: 403,
            ..Answer::default()
        };
        let words = "You have exceeded a secondary Rate Limit.";
        assert_eq!(wait(&answer, Some(words)), Some(30));
        assert_eq!(wait(&answer, Some("Forbidden")), None);
    }
}
