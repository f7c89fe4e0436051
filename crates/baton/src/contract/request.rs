use serde::{Deserialize, Serialize};

use super::Text;

/// The body of `POST /tick` and `POST /jobs/…`; an empty body means the defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// Who asks.
    #[serde(default)]
    pub trigger: Trigger,
}

/// Who asks for a run. A person or a cron may start a cycle at any time; a tick or a wake only when one is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A person, or a program on its behalf.
    #[default]
    Manual,
    /// A cron that calls the job itself.
    Cron,
    /// The scheduler.
    Tick,
    /// A trigger in the database.
    Wake,
    /// Whoever delivers wakes, after an answer with `again`: nobody needs to be woken beside it.
    Next,
}

impl Trigger {
    /// The word under which the trigger stands in the log of runs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Cron => "cron",
            Self::Tick => "tick",
            Self::Wake => "wake",
            Self::Next => "next",
        }
    }
}

impl Text for Trigger {
    fn into_text(self) -> Option<String> {
        Some(self.as_str().to_owned())
    }
}
