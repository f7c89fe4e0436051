use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Call, Param};

/// Adds a source to sync, or changes one. For operators.
pub struct SaveSource {
    /// Its name: letters, digits and `._@+-`.
    pub name: String,
    /// `jmap`, `json` or `noop`.
    pub kind: String,
    /// Where it is.
    pub url: String,
    /// Who asks there; none for a bearer token.
    pub username: Option<String>,
    /// Password or token; none keeps the one that is stored.
    pub secret: Option<String>,
    /// What the protocol needs to know, and `max_parallel`: invocations at once, 1 to 64, 4 by default.
    pub settings: Value,
    /// Who saves it.
    pub who: String,
}

impl Call for SaveSource {
    const SQL: &'static str = "select baton_api.save_source($1, $2, $3, $4, $5, $6, $7)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.name),
            Param::Text(self.kind),
            Param::Text(self.url),
            Param::text_or_null(self.username),
            Param::text_or_null(self.secret),
            Param::Jsonb(self.settings),
            Param::Text(self.who),
        ]
    }
}

/// Removes a source with its sync jobs; what was synced stays. For operators.
#[derive(Debug)]
pub struct RemoveSource {
    /// Its name.
    pub name: String,
    /// Who removes it.
    pub who: String,
}

impl Call for RemoveSource {
    const SQL: &'static str = "select baton_api.remove_source($1, $2)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![Param::Text(self.name), Param::Text(self.who)]
    }
}

/// Starts a sync job of a source, or finds the one that is under way. For operators.
#[derive(Debug)]
pub struct StartSync {
    /// The source.
    pub source: String,
    /// Everything again, also when changes could be asked for.
    pub full: bool,
    /// Who starts it.
    pub who: String,
}

impl Call for StartSync {
    const SQL: &'static str = "select baton_api.start_sync($1, $2, $3)";
    type Output = StartedSync;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.source),
            Param::Bool(self.full),
            Param::Text(self.who),
        ]
    }
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

/// Lets the failed chunks of a source's latest sync job try again. For operators.
#[derive(Debug)]
pub struct RetrySync {
    /// The source.
    pub source: String,
    /// Who retries.
    pub who: String,
}

impl Call for RetrySync {
    const SQL: &'static str = "select baton_api.retry_sync($1, $2)";
    type Output = TouchedChunks;

    fn params(self) -> Vec<Param> {
        vec![Param::Text(self.source), Param::Text(self.who)]
    }
}

/// Gives up the failed chunks of a source's latest sync job for good. For operators.
#[derive(Debug)]
pub struct DropFailedChunks {
    /// The source.
    pub source: String,
    /// Who drops them.
    pub who: String,
}

impl Call for DropFailedChunks {
    const SQL: &'static str = "select baton_api.drop_failed_chunks($1, $2)";
    type Output = TouchedChunks;

    fn params(self) -> Vec<Param> {
        vec![Param::Text(self.source), Param::Text(self.who)]
    }
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

/// Cancels the sync job of a source that is under way. For operators.
#[derive(Debug)]
pub struct CancelSync {
    /// The source.
    pub source: String,
    /// Who cancels.
    pub who: String,
}

impl Call for CancelSync {
    const SQL: &'static str = "select baton_api.cancel_sync($1, $2)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![Param::Text(self.source), Param::Text(self.who)]
    }
}

/// How far a sync job is.
#[derive(Debug)]
pub struct SyncProgress {
    /// Its id; none is known by another text.
    pub sync_job: String,
}

impl Call for SyncProgress {
    const SQL: &'static str = "select baton_api.get_sync_job_progress($1)";
    type Output = Option<Progress>;

    fn params(self) -> Vec<Param> {
        vec![Param::Text(self.sync_job)]
    }
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

/// Sets how the database wakes jobs. For operators.
pub struct SetWake {
    /// `listen`, `pg_net` or `none`.
    pub mode: String,
    /// Where pg_net posts to, without a path.
    pub url: Option<String>,
    /// The secret that signs what pg_net posts, as `whsec_` and base64; none keeps the one that is stored.
    pub secret: Option<String>,
    /// Who sets it.
    pub who: String,
}

impl Call for SetWake {
    const SQL: &'static str = "select baton_api.set_wake($1, $2, $3, $4)";
    type Output = Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.mode),
            Param::text_or_null(self.url),
            Param::text_or_null(self.secret),
            Param::Text(self.who),
        ]
    }
}
