//! When a schedule fires: five cron fields (minute, hour, day of the month, month, day of the week), in UTC.
//! If both day fields are restricted, either is enough, as in Vixie cron.

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use croner::Cron;
use croner::errors::CronError as Croner;
use croner::parser::{CronParser, Seconds, Year};

/// Why a schedule cannot be computed. The message says what to fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// The expression is wrong.
    #[error("cron expression \"{expression}\": {problem}")]
    Expression {
        /// The expression as given.
        expression: String,
        /// What to fix.
        problem: String,
    },
    /// The instant is wrong.
    #[error("\"{0}\" is not an RFC 3339 instant such as 2026-03-01T09:30:00Z")]
    Instant(String),
}

/// The first instant after `after` (RFC 3339, any offset) at which the expression fires, as RFC 3339 in UTC.
/// None if it never fires again, as on the 30th of February.
pub fn next_fire(expression: &str, after: &str) -> Result<Option<String>, CronError> {
    let cron = parse(expression)?;
    let after = DateTime::parse_from_rfc3339(after.trim())
        .map_err(|_| CronError::Instant(after.to_owned()))?
        .with_timezone(&Utc);
    let next = next(&cron, expression, &after)?;
    Ok(next.map(|it| it.to_rfc3339_opts(SecondsFormat::Secs, true)))
}

/// Whether the expression can be read and ever fires.
pub fn check(expression: &str) -> Result<(), CronError> {
    let cron = parse(expression)?;
    // Any leap-year cycle shows whether it fires at all; this one starts at a fixed instant because there is no clock here.
    let start = Utc.timestamp_nanos(0);
    match next(&cron, expression, &start)? {
        Some(_) => Ok(()),
        None => Err(problem(
            expression,
            "no such day exists, so it never fires; correct the day of the month or the month",
        )),
    }
}

fn parse(expression: &str) -> Result<Cron, CronError> {
    let trimmed = expression.trim();
    if trimmed.starts_with('@') {
        return Err(problem(
            expression,
            "write the five fields out, such as \"0 0 * * *\" for once a day",
        ));
    }
    let n_fields = trimmed.split_whitespace().count();
    if n_fields != 5 {
        return Err(problem(
            expression,
            &format!(
                "give five fields (minute, hour, day of the month, month, day of the week), not {n_fields}"
            ),
        ));
    }
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(trimmed)
        .map_err(|error| problem(expression, &plain(&error)))
}

fn next(
    cron: &Cron,
    expression: &str,
    after: &DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, CronError> {
    match cron.find_next_occurrence(after, false) {
        Ok(next) => Ok(Some(next)),
        Err(Croner::TimeSearchLimitExceeded) => Ok(None),
        Err(error) => Err(problem(expression, &plain(&error))),
    }
}

fn plain(error: &Croner) -> String {
    match error {
        Croner::InvalidPattern(text)
        | Croner::IllegalCharacters(text)
        | Croner::ComponentError(text) => {
            format!("correct this: {}", text.trim_end_matches('.'))
        }
        Croner::EmptyPattern
        | Croner::InvalidDate
        | Croner::InvalidTime
        | Croner::TimeSearchLimitExceeded => {
            format!("correct this: {}", error.to_string().trim_end_matches('.'))
        }
    }
}

fn problem(expression: &str, problem: &str) -> CronError {
    CronError::Expression {
        expression: expression.to_owned(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_fire_is_computed_in_utc() {
        let check = |expression: &str, after: &str, expected: &str| {
            let next = next_fire(expression, after).expect(expression);
            assert_eq!(
                next.as_deref(),
                Some(expected),
                "{expression} after {after}"
            );
        };
        check("* * * * *", "2026-03-01T09:30:00Z", "2026-03-01T09:31:00Z");
        check(
            "* * * * *",
            "2026-03-01T09:30:59.999Z",
            "2026-03-01T09:31:00Z",
        );
        check(
            "*/15 * * * *",
            "2026-03-01T09:46:00+00:00",
            "2026-03-01T10:00:00Z",
        );
        check("0 9 * * *", "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z");
        check(
            "0 9 * * *",
            "2026-03-01T10:30:00+02:00",
            "2026-03-01T09:00:00Z",
        );
        check(
            "0 9 * * MON-FRI",
            "2026-03-06T09:00:00Z",
            "2026-03-09T09:00:00Z",
        );
        check("0 0 * * 7", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z");
        check("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z");
        check("0 0 13 * 5", "2026-03-07T00:00:00Z", "2026-03-13T00:00:00Z");
        check("0 0 1 * 1", "2026-03-02T12:00:00Z", "2026-03-09T00:00:00Z");
        check(
            "30 2 * * *",
            "2026-03-29T00:00:00.123456+00:00",
            "2026-03-29T02:30:00Z",
        );
    }

    #[test]
    fn a_day_that_does_not_exist_never_fires() {
        assert_eq!(next_fire("0 0 30 2 *", "2026-03-01T00:00:00Z"), Ok(None));
        let error = check("0 0 30 2 *").unwrap_err().to_string();
        assert!(error.contains("never fires"), "{error}");
    }

    #[test]
    fn an_error_says_what_to_fix() {
        let check = |expression: &str, expected: &str| {
            let error = check(expression).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("", "five fields");
        check("* * * *", "not 4");
        check("0 * * * * *", "not 6");
        check("@daily", "0 0 * * *");
        check("61 * * * *", "61");
        check("a b c d e", "correct this");
        check("*/0 * * * *", "correct this");
        check("5-1 * * * *", "correct this");
    }

    #[test]
    fn an_instant_that_is_none_is_refused() {
        for after in ["", "now", "2026-03-01", "2026-13-01T00:00:00Z"] {
            assert_eq!(
                next_fire("* * * * *", after),
                Err(CronError::Instant(after.to_owned()))
            );
        }
    }

    #[test]
    fn common_expressions_are_sound() {
        for expression in [
            "* * * * *",
            "0 3 * * *",
            "*/5 8-18 * * 1-5",
            "0 0 1,15 * *",
            "0 0 L * *",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
    }
}
