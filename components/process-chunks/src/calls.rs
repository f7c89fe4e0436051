//! What this job alone calls.

use std::collections::BTreeMap;

use baton::contract::items::{BatchOutcome, Plain, SettleItemsAnswer};
use baton::contract::{Batch, Claim, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

baton::calls! {
    /// Claims the next chunks of sync jobs.
    #[derive(Debug)]
    claim_next_chunk_job_safe => ClaimChunks {
        /// Who asks.
        trigger: Trigger as text,
        /// Who works, for the log of runs.
        worker: String as text,
    } -> Claim<ChunkAttempt>;

    /// Settles the chunks of an attempt.
    #[derive(Debug)]
    settle_chunks_as_text => SettleChunks {
        /// The fencing token.
        attempt_id: Uuid as uuid,
        /// What came of them; a chunk that is not among them is due again, as if never tried.
        outcomes: BatchOutcome<ChunkOutcome> as jsonb,
        /// Whether to claim the next chunks in the same transaction.
        claim_next: bool as bool,
        /// Whether the caller remembers [`ChunkAttempt::jobs`] of earlier answers.
        remembers: bool as bool,
    } -> Completed;
}

/// A lease on chunks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ChunkAttempt {
    /// The fencing token.
    pub attempt_id: Uuid,
    /// The chunks, in the order in which to do them.
    pub chunks: Vec<Chunk>,
    /// The sync jobs that they belong to; empty when they are as the last answer told them, to a caller that remembers.
    pub jobs: BTreeMap<Uuid, SyncJob>,
}

impl Batch for ChunkAttempt {
    fn attempt_id(&self) -> Uuid {
        self.attempt_id
    }

    fn size(&self) -> usize {
        self.chunks.len()
    }
}

/// A piece of a sync job.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Chunk {
    /// Its id in `chunk_processing_queue`.
    pub id: Uuid,
    /// The sync job, a key of [`ChunkAttempt::jobs`].
    pub sync_job_id: Uuid,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What to do; [`crate::source::Work`] understands it.
    pub work: Value,
}

/// What the chunks of a sync job have in common.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SyncJob {
    /// What earlier chunks found out for later ones; `{}` at first.
    pub plan: Value,
    /// Where the mail is.
    pub source: Source,
}

/// A mailbox or another collection to sync.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Which protocol it speaks: `jmap`, `json` or `noop`.
    pub kind: String,
    /// Where it is.
    pub url: String,
    /// Who asks there; none for a bearer token alone.
    pub username: Option<String>,
    /// Password or token; none where nothing is asked for.
    pub secret: Option<String>,
    /// What the protocol needs to know.
    pub settings: Value,
}

impl std::fmt::Debug for Source {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({} {} {})", self.name, self.kind, self.url)
    }
}

/// What came of one chunk.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ChunkOutcome {
    /// The chunk.
    pub id: Uuid,
    /// How it ended.
    pub outcome: Ending,
    /// Why it did not succeed, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Items for `synced_emails`, each replacing the one of the same `id`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Value>,
    /// Items that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// New chunks of the same sync job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chunks: Vec<Value>,
    /// What later chunks of the sync job should know; replaces fields of the same names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
    /// The state from which the next sync of the source can ask for changes, once this sync job is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What is left in `synced_emails` from before this sync job is gone from the source, too; at most 1,000 items a chunk.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prune: bool,
    /// The source gets no request for so long, in seconds, 1 to 3,600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
}

impl Plain for ChunkOutcome {
    fn is_plain(&self) -> bool {
        *self
            == Self {
                id: self.id,
                ..Self::default()
            }
    }
}

/// How a chunk ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It is done.
    #[default]
    Completed,
    /// It failed, and may succeed later: again after a backoff, at most `max_attempts` times.
    Retry,
    /// The source asked for patience: again when `wait` is over, without counting the attempt.
    Wait,
    /// It failed, and would fail again.
    Failed,
    /// The source refuses the credentials: the whole sync job fails.
    Refused,
}

/// The answer to a settlement.
pub type Completed = SettleItemsAnswer<ChunkAttempt>;
