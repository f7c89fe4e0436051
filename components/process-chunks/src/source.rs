//! Syncs of mailboxes and other collections: what to ask a source, and what its answer means.
//! Who asks, and who does which chunk when, is not decided here.
//!
//! A source speaks JMAP ([`jmap`]: RFC 8620, RFC 8621) or serves pages of JSON ([`paged`]). Either way a chunk ends in
//! [`Synced`] or in a [`Failure`], whose [`Remedy`] says what to do about it.

pub mod answer;
mod failure;
pub mod header;
mod item;
pub mod jmap;
pub mod origin;
pub mod paged;
pub mod sealed;
mod settings;
#[cfg(test)]
mod tests;
pub mod url_secret;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use failure::{Failure, Remedy};
pub use settings::BadSetting;

/// The longest answer of a source that is read, in bytes, packed or not.
pub const LONGEST_ANSWER: usize = 8 << 20;

/// What a chunk is to do. The variants with braces and no fields refuse unknown fields, which unit variants would not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// Nothing, for trials and measurements.
    Noop {},
    /// List the messages of a JMAP account, a page at a time, the newest first.
    Plan {
        /// The last messages of the page before, the very last first; empty for the first page.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        anchors: Vec<String>,
        /// Where a page begins that has these messages, for servers that do not know anchors.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u64>,
    },
    /// Get these messages of a JMAP account.
    Fetch {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Get what changed in a JMAP account.
    Changes {
        /// Since this state.
        since: String,
    },
    /// Let go of what the source no longer has.
    Prune {},
    /// Get a page of a JSON source.
    Page(paged::Page),
}

impl Work {
    /// Reads the work of a chunk.
    pub fn read(work: &Value) -> Result<Self, Failure> {
        Self::deserialize(work)
            .map_err(|it| Failure::failed(format!("the work is not understood: {it}")))
    }
}

impl From<Work> for Value {
    fn from(work: Work) -> Self {
        serde_json::to_value(work).expect("work has string keys and no floats")
    }
}

/// What a chunk brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Synced {
    /// Items for `synced_emails`, no two of the same `id`.
    pub items: Vec<Value>,
    /// Ids of items that the source no longer has.
    pub removed: Vec<String>,
    /// What is left to do.
    pub chunks: Vec<Work>,
    /// What later chunks of the sync job should know.
    pub plan: Map<String, Value>,
    /// The state from which the next sync can ask for changes.
    pub state: Option<String>,
    /// Whether the items not seen in this sync job should go.
    pub prune: bool,
}
