//! What operators call about sources and their syncs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

baton::calls! {
    /// Adds a source to sync, or changes one. For operators.
    save_source => SaveSource {
        /// Its name: letters, digits and `._@+-`.
        name: String as text,
        /// `jmap`, `json` or `noop`.
        kind: String as text,
        /// Where it is.
        url: String as text,
        /// Who asks there; none for a bearer token.
        username: Option<String> as text,
        /// Password or token; none keeps the one that is stored.
        secret: Option<String> as text,
        /// What the protocol needs to know, and `max_parallel`: invocations at once, 1 to 64, 4 by default.
        settings: Value as jsonb,
        /// Who saves it.
        who: String as text,
    } -> Value;

    /// Removes a source with its sync jobs; what was synced stays. For operators.
    #[derive(Debug)]
    remove_source => RemoveSource {
        /// Its name.
        name: String as text,
        /// Who removes it.
        who: String as text,
    } -> Value;

    /// Starts a sync job of a source, or finds the one that is under way. For operators.
    #[derive(Debug)]
    start_sync => StartSync {
        /// The source.
        source: String as text,
        /// Everything again, also when changes could be asked for.
        full: bool as bool,
        /// Who starts it.
        who: String as text,
    } -> StartedSync;

    /// Lets the failed chunks of a source's latest sync job try again. For operators.
    #[derive(Debug)]
    retry_sync => RetrySync {
        /// The source.
        source: String as text,
        /// Who retries.
        who: String as text,
    } -> TouchedChunks;

    /// Gives up the failed chunks of a source's latest sync job for good. For operators.
    #[derive(Debug)]
    drop_failed_chunks => DropFailedChunks {
        /// The source.
        source: String as text,
        /// Who drops them.
        who: String as text,
    } -> TouchedChunks;

    /// Cancels the sync job of a source that is under way. For operators.
    #[derive(Debug)]
    cancel_sync => CancelSync {
        /// The source.
        source: String as text,
        /// Who cancels.
        who: String as text,
    } -> Value;

    /// How far a sync job is.
    #[derive(Debug)]
    get_sync_job_progress => SyncProgress {
        /// Its id; none is known by another text.
        sync_job: String as text,
    } -> Option<Progress>;
}

/// The answer to [`StartSync`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedSync {
    /// The sync job.
    pub sync_job_id: Uuid,
    /// False when it was under way already.
    pub started: bool,
    /// `full` or `changes`.
    pub kind: String,
}

/// The answer to [`RetrySync`] and [`DropFailedChunks`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchedChunks {
    /// The sync job.
    pub sync_job_id: Uuid,
    /// Chunks changed by this call.
    pub chunks: u32,
    /// Whether there are more for another call; one changes at most 10,000.
    pub more: bool,
}

/// Progress of a sync job in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The sync job.
    pub parent_sync_job_id: Uuid,
    /// Its source.
    pub source: String,
    /// `full` or `changes`.
    pub kind: String,
    /// `pending`, `processing`, `completed`, `partial_failure`, `failed` or `cancelled`.
    pub overall_status: String,
    /// Chunks so far; planning finds more.
    pub total_chunks: u64,
    /// Waiting.
    pub pending_chunks: u64,
    /// Under way.
    pub processing_chunks: u64,
    /// Done.
    pub completed_chunks: u64,
    /// Given up after the last attempt.
    pub failed_chunks: u64,
    /// Items written to `synced_emails`.
    pub synced_items: u64,
    /// Of the chunks known so far, 0 to 100.
    pub progress_percentage: f64,
    /// When it will be done at the speed so far, ISO 8601.
    pub eta: Option<String>,
    /// Why it failed, or one of its chunks.
    pub error_message: Option<String>,
    /// Whether it failed because the source refuses the credentials.
    pub is_refused: bool,
}
