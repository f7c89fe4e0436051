//! Calls of functions of `baton_api`: what a call is, those that every job makes, and those of the scheduler and of
//! operators. What only one job calls is declared beside that job.
//!
//! It holds no logic and opens no connection; components and the native side both speak through it, and a test
//! prepares every line of every `ALL` against the real schema. The one entry point is the trait [`Call`].

mod answer;
mod call;
pub mod claim;
pub mod codes;
pub mod items;
#[cfg(feature = "native")]
pub mod native;
pub mod operator;
mod request;
pub mod scheduler;
mod settlement;

pub use answer::{RunAnswer, counts};
pub use call::{Call, Line, Param, Text};
pub use claim::{Claim, Extend, ExtendAttempt};
pub use request::{RunRequest, Trigger};
pub use settlement::{Batch, SettleAnswer, Settlement};

/// For `deserialize_with`: seconds inside a tagged enum, where a number with digits that `f64` would not repeat, such as
/// `3.250000`, arrives as a [`serde_json::Number`] alone.
pub fn seconds<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<f64>, D::Error> {
    let number = <Option<serde_json::Number> as serde::Deserialize>::deserialize(reader)?;
    Ok(number.and_then(|it| it.as_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_however_many_digits_they_have() {
        #[derive(serde::Deserialize)]
        #[serde(tag = "status", rename_all = "snake_case")]
        enum Answer {
            Settled {
                #[serde(default, deserialize_with = "seconds")]
                again_in: Option<f64>,
            },
        }
        let check = |again_in: &str, expected: Option<f64>| {
            let answer = format!(r#"{{"status": "settled"{again_in}}}"#);
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("it is JSON");
            let Answer::Settled { again_in } =
                serde_json::from_value(answer).expect("it is a settlement");
            assert_eq!(again_in, expected);
        };
        check("", None);
        check(r#", "again_in": null"#, None);
        check(r#", "again_in": 3"#, Some(3.0));
        check(r#", "again_in": 3.250000"#, Some(3.25));
        check(r#", "again_in": 1e-05"#, Some(0.00001));
    }
}
