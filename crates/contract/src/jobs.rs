use serde::{Deserialize, Serialize};

use crate::{Call, Param};

/// What a tick does before it looks for work; bounded and safe to repeat.
#[derive(Debug)]
pub struct EndDeadAttempts {
    /// At most so many rows of each kind, 1 to 1,000.
    pub limit: i32,
}

impl Call for EndDeadAttempts {
    const SQL: &'static str = "select baton_api.end_dead_attempts($1)";
    type Output = Swept;

    fn params(self) -> Vec<Param> {
        vec![Param::Int(self.limit)]
    }
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
    pub failed: std::collections::BTreeMap<String, String>,
}

/// What a tick does after its work: samples and prunes; bounded and safe to repeat.
#[derive(Debug)]
pub struct Prune {
    /// At most so many rows of each kind, 1 to 1,000.
    pub limit: i32,
}

impl Call for Prune {
    const SQL: &'static str = "select baton_api.prune($1)";
    type Output = Pruned;

    fn params(self) -> Vec<Param> {
        vec![Param::Int(self.limit)]
    }
}

/// What a tick did after its work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// Old rows deleted.
    pub pruned: u32,
    /// Parts that failed, with their errors; none stopped another.
    pub failed: std::collections::BTreeMap<String, String>,
}

/// Asks what can run now.
#[derive(Debug)]
pub struct DueWork {
    /// At most so many jobs, 1 to 1,000.
    pub limit: i32,
}

impl Call for DueWork {
    const SQL: &'static str = "select baton_api.due_work($1)";
    type Output = Due;

    fn params(self) -> Vec<Param> {
        vec![Param::Int(self.limit)]
    }
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

/// Inserts the next slots of schedules.
#[derive(Debug)]
pub struct PlanSlots {
    /// At most 100.
    pub slots: Vec<Slot>,
}

/// One due moment of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// The job.
    pub job: String,
    /// When, ISO 8601.
    pub due_at: String,
}

impl Call for PlanSlots {
    const SQL: &'static str = "select baton_api.plan_slots($1)";
    type Output = Planned;

    fn params(self) -> Vec<Param> {
        vec![Param::json(self.slots)]
    }
}

/// What [`PlanSlots`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Planned {
    /// Slots that were not there yet.
    pub planned: u32,
}

/// Notes a tick that has just ended.
#[derive(Debug)]
pub struct RecordTick {
    /// `done`, `out_of_time` or `unreachable`.
    pub status: &'static str,
    /// How many calls it made.
    pub calls: u32,
    /// Milliseconds that it took, 600,000 at most.
    pub duration_ms: u64,
    /// The invocation.
    pub worker: String,
    /// The jobs that it could not reach, each with `job`, `url` and `message`; at most 100.
    pub unreachable: serde_json::Value,
}

impl Call for RecordTick {
    const SQL: &'static str = "select baton_api.record_tick($1)";
    type Output = serde_json::Value;

    fn params(self) -> Vec<Param> {
        vec![Param::Jsonb(serde_json::json!({
            "status": self.status,
            "calls": self.calls,
            "duration_ms": self.duration_ms,
            "worker": self.worker,
            "unreachable": self.unreachable,
        }))]
    }
}

/// Asks whether ticks arrive and no work is overdue.
#[derive(Debug)]
pub struct Readiness;

/// What [`Readiness`] finds.
#[derive(Debug, Deserialize)]
pub struct ReadinessReport {
    /// Whether nothing is wrong.
    pub ready: bool,
    /// Stable codes of what is wrong.
    pub reasons: Vec<String>,
}

impl Call for Readiness {
    const SQL: &'static str = "select baton_api.readiness()";
    type Output = ReadinessReport;

    fn params(self) -> Vec<Param> {
        Vec::new()
    }
}

/// Pauses a job after the batch under way. For operators.
#[derive(Debug)]
pub struct PauseJob {
    /// The job.
    pub job: String,
    /// Who pauses it.
    pub who: String,
    /// Why.
    pub reason: Option<String>,
}

impl Call for PauseJob {
    const SQL: &'static str = "select baton_api.pause_job($1, $2, $3)";
    type Output = serde_json::Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            Param::Text(self.who),
            Param::text_or_null(self.reason),
        ]
    }
}

/// Lets a paused job run again. For operators.
#[derive(Debug)]
pub struct ResumeJob {
    /// The job.
    pub job: String,
    /// Who resumes it.
    pub who: String,
}

impl Call for ResumeJob {
    const SQL: &'static str = "select baton_api.resume_job($1, $2)";
    type Output = serde_json::Value;

    fn params(self) -> Vec<Param> {
        vec![Param::Text(self.job), Param::Text(self.who)]
    }
}

/// Changes settings of a job from its next claim on. For operators.
#[derive(Debug)]
pub struct ConfigureJob {
    /// The job.
    pub job: String,
    /// Settings by the names of their columns in `baton.jobs`.
    pub changes: serde_json::Map<String, serde_json::Value>,
    /// Who changes them.
    pub who: String,
}

impl Call for ConfigureJob {
    const SQL: &'static str = "select baton_api.configure_job($1, $2, $3)";
    type Output = serde_json::Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            Param::json(self.changes),
            Param::Text(self.who),
        ]
    }
}

/// Lets items that are set aside be tried again. For operators.
#[derive(Debug)]
pub struct RetrySetAside {
    /// The job.
    pub job: String,
    /// One item; none for all of the job.
    pub item_id: Option<String>,
    /// Who does so.
    pub who: String,
}

impl Call for RetrySetAside {
    const SQL: &'static str = "select baton_api.retry_set_aside($1, $2, $3)";
    type Output = serde_json::Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            Param::text_or_null(self.item_id),
            Param::Text(self.who),
        ]
    }
}

/// Gives items up that are set aside. For operators.
#[derive(Debug)]
pub struct DropSetAside {
    /// The job.
    pub job: String,
    /// One item; none for all of the job.
    pub item_id: Option<String>,
    /// Who does so.
    pub who: String,
}

impl Call for DropSetAside {
    const SQL: &'static str = "select baton_api.drop_set_aside($1, $2, $3)";
    type Output = serde_json::Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            Param::text_or_null(self.item_id),
            Param::Text(self.who),
        ]
    }
}

/// Sets when a job starts a cycle by itself. For operators.
#[derive(Debug)]
pub struct SetSchedule {
    /// The job.
    pub job: String,
    /// Five cron fields, UTC; none for never.
    pub cron: Option<String>,
    /// Who changes it.
    pub who: String,
}

impl Call for SetSchedule {
    const SQL: &'static str = "select baton_api.set_schedule($1, $2, $3)";
    type Output = serde_json::Value;

    fn params(self) -> Vec<Param> {
        vec![
            Param::Text(self.job),
            Param::text_or_null(self.cron),
            Param::Text(self.who),
        ]
    }
}
