//! Items of jobs that have a queue of the engine's: what their components and operators call.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Claim, Trigger};

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
    settle_items => SettleItems {
        /// The fencing token.
        attempt_id: Uuid as uuid,
        /// What came of them; an item that is not among them is due again, as if never tried.
        outcomes: Vec<ItemOutcome> as jsonb,
        /// Whether to claim the next items in the same transaction.
        claim_next: bool as bool,
    } -> ItemsSettled;

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
