use serde::Deserialize;
use uuid::Uuid;

crate::calls! {
    /// Renews the lease of an attempt.
    #[derive(Debug)]
    extend_attempt => ExtendAttempt {
        /// The fencing token.
        attempt_id: Uuid as uuid,
    } -> Extend;
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Claim<A> {
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
