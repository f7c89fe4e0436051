//! What this job alone calls.

use baton::contract::{Claim, Trigger};
use dispatch::calls::MessageAttempt;
use serde_json::Value;

baton::calls! {
    /// Claims the next reminders about assignments that nobody followed up.
    #[derive(Debug)]
    claim_reminders => ClaimReminders {
        /// Who asks.
        trigger: Trigger as text,
        /// Who works, for the log of runs.
        worker: String as text,
    } -> Claim<MessageAttempt>;

    /// Corrects when an assignment was last followed up.
    #[derive(Debug)]
    correct_last_contact_date => CorrectLastContactDate {
        /// The assignment's key, as text.
        assignment_id: String as text,
        /// When, ISO 8601; none for never.
        last_contact_date: Option<String> as text,
        /// Who corrects it.
        who: String as text,
        /// Why.
        why: String as text,
    } -> Value;
}
