use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::seconds;

/// What a run of a job answers, to every caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum RunAnswer {
    /// It did some work.
    Ran {
        /// What came of it, counted by the job's own names; `claimed` in any case.
        #[serde(flatten)]
        counts: Map<String, Value>,
        /// Whether another call finds work at once.
        again: bool,
        /// If not, in how many seconds, when that is known.
        #[serde(default, deserialize_with = "seconds")]
        again_in: Option<f64>,
    },
    /// It had nothing to do.
    Idle {
        /// A stable code.
        reason: String,
        /// Until when, where that is known.
        #[serde(default)]
        until: Option<String>,
        /// Whether another call finds work at once: no.
        #[serde(default)]
        again: bool,
    },
    /// It may not do anything now.
    Skipped {
        /// A stable code.
        reason: String,
        /// Until when, where that is known.
        #[serde(default)]
        until: Option<String>,
    },
    /// What it did was given to another, and nothing of it counts.
    Lost {
        /// A stable code.
        reason: String,
    },
    /// It did its work as far as the outside took part, which refuses more of it, or cannot be reached.
    Failed {
        /// A stable code.
        reason: String,
        /// As of a run.
        #[serde(flatten)]
        counts: Map<String, Value>,
        /// As of a run.
        again: bool,
        /// As of a run.
        #[serde(default, deserialize_with = "seconds")]
        again_in: Option<f64>,
    },
}

/// Counts of a run by their names.
pub fn counts<const N: usize>(counts: [(&str, Value); N]) -> Map<String, Value> {
    Map::from_iter(counts.map(|(name, n)| (name.to_owned(), n)))
}

impl RunAnswer {
    /// Whether another call finds work at once.
    pub fn again(&self) -> bool {
        match self {
            Self::Ran { again, .. } | Self::Failed { again, .. } => *again,
            Self::Idle { .. } | Self::Skipped { .. } | Self::Lost { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_read_as_they_are_written() {
        let check = |answer: RunAnswer, again, expected: Value| {
            assert_eq!(answer.again(), again, "{answer:?}");
            let written = serde_json::to_value(&answer).expect("it is plain");
            assert_eq!(written, expected);
            let read: RunAnswer =
                serde_json::from_str(&expected.to_string()).expect("it is an answer");
            assert_eq!(read, answer);
        };
        let counts = || counts([("claimed", json!(3))]);
        let reason = || "busy".to_owned();
        check(
            RunAnswer::Ran {
                counts: counts(),
                again: true,
                again_in: None,
            },
            true,
            json!({ "status": "ran", "claimed": 3, "again": true, "again_in": null }),
        );
        check(
            RunAnswer::Failed {
                reason: reason(),
                counts: counts(),
                again: false,
                again_in: Some(2.5),
            },
            false,
            json!({ "status": "failed", "reason": "busy", "claimed": 3, "again": false, "again_in": 2.5 }),
        );
        check(
            RunAnswer::Idle {
                reason: reason(),
                until: None,
                again: false,
            },
            false,
            json!({ "status": "idle", "reason": "busy", "until": null, "again": false }),
        );
        check(
            RunAnswer::Skipped {
                reason: reason(),
                until: Some("2026-03-01T09:30:00Z".to_owned()),
            },
            false,
            json!({ "status": "skipped", "reason": "busy", "until": "2026-03-01T09:30:00Z" }),
        );
        check(
            RunAnswer::Lost { reason: reason() },
            false,
            json!({ "status": "lost", "reason": "busy" }),
        );
    }
}
