use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Call, Claim, Param, Trigger, seconds};

/// Claims the next batch of items of a job that an application made by `baton.create_job`.
#[derive(Debug)]
pub struct ClaimItems {
    /// Its name.
    pub job: String,
    /// Who asks.
    pub trigger: Trigger,
    /// Who works, for the log of runs.
    pub worker: String,
}

impl Call for ClaimItems {
    const SQL: &'static str = "select baton_api.claim_items($1, $2, $3)";
    type Output = Claim<ItemAttempt>;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            Param::Text(self.trigger.as_str().to_owned()),
            Param::Text(self.worker),
        ]
    }
}

/// A lease on a batch of items.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ItemAttempt {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// The batch.
    pub items: Vec<Item>,
}

/// An item to work.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// Which try this is, from 1.
    pub attempt: i32,
    /// After how many tries it has failed.
    pub max_attempts: i32,
    /// The key under which it was enqueued.
    pub key: Option<String>,
    /// What was enqueued.
    pub data: serde_json::Value,
}

/// Settles a batch of items, and claims the next one in the same transaction if asked to.
#[derive(Debug)]
pub struct SettleItems {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// What came of each item; one that is missing is due again, as if it had not been claimed.
    pub outcomes: Vec<ItemOutcome>,
    /// Whether to claim the next batch.
    pub claim_next: bool,
}

impl Call for SettleItems {
    const SQL: &'static str = "select baton_api.settle_items($1, $2, $3)";
    type Output = SettleItemsAnswer;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Uuid(self.attempt_id),
            Param::json(self.outcomes),
            Param::Bool(self.claim_next),
        ]
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
pub enum SettleItemsAnswer {
    /// The outcomes count.
    Settled(Settled),
    /// The attempt was lost; nothing of it counts.
    Lost {
        /// A stable code.
        reason: String,
    },
}

/// What a settlement of items came to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Settled {
    /// How many items are done.
    pub completed: i64,
    /// How many will be tried again.
    pub retried: i64,
    /// How many have failed for good.
    pub failed: i64,
    /// How many items wait.
    pub left: i64,
    /// Whether another call finds work now.
    pub again: bool,
    /// In how many seconds another call finds work, if not now.
    #[serde(default, deserialize_with = "seconds")]
    pub again_in: Option<f64>,
    /// The next batch, if it was asked for and there is one.
    pub next: Option<Claim<ItemAttempt>>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
    fn a_settlement_brings_the_next_batch() {
        let id = Uuid::nil();
        let text = json!({
            "status": "settled", "completed": 1, "retried": 0, "failed": 0, "left": 1, "again": true, "again_in": null,
            "next": {
                "status": "claimed", "attempt_id": id,
                "items": [{ "id": id, "attempt": 1, "max_attempts": 3, "key": null, "data": { "cents": 4200 } }],
            },
        });
        let answer =
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
