//! Items of jobs that have a queue of the engine's: what their components and operators call.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Batch, Claim, SettleAnswer, Settlement, Trigger, counts, seconds};

crate::calls! {
    /// Claims the next items of a job.
    #[derive(Debug)]
    claim_items => ClaimItems {
        /// The job.
        job: String as text,
        /// Who asks.
        trigger: Trigger as text,
        /// Who works, for the log of runs.
        worker: String as text,
    } -> Claim<ItemAttempt>;

    /// Settles the items of an attempt.
    #[derive(Debug)]
    settle_items_as_text => SettleItems {
        /// The fencing token.
        attempt_id: Uuid as uuid,
        /// What came of them; an item that is not among them is due again, as if never tried.
        outcomes: BatchOutcome<ItemOutcome> as jsonb,
        /// Whether to claim the next items in the same transaction.
        claim_next: bool as bool,
    } -> SettleItemsAnswer;

    /// Cancels an item that is not under way. For operators.
    #[derive(Debug)]
    cancel_item => CancelItem {
        /// The job.
        job: String as text,
        /// The item.
        item_id: Uuid as uuid,
        /// Who cancels it.
        who: String as text,
    } -> Value;

    /// Lets items that failed be tried again. For operators.
    #[derive(Debug)]
    retry_items => RetryItems {
        /// The job.
        job: String as text,
        /// One item; none for all of the job that failed.
        item_id: Option<Uuid> as uuid,
        /// Who does so.
        who: String as text,
    } -> Value;

    /// Gives up items that failed. For operators.
    #[derive(Debug)]
    drop_items => DropItems {
        /// The job.
        job: String as text,
        /// One item; none for all of the job that failed.
        item_id: Option<Uuid> as uuid,
        /// Who does so.
        who: String as text,
    } -> Value;
}

/// A lease on a batch of items.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ItemAttempt {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// The batch.
    pub items: Vec<Item>,
}

impl Batch for ItemAttempt {
    fn attempt_id(&self) -> Uuid {
        self.attempt_id
    }

    fn size(&self) -> usize {
        self.items.len()
    }
}

/// An item to work.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Item {
    /// Its id, the same over all its tries.
    pub id: Uuid,
    /// Which try this is, from 1.
    pub attempt: i32,
    /// After how many tries it has failed.
    pub max_attempts: i32,
    /// The key under which it was enqueued.
    pub key: Option<String>,
    /// What was enqueued.
    pub data: Value,
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOutcome<O> {
    /// All of it is done, and brought nothing.
    Done,
    /// What came of each item that was tried.
    #[serde(untagged)]
    Each(Vec<O>),
}

/// What came of one item of a batch.
pub trait Plain {
    /// Whether it is done, and there is nothing else to say of it.
    fn is_plain(&self) -> bool;
}

impl<O: Plain> BatchOutcome<O> {
    /// What came of a batch of so many items.
    pub fn new(size: usize, outcomes: Vec<O>) -> Self {
        match outcomes.len() == size && outcomes.iter().all(O::is_plain) {
            true => Self::Done,
            false => Self::Each(outcomes),
        }
    }
}

impl Plain for ItemOutcome {
    fn is_plain(&self) -> bool {
        self.ending == ItemEnding::Done
    }
}

/// What came of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemOutcome {
    /// The item.
    pub id: Uuid,
    /// How it ended.
    #[serde(flatten)]
    pub ending: ItemEnding,
}

/// How one try of an item ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ItemEnding {
    /// It is done.
    Done,
    /// Again after a backoff, as often as the job allows.
    Retry {
        /// Why.
        error: String,
    },
    /// Again after so many seconds, during which the job takes no items; the try does not count.
    Wait {
        /// From 1 to 3,600.
        seconds: u32,
        /// Why.
        error: String,
    },
    /// It has failed for good.
    Failed {
        /// Why.
        error: String,
    },
}

