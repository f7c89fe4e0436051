use std::time::Duration;

use crate::http;

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 1_000;
/// For how long a job may be told to wait, in seconds.
const WAIT: std::ops::RangeInclusive<u64> = 1..=3_600;

/// What came of an item: [`Done`], or why not. [`Outcomes`] makes them, and `?` makes a retry of any error.
pub type Outcome = Result<Done, NotDone>;

/// The item is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done(());

/// Why an item is not done, and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDone {
    /// Try again after a backoff, at most as often as the job allows; then it has failed.
    Retry(String),
    /// The other side asked for patience for so many seconds: this try does not count, and the job takes no items meanwhile.
    Wait {
        /// From 1 to 3,600.
        seconds: u32,
        /// Why.
        why: String,
    },
    /// It has failed for good; an operator sees it among the dead letters.
    Failed(String),
}

/// Ways to end an item, as functions of [`Outcome`]. [`crate::job`] brings it into scope.
pub trait Outcomes: Sized {
    /// The item is done.
    fn done() -> Self;
    /// Try again after a backoff, at most as often as the job allows (`max_attempts`); then it has failed.
    fn retry(why: impl Into<String>) -> Self;
    /// Try again after this time, taken as 1 s to 1 h. The try does not count, and the job takes no items meanwhile.
    fn retry_after(wait: Duration) -> Self;
    /// The item has failed for good: no retry can mend it.
    fn failed(why: impl Into<String>) -> Self;
}

impl Outcomes for Outcome {
    fn done() -> Self {
        Ok(Done(()))
    }

    fn retry(why: impl Into<String>) -> Self {
        Err(NotDone::Retry(reason(&why.into())))
    }

    fn retry_after(wait: Duration) -> Self {
        Err(NotDone::wait(wait, "the other side asked to wait"))
    }

    fn failed(why: impl Into<String>) -> Self {
        Err(NotDone::Failed(reason(&why.into())))
    }
}

impl NotDone {
    fn wait(wait: Duration, why: &str) -> Self {
        // A started second is waited for.
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        let seconds = seconds.clamp(*WAIT.start(), *WAIT.end());
        Self::Wait {
            seconds: u32::try_from(seconds).expect("an hour of seconds fits"),
            why: reason(why),
        }
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for NotDone {
    fn from(error: E) -> Self {
        let error = error.into();
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(it) = cause {
            words.push_str(&format!(": {it}"));
            cause = it.source();
        }
        match error
            .downcast_ref::<http::Error>()
            .and_then(http::Error::wait)
        {
            Some(wait) => Self::wait(wait, &words),
            None => Self::Retry(reason(&words)),
        }
    }
}

/// Text that PostgreSQL takes, and that fits into a line of a table.
fn reason(text: &str) -> String {
    text.chars()
        .filter(|it| *it != '\0')
        .take(LONGEST_REASON)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_between_a_second_and_an_hour() {
        let check = |wait: Duration, expected: u32| match Outcome::retry_after(wait) {
            Err(NotDone::Wait { seconds, .. }) => assert_eq!(seconds, expected, "{wait:?}"),
            it => panic!("{it:?}"),
        };
        check(Duration::ZERO, 1);
        check(Duration::from_millis(1), 1);
        check(Duration::from_millis(1_001), 2);
        check(Duration::from_secs(3_600), 3_600);
        check(Duration::from_secs(86_400), 3_600);
        check(Duration::MAX, 3_600);
    }

    #[test]
    fn any_error_becomes_a_retry_with_its_words() {
        fn number(text: &str) -> Outcome {
            text.parse::<i32>()?;
            Outcome::done()
        }
        fn text() -> Outcome {
            Err("no luck")?
        }
        fn chain() -> Outcome {
            #[derive(Debug, thiserror::Error)]
            #[error("reading the rate")]
            struct Reading(#[source] std::num::ParseIntError);
            "x".parse::<i32>().map_err(Reading)?;
            Outcome::done()
        }
        let retry = |why: &str| Err(NotDone::Retry(why.to_owned()));
        assert_eq!(number("1"), Outcome::done());
        assert_eq!(number("x"), retry("invalid digit found in string"));
        assert_eq!(text(), retry("no luck"));
        assert_eq!(
            chain(),
            retry("reading the rate: invalid digit found in string")
        );
    }

    #[test]
    fn a_reason_is_cut_and_has_no_nul() {
        let long = "é\0".repeat(2_000);
        assert_eq!(
            Outcome::failed(long),
            Err(NotDone::Failed("é".repeat(1_000)))
        );
    }
}
