pub(crate) mod message;

use anyhow::Result;
use message::{Alert, Messages, RefusedCallbacks};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stack::api::explain;
use tokio_postgres::Client;

/// One snapshot of the views of `baton_board`; instants are ISO 8601.
const SNAPSHOT: &str = "select jsonb_build_object(
    'now', baton.clock(),
    'jobs', (select coalesce(jsonb_agg(to_jsonb(j) order by j.job), '[]') from baton_board.job_overview j),
    'last_tick', (select to_jsonb(t) from baton_board.tick_log t order by t.finished_at desc limit 1),
    'progress', (select to_jsonb(p) from baton_board.validation_progress p),
    'cycles', (select coalesce(jsonb_agg(to_jsonb(c) - 'config'), '[]') from (
        select * from baton_board.validation_sessions order by started_at desc limit 5) c),
    'verdicts', (select coalesce(jsonb_agg(to_jsonb(v) order by v.contacts desc, v.status, v.reason), '[]')
        from baton_board.contact_verdicts v),
    'syncs', (select coalesce(jsonb_agg(to_jsonb(s) order by s.source), '[]') from baton_board.sync_overview s),
    'queues', (select coalesce(jsonb_agg(to_jsonb(q) order by q.job), '[]') from baton_board.queue_overview q),
    'messages', (select coalesce(jsonb_agg(to_jsonb(m) order by m.job, m.channel, m.status, m.reason), '[]')
        from baton_board.message_overview m),
    'refused_callbacks', (select coalesce(jsonb_agg(to_jsonb(c) order by c.route), '[]') from baton_board.refused_callbacks c),
    'set_aside', (select count(*) from (select from baton_board.set_aside_items limit 10001) s),
    'running_too_long', (select coalesce(jsonb_agg(to_jsonb(l)), '[]') from baton_board.cycles_running_too_long l),
    'alerts', (select coalesce(jsonb_agg(to_jsonb(a) order by a.noticed_at desc), '[]') from (
        select * from baton_board.alerts order by noticed_at desc limit 5) a))";

/// What people see of the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Board {
    /// The database's time.
    pub(crate) now: String,
    pub(crate) jobs: Vec<Job>,
    /// The latest tick, if there was one.
    pub(crate) last_tick: Option<Tick>,
    /// The running validation cycle, if one runs.
    pub(crate) progress: Option<Progress>,
    /// The last validation cycles, the latest first.
    pub(crate) cycles: Vec<Cycle>,
    pub(crate) verdicts: Vec<Verdicts>,
    /// The sources, each with its latest sync.
    pub(crate) syncs: Vec<Sync>,
    /// How far the queues of jobs of the application are.
    #[serde(default)]
    pub(crate) queues: Vec<Queue>,
    /// How many messages stand where, and why.
    pub(crate) messages: Vec<Messages>,
    /// Callbacks of the provider of text messages that were refused lately.
    #[serde(default)]
    pub(crate) refused_callbacks: Vec<RefusedCallbacks>,
    /// How many items are set aside, 10,001 at most.
    #[serde(default)]
    pub(crate) set_aside: u64,
    /// Cycles beyond their job's alert threshold.
    pub(crate) running_too_long: Vec<Value>,
    /// Cycles that were noticed beyond it, the latest first.
    pub(crate) alerts: Vec<Alert>,
}

/// A job: whether it can run now, and if not, why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) job: String,
    pub(crate) mode: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) batch_size: u32,
    pub(crate) rate_per_minute: Option<u32>,
    pub(crate) cron: Option<String>,
    pub(crate) next_slot: Option<String>,
    pub(crate) last_run: Option<String>,
    pub(crate) last_reason: Option<String>,
    pub(crate) last_run_at: Option<String>,
}

/// A tick that has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tick {
    pub(crate) finished_at: String,
    pub(crate) seconds: f64,
    pub(crate) status: String,
    pub(crate) calls: u32,
    pub(crate) worker: String,
    pub(crate) unreachable: Vec<Unreachable>,
}

/// A job that a tick could not reach.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Unreachable {
    pub(crate) job: String,
    pub(crate) url: String,
    pub(crate) message: String,
}

