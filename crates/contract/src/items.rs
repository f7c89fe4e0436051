use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Call, Claim, Param, Trigger};

/// Claims the next items of a job that has a queue of the engine's.
#[derive(Debug)]
pub struct ClaimItems {
    /// The job.
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

/// A lease on items.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ItemAttempt {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// The items, in the order in which they are due.
    pub items: Vec<Item>,
}

/// A unit in the queue of a job.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Item {
    /// Its key in `baton.items`; the same over all its tries.
    pub id: Uuid,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// After so many tries it has failed.
    pub max_attempts: u32,
    /// What the application knows it by, if it said so.
    pub key: Option<String>,
    /// What the application enqueued.
    pub data: Value,
}

/// Settles the items of an attempt.
#[derive(Debug)]
pub struct SettleItems {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// What came of them; an item that is not among them is due again, as if never tried.
    pub outcomes: Vec<ItemOutcome>,
    /// Whether to claim the next items in the same transaction.
    pub claim_next: bool,
}

impl Call for SettleItems {
    const SQL: &'static str = "select baton_api.settle_items($1, $2, $3)";
    type Output = ItemsSettled;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Uuid(self.attempt_id),
            Param::json(self.outcomes),
            Param::Bool(self.claim_next),
        ]
    }
}

/// What came of one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemOutcome {
    /// The item.
    pub id: Uuid,
    /// How the try ended.
    pub outcome: ItemEnding,
    /// Why it did not succeed, in words; the first 500 characters are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long to wait, in seconds, 1 to 3,600; 30 where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

/// How a try at an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemEnding {
    /// It is done.
    Done,
    /// It failed, and may succeed later: again after a backoff, at most `max_attempts` times.
    Retry,
    /// The other side asked for patience: again after so many seconds, until when the job takes no items. The try does not
    /// count during the item's first day.
    Wait,
    /// It failed, and would fail again.
    Failed,
}

/// The answer to a settlement.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ItemsSettled {
    /// The outcomes count.
    Settled {
        /// Items that are done.
        completed: u32,
        /// Items that will be tried again.
        retried: u32,
        /// Items that failed for good.
        failed: u32,
        /// Items that were not tried; they are due again.
        left: u32,
        /// Whether there is work for another call at once.
        again: bool,
        /// If not, in how many seconds a waiting item is due, if one waits.
        #[serde(default, deserialize_with = "crate::seconds")]
        again_in: Option<f64>,
        /// The next attempt, where one was asked for and there is work.
        next: Option<ItemAttempt>,
    },
    /// They do not: the work was given to another.
    Lost {
        /// A stable code.
        reason: String,
    },
}

/// Cancels an item that is not under way. For operators.
#[derive(Debug)]
pub struct CancelItem {
    /// The job.
    pub job: String,
    /// The item.
    pub item_id: Uuid,
    /// Who cancels it.
    pub who: String,
}

impl Call for CancelItem {
    const SQL: &'static str = "select baton_api.cancel_item($1, $2, $3)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            Param::Uuid(self.item_id),
            Param::Text(self.who),
        ]
    }
}

/// Lets items that failed be tried again. For operators.
#[derive(Debug)]
pub struct RetryItems {
    /// The job.
    pub job: String,
    /// One item; none for all of the job that failed.
    pub item_id: Option<Uuid>,
    /// Who does so.
    pub who: String,
}

impl Call for RetryItems {
    const SQL: &'static str = "select baton_api.retry_items($1, $2, $3)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            self.item_id.map_or(Param::NullText, Param::Uuid),
            Param::Text(self.who),
        ]
    }
}

/// Gives up items that failed. For operators.
#[derive(Debug)]
pub struct DropItems {
    /// The job.
    pub job: String,
    /// One item; none for all of the job that failed.
    pub item_id: Option<Uuid>,
    /// Who does so.
    pub who: String,
}

impl Call for DropItems {
    const SQL: &'static str = "select baton_api.drop_items($1, $2, $3)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            self.item_id.map_or(Param::NullText, Param::Uuid),
            Param::Text(self.who),
        ]
    }
}
