//! What this job alone calls.

use baton::contract::{Claim, Trigger};
use dispatch::calls::MessageAttempt;

baton::calls! {
    /// Works the queued jobs of auto-syncs that are due, at most ten, and claims the messages that come of them.
    #[derive(Debug)]
    claim_auto_sync_jobs => ClaimAutoSyncJobs {
        /// Who asks.
        trigger: Trigger as text,
        /// Who works, for the log of runs.
        worker: String as text,
    } -> Claim<MessageAttempt>;
}
