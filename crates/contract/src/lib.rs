//! Every function of `baton_api` that programs call, once: its SQL line, its arguments, its result.
//!
//! It holds no logic and opens no connection; components and the native side both speak through it, and a test
//! prepares every line of [`ALL`] against the real schema. The one entry point is the trait [`Call`].

mod chunks;
pub mod codes;
mod contacts;
mod items;
mod jobs;
mod messages;
#[cfg(feature = "native")]
pub mod native;
mod request;
mod sync;

pub use chunks::{
    Chunk, ChunkAttempt, ChunkOutcome, ClaimChunks, CompleteChunks, Completed, Ending, Source,
    SyncJob,
};
pub use contacts::{
    Attempt, Claim, ClaimContacts, Contact, Extend, ExtendAttempt, Outcome, Resolved, Settle,
    SettleContacts, Throttle,
};
pub use items::{
    ClaimItems, Item, ItemAttempt, ItemEnding, ItemOutcome, SettleItems, SettleItemsAnswer, Settled,
};
pub use jobs::{
    ConfigureJob, DropSetAside, Due, DueJob, DueState, DueWork, EndDeadAttempts, PauseJob, Plan,
    PlanSlots, Planned, Prune, Pruned, Readiness, ReadinessReport, RecordTick, ResumeJob,
    RetrySetAside, SetSchedule, Slot, Swept,
};
pub use messages::{
    Action, ClaimAutoSyncJobs, ClaimReminders, ConfigureSettings, CorrectLastContactDate, Letter,
    Message, MessageAttempt, MessageOutcome, RecordDelivery, RecordOptOut, RecordRefusedCallback,
    ResolveMessage, Sent, SettleMessages, SettledMessages, Submit, SubmitMessages,
};
pub use request::{RunRequest, Trigger};
pub use sync::{
    CancelSync, DropFailedChunks, Progress, RemoveSource, RetrySync, SaveSource, SetWake,
    StartSync, StartedSync, SyncProgress, TouchedChunks,
};

use serde::de::DeserializeOwned;
use uuid::Uuid;

/// One call of one function of `baton_api`, which is one transaction.
pub trait Call {
    /// The statement; its parameters are those of [`Call::params`], in order.
    const SQL: &'static str;
    /// What the one `jsonb` of the one row decodes to.
    type Output: DeserializeOwned;
    /// The arguments, in the order of the statement's parameters.
    fn params(self) -> Vec<Param>;
}

/// An argument, in one of the types that cross every border (a Spin component cannot pass others).
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// `text`
    Text(String),
    /// `text`, absent.
    NullText,
    /// `uuid`
    Uuid(Uuid),
    /// `int`
    Int(i32),
    /// `boolean`
    Bool(bool),
    /// `jsonb`
    Jsonb(serde_json::Value),
}

impl Param {
    fn text_or_null(value: Option<String>) -> Self {
        value.map_or(Self::NullText, Self::Text)
    }

    fn json(value: impl serde::Serialize) -> Self {
        Self::Jsonb(
            serde_json::to_value(value)
                .expect("our own structs have string keys and finite numbers"),
        )
    }
}

/// For `deserialize_with`: seconds inside a tagged enum, where a number with digits that `f64` would not repeat, such as
/// `3.250000`, arrives as a [`serde_json::Number`] alone.
fn seconds<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<f64>, D::Error> {
    let number = <Option<serde_json::Number> as serde::Deserialize>::deserialize(reader)?;
    Ok(number.and_then(|it| it.as_f64()))
}

/// Every statement, by the name of its function; a test holds them against the real schema.
pub const ALL: &[(&str, &str)] = &[
    ("claim_contacts", ClaimContacts::SQL),
    ("settle_contacts", SettleContacts::SQL),
    ("extend_attempt", ExtendAttempt::SQL),
    ("claim_next_chunk_job_safe", ClaimChunks::SQL),
    ("complete_chunk_job_safe", CompleteChunks::SQL),
    ("end_dead_attempts", EndDeadAttempts::SQL),
    ("prune", Prune::SQL),
    ("retry_set_aside", RetrySetAside::SQL),
    ("drop_set_aside", DropSetAside::SQL),
    ("due_work", DueWork::SQL),
    ("plan_slots", PlanSlots::SQL),
    ("readiness", Readiness::SQL),
    ("record_tick", RecordTick::SQL),
    ("pause_job", PauseJob::SQL),
    ("resume_job", ResumeJob::SQL),
    ("configure_job", ConfigureJob::SQL),
    ("set_schedule", SetSchedule::SQL),
    ("save_source", SaveSource::SQL),
    ("remove_source", RemoveSource::SQL),
    ("start_sync", StartSync::SQL),
    ("retry_sync", RetrySync::SQL),
    ("drop_failed_chunks", DropFailedChunks::SQL),
    ("cancel_sync", CancelSync::SQL),
    ("get_sync_job_progress", SyncProgress::SQL),
    ("set_wake", SetWake::SQL),
    ("claim_reminders", ClaimReminders::SQL),
    ("claim_auto_sync_jobs", ClaimAutoSyncJobs::SQL),
    ("submit_messages", SubmitMessages::SQL),
    ("settle_messages", SettleMessages::SQL),
    ("record_delivery", RecordDelivery::SQL),
    ("record_opt_out", RecordOptOut::SQL),
    ("record_refused_callback", RecordRefusedCallback::SQL),
    ("correct_last_contact_date", CorrectLastContactDate::SQL),
    ("resolve_message", ResolveMessage::SQL),
    ("configure_settings", ConfigureSettings::SQL),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_however_many_digits_they_have() {
        let check = |again_in: &str, expected: Option<f64>| {
            let answer = format!(
                r#"{{"status": "settled", "completed": 1, "retried": 0, "failed": 0, "left": 0, "again": false{again_in}}}"#
            );
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("it is JSON");
            let Ok(Completed::Settled { again_in, .. }) = serde_json::from_value(answer) else {
                panic!("it is no settlement");
            };
            assert_eq!(again_in, expected);
        };
        check("", None);
        check(r#", "again_in": null"#, None);
        check(r#", "again_in": 3"#, Some(3.0));
        check(r#", "again_in": 3.250000"#, Some(3.25));
        check(r#", "again_in": 1e-05"#, Some(0.00001));
    }
}