/// The answer to a settlement of items.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum SettleItemsAnswer<A = ItemAttempt> {
    /// The outcomes count.
    Settled(Settled<A>),
    /// The attempt was lost; nothing of it counts.
    Lost {
        /// A stable code.
        reason: String,
    },
}

impl<A> SettleAnswer<A> for SettleItemsAnswer<A> {
    fn settlement(self) -> Result<Settlement<A>, String> {
        match self {
            Self::Settled(it) => Ok(Settlement {
                counts: counts([
                    ("completed", it.completed.into()),
                    ("retried", it.retried.into()),
                    ("failed", it.failed.into()),
                    ("left", it.left.into()),
                ]),
                refused: None,
                again: it.again,
                again_in: it.again_in,
                next: it.next,
            }),
            Self::Lost { reason } => Err(reason),
        }
    }
}

/// What a settlement of items came to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Settled<A = ItemAttempt> {
    /// How many items are done.
    pub completed: i64,
    /// How many will be tried again.
    pub retried: i64,
    /// How many have failed for good.
    pub failed: i64,
    /// How many were not tried, and are due again.
    pub left: i64,
    /// Whether another call finds work now.
    pub again: bool,
    /// In how many seconds another call finds work, if not now.
    #[serde(default, deserialize_with = "seconds")]
    pub again_in: Option<f64>,
    /// The next batch, if it was asked for and there is one.
    pub next: Option<Claim<A>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcomes_are_written_as_the_database_reads_them() {
        let check = |ending, expected: Value| {
            let id = Uuid::nil();
            let written = serde_json::to_value(ItemOutcome { id, ending }).expect("it is plain");
            assert_eq!(written, expected);
        };
        let (id, why) = (Uuid::nil(), || "busy".to_owned());
        check(ItemEnding::Done, json!({ "id": id, "outcome": "done" }));
        check(
            ItemEnding::Retry { error: why() },
            json!({ "id": id, "outcome": "retry", "error": "busy" }),
        );
        check(
            ItemEnding::Wait {
                seconds: 7,
                error: why(),
            },
            json!({ "id": id, "outcome": "wait", "seconds": 7, "error": "busy" }),
        );
        check(
            ItemEnding::Failed { error: why() },
            json!({ "id": id, "outcome": "failed", "error": "busy" }),
        );
    }

    #[test]
    fn a_batch_that_is_done_is_one_word() {
        let outcome = |ending| ItemOutcome {
            id: Uuid::nil(),
            ending,
        };
        let check = |size, outcomes, expected: Value| {
            let written =
                serde_json::to_value(BatchOutcome::new(size, outcomes)).expect("it is plain");
            assert_eq!(written, expected);
        };
        let failed = || ItemEnding::Failed {
            error: "no".to_owned(),
        };
        let done = json!({ "id": Uuid::nil(), "outcome": "done" });
        check(1, vec![outcome(ItemEnding::Done)], json!("done"));
        check(2, vec![outcome(ItemEnding::Done)], json!([done]));
        check(
            2,
            vec![outcome(ItemEnding::Done), outcome(failed())],
            json!([done, { "id": Uuid::nil(), "outcome": "failed", "error": "no" }]),
        );
    }

    #[test]
    fn a_settlement_brings_the_next_batch() {
        let id = Uuid::nil();
        let text = json!({
            "status": "settled", "completed": 1, "retried": 0, "failed": 0, "left": 1, "again": true, "again_in": null,
            "next": {
                "status": "claimed", "attempt_id": id,
                "items": [{ "id": id, "attempt": 1, "max_attempts": 3, "key": null, "data": { "cents": 4200 } }],
            },
        });
        let answer: SettleItemsAnswer =
            serde_json::from_str(&text.to_string()).expect("it is as the database writes it");
        let SettleItemsAnswer::Settled(Settled {
            next: Some(Claim::Claimed(next)),
            ..
        }) = answer
        else {
            panic!("{answer:?}");
        };
        assert_eq!(next.items[0].data["cents"], 4200);
    }
}
