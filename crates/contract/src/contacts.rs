use std::collections::BTreeMap;

use domain::doh::Route;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Call, Param, Trigger};

/// Claims the next batch of contacts to validate.
#[derive(Debug)]
pub struct ClaimContacts {
    /// Who asks.
    pub trigger: Trigger,
    /// Who works, for the log of runs.
    pub worker: String,
}

impl Call for ClaimContacts {
    const SQL: &'static str = "select baton_api.claim_contacts($1, $2)";
    type Output = Claim;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.trigger.as_str().to_owned()),
            Param::Text(self.worker),
        ]
    }
}

/// The answer to a claim, of contacts or of chunks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Claim<A = Attempt> {
    /// There is work, and it is the caller's until the lease runs out.
    Claimed(A),
    /// The job is not free: busy, paused, throttled.
    Skipped {
        /// A stable code.
        reason: String,
        /// When to look again, ISO 8601, if known.
        until: Option<String>,
    },
    /// The job is free and there is nothing to do.
    Idle {
        /// A stable code.
        reason: String,
        /// When there will be something, ISO 8601, if known.
        until: Option<String>,
    },
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
    /// What the cache knows about the mail routes of the batch, by [`domain::email::cache_key`].
    pub routes: BTreeMap<String, Route>,
}

/// A contact to validate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contact {
    /// Its key in `contacts`, as text.
    pub id: String,
    /// Its address, as the application stored it.
    pub email: String,
}

/// Renews the lease of an attempt.
#[derive(Debug)]
pub struct ExtendAttempt {
    /// The fencing token.
    pub attempt_id: Uuid,
}

impl Call for ExtendAttempt {
    const SQL: &'static str = "select baton_api.extend_attempt($1)";
    type Output = Extend;

    fn params(self) -> Vec<Param> {
        vec![Param::Uuid(self.attempt_id)]
    }
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Extend {
    /// The lease is renewed.
    Extended {
        /// Until when, ISO 8601.
        leased_until: String,
    },
    /// It was given to another, or its cycle was stopped; stop working.
    Lost,
    /// It is settled already.
    Settled,
}

/// Applies the verdicts of an attempt.
#[derive(Debug)]
pub struct SettleContacts {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// The verdicts; a contact of the batch that is not among them stays due.
    pub outcomes: Vec<Outcome>,
    /// Routes found, for the cache.
    pub routes: Vec<Resolved>,
    /// Set when the provider asked everybody to wait.
    pub throttle: Option<Throttle>,
}

impl Call for SettleContacts {
    const SQL: &'static str = "select baton_api.settle_contacts($1, $2, $3, $4)";
    type Output = Settle;

    fn params(self) -> Vec<Param> {
        let throttle = self
            .throttle
            .map_or_else(|| Param::Jsonb(serde_json::json!({})), Param::json);
        vec![
            Param::Uuid(self.attempt_id),
            Param::json(self.outcomes),
            Param::json(self.routes),
            throttle,
        ]
    }
}

/// The verdict on one contact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The contact's key.
    pub id: String,
    /// The address that was judged; the verdict counts only while the contact still has it.
    pub email: String,
    /// What to send there.
    pub status: domain::email::Status,
    /// Why.
    pub reason: domain::email::Reason,
    /// What each check found.
    pub evidence: serde_json::Value,
}

/// A mail route for the cache.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolved {
    /// [`domain::email::cache_key`] of the addresses it holds for.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Settle {
    /// The verdicts count.
    Settled {
        /// Contacts that have their verdict.
        settled: u32,
        /// Contacts of the batch that stay due.
        left: u32,
        /// Whether the cycle goes on.
        more: bool,
        /// Whether another call finds work at once.
        again: bool,
    },
    /// They do not: the work was given to another, or the cycle was stopped.
    Lost {
        /// A stable code.
        reason: String,
    },
}
