//! What this job alone calls.

use std::collections::BTreeMap;

use baton::contract::{Batch, Claim, SettleAnswer, Settlement, Trigger, counts};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::doh::Route;
use crate::email::{Reason, Status};

baton::calls! {
    /// Claims the next batch of contacts to validate.
    #[derive(Debug)]
    claim_contacts => ClaimContacts {
        /// Who asks.
        trigger: Trigger as text,
        /// Who works, for the log of runs.
        worker: String as text,
    } -> Claim<Attempt>;

    /// Applies the verdicts of an attempt.
    #[derive(Debug)]
    settle_contacts => SettleContacts {
        /// The fencing token.
        attempt_id: Uuid as uuid,
        /// The verdicts; a contact of the batch that is not among them stays due.
        outcomes: Vec<Outcome> as jsonb,
        /// Routes found, for the cache.
        routes: Vec<Resolved> as jsonb,
        /// Set when the provider asked everybody to wait.
        throttle: Option<Throttle> as jsonb,
        /// Whether to claim the next contacts in the same transaction.
        claim_next: bool as bool,
    } -> Settle;
}

/// A lease on a batch of contacts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Attempt {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// The cycle it belongs to.
    pub cycle_id: Uuid,
    /// The batch.
    pub contacts: Vec<Contact>,
    /// What the cache knows about the mail routes of the batch, by [`crate::email::cache_key`].
    pub routes: BTreeMap<String, Route>,
}

impl Batch for Attempt {
    fn attempt_id(&self) -> Uuid {
        self.attempt_id
    }

    fn size(&self) -> usize {
        self.contacts.len()
    }
}

/// A contact to validate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contact {
    /// Its key in `contacts`, as text.
    pub id: String,
    /// Its address, as the application stored it.
    pub email: String,
}

/// The verdict on one contact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The contact's key.
    pub id: String,
    /// The address that was judged; the verdict counts only while the contact still has it.
    pub email: String,
    /// What to send there.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// What each check found.
    pub evidence: serde_json::Value,
}

/// A mail route for the cache.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolved {
    /// [`crate::email::cache_key`] of the addresses it holds for.
    pub domain: String,
    /// The route.
    pub route: Route,
    /// For how long, in seconds.
    pub ttl: u32,
}

/// Keeps everybody from claiming items of the job for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Throttle {
    /// For how long, 1 to 3,600.
    pub seconds: u32,
    /// A stable code, shown as the reason of skipped runs.
    pub reason: &'static str,
}

/// The answer to a settlement.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Settle {
    /// The verdicts count.
    Settled {
        /// Contacts that have their verdict.
        settled: u32,
        /// Contacts of the batch that stay due.
        left: u32,
        /// Whether another call finds work at once.
        again: bool,
        /// The next batch, if it was asked for and there is one.
        next: Option<Claim<Attempt>>,
    },
    /// They do not: the work was given to another, or the cycle was stopped.
    Lost {
        /// A stable code.
        reason: String,
    },
}

impl SettleAnswer<Attempt> for Settle {
    fn settlement(self) -> Result<Settlement<Attempt>, String> {
        match self {
            Self::Settled {
                settled,
                left,
                again,
                next,
            } => Ok(Settlement {
                counts: counts([("settled", settled.into()), ("left", left.into())]),
                refused: None,
                again,
                again_in: None,
                next,
            }),
            Self::Lost { reason } => Err(reason),
        }
    }
}
