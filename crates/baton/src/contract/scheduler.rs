//! What the scheduler calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

crate::calls! {
    /// What a tick does before it looks for work; bounded and safe to repeat.
    #[derive(Debug)]
    end_dead_attempts => EndDeadAttempts {
        /// At most so many rows of each kind, 1 to 1,000.
        limit: i32 as int4,
    } -> Swept;

    /// What a tick does after its work: samples and prunes; bounded and safe to repeat.
    #[derive(Debug)]
    prune => Prune {
        /// At most so many rows of each kind, 1 to 1,000.
        limit: i32 as int4,
    } -> Pruned;

    /// Asks what can run now.
    #[derive(Debug)]
    due_work => DueWork {
        /// At most so many jobs, 1 to 1,000.
        limit: i32 as int4,
    } -> Due;

    /// Inserts the next slots of schedules.
    #[derive(Debug)]
    plan_slots => PlanSlots {
        /// At most 100.
        slots: Vec<Slot> as jsonb,
    } -> Planned;

    /// Asks whether ticks arrive and no work is overdue.
    #[derive(Debug)]
    readiness => Readiness {} -> ReadinessReport;

    /// Notes a tick that has just ended.
    #[derive(Debug)]
    record_tick => RecordTick {
        /// What it did.
        tick: TickRecord as jsonb,
    } -> Value;
}

/// What a tick did before it looked for work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Attempts that died.
    pub lost: u32,
    /// Slots that fell into a running cycle.
    pub skipped_slots: u32,
    /// Old rows deleted, which [`Prune`] does.
    #[serde(default)]
    pub pruned: u32,
    /// Parts that failed, with their errors; none stopped another.
    #[serde(default)]
    pub failed: BTreeMap<String, String>,
}

/// What a tick did after its work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// Old rows deleted.
    pub pruned: u32,
    /// Whether another call finds more.
    pub more: bool,
    /// Parts that failed, with their errors; none stopped another.
    pub failed: BTreeMap<String, String>,
}

/// What can run now, and why not for the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The database's time, ISO 8601.
    pub now: String,
    /// Every job.
    pub jobs: Vec<DueJob>,
    /// Schedules that have no slot ahead.
    pub plan: Vec<Plan>,
}

/// One job in [`Due`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueJob {
    /// Its name, which is its component's.
    pub job: String,
    /// Where to post.
    pub route: String,
    /// Where its component is; none where the scheduler finds all components.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Whether it can run.
    pub state: DueState,
    /// How many invocations it can use at once.
    pub slots: u32,
    /// Why it is in this state; a stable code, or an operator's words for `paused`.
    pub reason: Option<String>,
    /// When the state may change, ISO 8601, if known.
    pub until: Option<String>,
}

/// Whether a job can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueState {
    /// It has work and is free.
    Due,
    /// All its leases are out.
    Busy,
    /// An operator paused it.
    Paused,
    /// Its limit is spent, or a provider asked to wait.
    Throttled,
    /// It has nothing to do.
    Idle,
    /// Its query fails; the reason is the error.
    Broken,
}

/// A schedule, whose one slot ahead should be its next fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The job.
    pub job: String,
    /// Five cron fields, UTC.
    pub cron: String,
    /// The slot is the first after this moment, ISO 8601.
    pub after: String,
    /// The one slot that is ahead, such as 2026-03-01T09:30:00Z; none when there is none, or several.
    #[serde(default)]
    pub planned: Option<String>,
}

/// One due moment of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// The job.
    pub job: String,
    /// When, ISO 8601.
    pub due_at: String,
}

/// What [`PlanSlots`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Planned {
    /// Slots that were not there yet.
    pub planned: u32,
}

/// A tick that has just ended.
#[derive(Debug, Serialize)]
pub struct TickRecord {
    /// `done`, `out_of_time` or `unreachable`.
    pub status: &'static str,
    /// How many calls it made.
    pub calls: u32,
    /// Milliseconds that it took, 600,000 at most.
    pub duration_ms: u64,
    /// The invocation.
    pub worker: String,
    /// The jobs that it could not reach, each with `job`, `url` and `message`; at most 100.
    pub unreachable: Value,
}

/// What [`Readiness`] finds.
#[derive(Debug, Deserialize)]
pub struct ReadinessReport {
    /// Whether nothing is wrong.
    pub ready: bool,
    /// Stable codes of what is wrong.
    pub reasons: Vec<String>,
}