/// How far the running cycle is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) started_at: String,
    pub(crate) total_contacts: Option<u64>,
    pub(crate) validated_count: u64,
    pub(crate) pct_complete: Option<f64>,
    pub(crate) per_minute: Option<f64>,
    pub(crate) eta: Option<String>,
}

/// A cycle, past or running.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cycle {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) started_at: String,
    pub(crate) completed_at: Option<String>,
    pub(crate) total_contacts: Option<u64>,
    pub(crate) validated_count: u64,
    pub(crate) error_message: Option<String>,
}

/// How many contacts have this verdict.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verdicts {
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) contacts: u64,
}

/// A source and its latest sync, if there was one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sync {
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) url: String,
    pub(crate) sync_job_id: Option<String>,
    pub(crate) sync_kind: Option<String>,
    pub(crate) overall_status: Option<String>,
    pub(crate) total_chunks: Option<u64>,
    pub(crate) pending_chunks: Option<u64>,
    pub(crate) processing_chunks: Option<u64>,
    pub(crate) completed_chunks: Option<u64>,
    pub(crate) failed_chunks: Option<u64>,
    pub(crate) synced_items: Option<u64>,
    pub(crate) progress_percentage: Option<f64>,
    pub(crate) eta: Option<String>,
    pub(crate) blocked_until: Option<String>,
    pub(crate) blocked_reason: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) completed_at: Option<String>,
    pub(crate) last_synced_at: Option<String>,
    pub(crate) is_refused: Option<bool>,
    pub(crate) error_message: Option<String>,
}

/// How much a job of the application has to do; counts stop at 10,001.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) job: String,
    pub(crate) ready: u64,
    pub(crate) delayed: u64,
    pub(crate) processing: u64,
    pub(crate) failed: u64,
    /// Items completed in the last ten minutes.
    pub(crate) completed: u64,
    pub(crate) per_minute: f64,
    /// When the ready ones are done at this rate; none where that is unknown.
    pub(crate) eta: Option<String>,
}

/// Reads all of it at one moment.
pub(crate) async fn read(client: &Client) -> Result<Board> {
    let row = client.query_one(SNAPSHOT, &[]).await.map_err(explain)?;
    let board: Value = row.try_get(0)?;
    Ok(serde_json::from_value(board)?)
}

/// One sentence for people on why a job is in its state.
pub(crate) fn in_words(state: &str, reason: Option<&str>) -> String {
    let text = match (state, reason.unwrap_or_default()) {
        ("due", "cycle_running") => "It has a cycle under way and can go on now.",
        ("due", "slot_due") => "Its schedule says that it starts now.",
        ("due", "messages_due") => "It has messages that can go out now.",
        ("due", "items_due") => "It has items that are due.",
        ("due", "jobs_due") => "It has queued jobs that are due.",
        ("due", "reminders_due") => "Assignments are due for their reminder.",
        ("due", _) => "It has work and can start now.",
        ("busy" | "throttled" | "idle", "all_sources_busy") => {
            "Every source with work has all the calls it allows."
        }
        ("busy", holder) if holder.starts_with("its lock is held by") => {
            return format!(
                "No call can start: {holder}. Let that session end, or end it by pg_terminate_backend."
            );
        }
        ("busy", _) => "A batch is under way.",
        ("throttled", "throttled") => "It has used up its limit per minute.",
        ("throttled", "provider_throttled") => "The provider asked to wait.",
        ("throttled", "provider_unreachable") => {
            "The provider could not be reached, so it waits a little."
        }
        ("throttled", "provider_refused") => {
            "The provider refuses the account, so it waits a little: check its variables in spin.toml."
        }
        ("throttled", "nothing_settled") => {
            "The last batch could settle nothing (no answers in time, or its rows are locked), so it waits a little."
        }
        ("throttled", "source_waits") => "The source asked to wait.",
        ("idle", "nothing_due") => "Nothing is due.",
        ("idle", "restart_delay") => "It pauses between two cycles.",
        ("idle", "waits_for_schedule") => "It waits for its schedule.",
        ("idle", "cycle_stopped") => {
            "A person stopped the last cycle, so it waits for its schedule."
        }
        ("broken", reason) => return format!("Its query fails: {reason}."),
        ("paused", reason) => return format!("Paused: {reason}."),
        (_, reason) => return reason.to_owned(),
    };
    text.to_owned()
}
