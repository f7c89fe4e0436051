//! One call of a job: batch after batch, as long as its time lasts. Decisions only.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::contract::{Claim, RunAnswer, Settlement, Trigger};

use crate::{NotDone, Outcome};

/// Whether another batch is to be claimed: for callers that want all that is due, if it would end in time when it takes
/// as long as the last one.
pub(crate) fn claims_next(trigger: Trigger, left: Duration, last: Duration) -> bool {
    let wants_all = match trigger {
        Trigger::Tick | Trigger::Wake | Trigger::Next => true,
        Trigger::Manual | Trigger::Cron => false,
    };
    wants_all && left > last.max(Duration::from_secs(1))
}

/// What became of all batches.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    counts: Map<String, Value>,
    refused: Option<String>,
    again: bool,
    again_in: Option<f64>,
}

impl Ran {
    /// Counts a batch, with what its claim brought along; the next one, if it was claimed.
    pub(crate) fn add<A>(
        &mut self,
        claimed: Map<String, Value>,
        settlement: Settlement<A>,
    ) -> Option<Claim<A>> {
        for (name, n) in claimed.into_iter().chain(settlement.counts) {
            let n = n.as_i64().unwrap_or(0);
            let sum = self.counts.get(&name).and_then(Value::as_i64).unwrap_or(0);
            self.counts.insert(name, (sum + n).into());
        }
        self.refused = settlement.refused;
        self.again = settlement.again;
        self.again_in = settlement.again_in;
        settlement.next
    }

    /// Whether to call again is what the last settlement says.
    pub(crate) fn answer(self) -> RunAnswer {
        let (counts, again, again_in) = (self.counts, self.again, self.again_in);
        match self.refused {
            None => RunAnswer::Ran {
                counts,
                again,
                again_in,
            },
            Some(reason) => RunAnswer::Failed {
                reason,
                counts,
                again,
                again_in,
            },
        }
    }
}

/// What to settle an item with.
pub(crate) fn ending(outcome: Outcome) -> crate::contract::items::ItemEnding {
    match outcome {
        Ok(_) => crate::contract::items::ItemEnding::Done,
        Err(NotDone::Retry(error)) => crate::contract::items::ItemEnding::Retry { error },
        Err(NotDone::Wait { seconds, why }) => crate::contract::items::ItemEnding::Wait {
            seconds,
            error: why,
        },
        Err(NotDone::Failed(error)) => crate::contract::items::ItemEnding::Failed { error },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_next_batch_is_claimed_while_it_can_end_in_time() {
        let check = |trigger, left: u64, last: u64, expected| {
            let (left, last) = (Duration::from_millis(left), Duration::from_millis(last));
            assert_eq!(
                claims_next(trigger, left, last),
                expected,
                "{trigger:?} {left:?} {last:?}"
            );
        };
        for trigger in [Trigger::Tick, Trigger::Wake, Trigger::Next] {
            check(trigger, 19_900, 100, true);
            check(trigger, 11_000, 9_000, true);
            check(trigger, 9_000, 11_000, false);
            check(trigger, 1_001, 10, true);
            check(trigger, 1_000, 10, false);
            check(trigger, 0, 0, false);
        }
        for trigger in [Trigger::Manual, Trigger::Cron] {
            check(trigger, 19_900, 100, false);
        }
    }

    #[test]
    fn the_answer_sums_batches_and_ends_as_the_last_one() {
        let counted = |it: Value| it.as_object().cloned().expect("it is an object");
        let settled = |counts, again: bool| Settlement::<()> {
            counts: counted(counts),
            refused: None,
            again,
            again_in: again.then_some(2.5),
            next: None,
        };
        let mut ran = Ran::default();
        let counts = json!({ "completed": 18, "retried": 1, "left": 7 });
        ran.add(counted(json!({ "claimed": 20 })), settled(counts, false));
        let counts = json!({ "completed": 5, "retried": 2, "left": 2 });
        ran.add(counted(json!({ "claimed": 7 })), settled(counts, true));
        let expected = json!({
            "status": "ran", "claimed": 27, "completed": 23, "retried": 3,
            "left": 9, "again": true, "again_in": 2.5,
        });
        let answer = serde_json::to_value(ran.answer()).expect("it is plain");
        assert_eq!(answer, expected);
    }

    #[test]
    fn each_outcome_is_settled_as_it_says() {
        use crate::contract::items::ItemEnding::{Done, Failed, Retry, Wait};

        use crate::Outcomes as _;

        let error = || "busy".to_owned();
        assert_eq!(ending(Outcome::done()), Done);
        assert_eq!(ending(Outcome::retry("busy")), Retry { error: error() });
        assert_eq!(ending(Outcome::failed("busy")), Failed { error: error() });
        let wait = ending(Outcome::retry_after(Duration::from_secs(7)));
        assert!(matches!(wait, Wait { seconds: 7, .. }), "{wait:?}");
    }
}
