use anyhow::Result;
use serde::Serialize;
use stack::{context::Context, database::Database};
use terminal::output;
use validate_contacts::email::Reason;

use super::{items, messages, sync};
use crate::board::{self, Board};
use crate::deployment::{self, Health};
use crate::moment;

/// What `status` shows.
#[derive(Debug, Serialize)]
struct Status {
    /// The deployment that was asked for, or whose host runs in this folder.
    deployment: Option<Health>,
    /// The database, without secrets.
    database: String,
    /// The database that the host of this folder was started with, where it is another one.
    host_database: Option<String>,
    #[serde(flatten)]
    board: Board,
}

/// Shows how things stand.
pub(crate) async fn run(args: deployment::Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::look(context, &home, async |database| {
        let board = board::read(&database.connect().await?).await?;
        let address = database.address().to_string();
        let status = Status {
            deployment: args.health(&home).await,
            host_database: args.other_database(&home, &address),
            database: address,
            board,
        };
        context.output.result(&status, || text(&status))
    })
    .await
}

/// After so long without a tick, whatever posts them has probably stopped, in seconds.
const TICKS_STOPPED: i64 = 180;

fn last_tick(board: &Board) -> String {
    let Some(tick) = &board.last_tick else {
        return "There was no tick yet: a cron has to post to /tick, or `baton up` does it."
            .to_owned();
    };
    let ago = moment::relative(&board.now, &tick.finished_at);
    let mut text = format!(
        "The last tick was {ago}: {}, {} calls, {:.1} s.",
        tick.status.replace('_', " "),
        tick.calls,
        tick.seconds
    );
    for it in &tick.unreachable {
        text.push_str(&format!(
            "\nIt could NOT reach {} at {}: {}. The variable components_url says where components answer.",
            it.job, it.url, it.message
        ));
    }
    if ticks_stopped(board) {
        text.push_str("\nTicks have stopped: check the cron that posts to /tick.");
    }
    text
}

fn ticks_stopped(board: &Board) -> bool {
    let since = |tick: &board::Tick| moment::seconds_between(&tick.finished_at, &board.now);
    board
        .last_tick
        .as_ref()
        .and_then(since)
        .is_none_or(|it| it > TICKS_STOPPED)
}

fn text(status: &Status) -> String {
    let board = &status.board;
    let now = &board.now;
    let when = |at: &Option<String>| {
        at.as_deref()
            .map(|it| moment::relative(now, it))
            .unwrap_or_default()
    };
    let database = &status.database;
    let mut parts = vec![match &status.deployment {
        Some(Health { url, .. }) if let Some(other) = &status.host_database => format!(
            "This is the database {database}. The host at {url} was started with {other}, and the rest is about {database} alone."
        ),
        Some(Health {
            url, error: None, ..
        }) => {
            format!("The deployment at {url} answers. The database is {database}.")
        }
        Some(Health {
            url,
            error: Some(error),
            ..
        }) => {
            format!("The deployment at {url} does NOT answer: {error}. The database is {database}.")
        }
        None => format!(
            "The database is {database}. No `baton up` runs in this folder; --url asks a deployment elsewhere."
        ),
    }];
    parts.push(last_tick(board));

    let jobs = board.jobs.iter().map(|it| {
        let why = board::in_words(&it.state, it.reason.as_deref());
        let limit = it
            .rate_per_minute
            .map_or_else(|| "none".to_owned(), |rate| format!("{rate}/min"));
        let last = match (&it.last_run, &it.last_reason) {
            (Some(run), Some(reason)) => format!("{run}: {reason}"),
            (Some(run), None) => run.clone(),
            (None, _) => "never".to_owned(),
        };
        [
            it.job.clone(),
            it.state.clone(),
            why,
            when(&it.until),
            it.batch_size.to_string(),
            limit,
            when(&it.next_slot),
            last,
            when(&it.last_run_at),
        ]
    });
    parts.push(output::table(
        [
            "JOB",
            "STATE",
            "WHY",
            "UNTIL",
            "BATCH",
            "LIMIT",
            "NEXT SLOT",
            "LAST RUN",
            "",
        ],
        jobs,
    ));

    if let Some(progress) = &board.progress {
        let total = progress
            .total_contacts
            .map_or_else(|| "?".to_owned(), output::count);
        let percent = progress
            .pct_complete
            .map(|it| format!(", {it:.1} %"))
            .unwrap_or_default();
        let rate = progress
            .per_minute
            .map(|it| format!(", {} a minute", output::count(it.round() as u64)))
            .unwrap_or_default();
        let eta = progress
            .eta
            .as_deref()
            .map(|it| format!(", done {}", moment::relative(now, it)))
            .unwrap_or_default();
        parts.push(format!(
            "The cycle under way has validated {} of {total}{percent}{rate}{eta}.",
            output::count(progress.validated_count)
        ));
    }
    if !board.cycles.is_empty() {
        let cycles = board.cycles.iter().map(|it| {
            let total = it.total_contacts.map(output::count).unwrap_or_default();
            let error = it.error_message.clone().unwrap_or_default();
            [
                when(&Some(it.started_at.clone())),
                it.status.clone(),
                output::count(it.validated_count),
                total,
                when(&it.completed_at),
                error,
            ]
        });
        parts.push(output::table(
            [
                "CYCLE STARTED",
                "STATUS",
                "VALIDATED",
                "OF",
                "ENDED",
                "ERROR",
            ],
            cycles,
        ));
    }
    if !board.syncs.is_empty() {
        parts.push(sync::list::latest(now, &board.syncs));
    }
    if !board.queues.is_empty() {
        parts.push(items::queues(now, &board.queues));
    }
    if !board.verdicts.is_empty() {
        let verdicts = board.verdicts.iter().map(|it| {
            let reason = it.reason.as_deref().and_then(Reason::from_code);
            let words = reason.map_or_else(
                || it.reason.clone().unwrap_or_default(),
                |it| it.describe().to_owned(),
            );
            [it.status.clone(), output::count(it.contacts), words]
        });
        parts.push(output::table(["VERDICT", "CONTACTS", "WHY"], verdicts));
    }
    if !board.messages.is_empty() {
        parts.push(messages::overview(now, &board.messages));
    }
    parts.extend(remarks(status));
    parts.join("\n\n")
}

/// What a person should know that no single row says.
fn remarks(status: &Status) -> Vec<String> {
    let board = &status.board;
    let mut remarks = Vec::new();
    let unanswered: u64 = board
        .verdicts
        .iter()
        .filter(|it| {
            matches!(
                it.reason.as_deref().and_then(Reason::from_code),
                Some(Reason::DnsFailed | Reason::DnsTimeout)
            )
        })
        .map(|it| it.contacts)
        .sum();
    if unanswered > 0 {
        remarks.push(format!(
            "Unknown because no resolver gave an answer: {}. Baton asks again later; if there are many, check that resolver1 and \
             resolver2 can be reached from here (`baton doctor`).",
            output::counted(unanswered, "contact")
        ));
    }
    if board.verdicts.is_empty() {
        remarks.push("There are no contacts yet: `baton import FILE.csv` loads some.".to_owned());
    }
    for _ in &board.running_too_long {
        remarks
            .push("A cycle has been running for longer than its job's alert threshold.".to_owned());
    }
    remarks.extend(board.alerts.iter().map(|it| {
        format!(
            "Alert of {}: the cycle that started {} took {}, longer than the job's threshold.",
            it.job,
            moment::relative(&board.now, &it.started_at),
            moment::span(it.seconds as i64)
        )
    }));
    if board.set_aside > 0 {
        remarks.push(format!(
            "Set aside because work on them raised an error: {}. `baton set-aside` lists them.",
            match board.set_aside {
                10_001.. => "more than 10,000 items".to_owned(),
                n => output::counted(n, "item"),
            }
        ));
    }
    remarks.extend(
        board
            .refused_callbacks
            .iter()
            .map(|it| it.in_words(&board.now)),
    );
    remarks.extend(board::message::advice(&board.messages));
    if ticks_stopped(board) && board.jobs.iter().any(|it| it.state == "due") {
        remarks.push(
            "Work is due, and no tick came in the last 3 minutes: start `baton up`, or check the cron that posts to /tick."
                .to_owned(),
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(verdicts: serde_json::Value, state: &str, reason: &str) -> String {
        let board = json!({
            "now": "2026-03-01T09:30:00+00:00",
            "jobs": [{ "job": "validate-contacts", "mode": "self_adaptive", "state": state, "reason": reason,
                "until": "2026-03-01T09:30:42+00:00", "batch_size": 50, "rate_per_minute": 100, "cron": null, "next_slot": null,
                "last_run": "skipped", "last_reason": "busy", "last_run_at": "2026-03-01T09:29:00+00:00" }],
            "progress": null, "cycles": [], "running_too_long": [], "verdicts": verdicts, "syncs": [],
            "messages": [], "alerts": [],
        });
        told(board)
    }

    fn told(board: serde_json::Value) -> String {
        let board = serde_json::from_value(board).expect("it is a board");
        text(&Status {
            deployment: None,
            database: "baton on 127.0.0.1:1".to_owned(),
            host_database: None,
            board,
        })
    }

    #[test]
    fn it_says_in_words_why_nothing_runs() {
        let check = |state, reason, expected: &str| {
            let text = shown(json!([]), state, reason);
            assert!(text.contains(expected), "{text}");
        };
        check("idle", "restart_delay", "It pauses between two cycles.");
        check("idle", "restart_delay", "in 42 s");
        check("paused", "moving house", "Paused: moving house.");
        check(
            "due",
            "self_adaptive",
            "Work is due, and no tick came in the last 3 minutes",
        );
    }

    #[test]
    fn it_tells_the_last_tick_and_what_it_could_not_reach() {
        let told = |finished_at: &str, status: &str, unreachable: serde_json::Value| {
            told(json!({
                "now": "2026-03-01T09:30:00+00:00",
                "last_tick": { "finished_at": finished_at, "seconds": 1.25, "status": status, "calls": 4, "worker": "w",
                    "unreachable": unreachable },
                "jobs": [], "progress": null, "cycles": [], "running_too_long": [], "verdicts": [], "syncs": [],
                "messages": [], "alerts": [],
            }))
        };
        let recent = told("2026-03-01T09:29:30+00:00", "done", json!([]));
        assert!(
            recent.contains("The last tick was 30 s ago: done, 4 calls, 1.2 s."),
            "{recent}"
        );
        assert!(!recent.contains("stopped"), "{recent}");
        let old = told("2026-03-01T09:20:00+00:00", "out_of_time", json!([]));
        assert!(
            old.contains("out of time") && old.contains("Ticks have stopped"),
            "{old}"
        );
        let lost =
            json!([{ "job": "one", "url": "http://one/run", "message": "ConnectionRefused" }]);
        let lost = told("2026-03-01T09:29:30+00:00", "unreachable", lost);
        assert!(
            lost.contains("It could NOT reach one at http://one/run: ConnectionRefused"),
            "{lost}"
        );
    }

    #[test]
    fn it_says_which_callbacks_were_refused_and_what_to_check() {
        let text = told(json!({
            "now": "2026-03-01T09:30:00+00:00",
            "jobs": [], "progress": null, "cycles": [], "running_too_long": [], "verdicts": [], "syncs": [],
            "messages": [], "alerts": [],
            "refused_callbacks": [
                { "route": "inbound", "refused": 1200, "first_at": "2026-03-01T08:30:00+00:00", "last_at": "2026-03-01T09:28:00+00:00" },
                { "route": "status", "refused": 1, "first_at": "2026-03-01T08:30:00+00:00", "last_at": "2026-03-01T08:30:00+00:00" },
            ],
        }));
        for expected in [
            "/messages/sms/inbound were refused (401) 1,200 times, the last one 2 min ago",
            "no STOP of a recipient is recorded",
            "/messages/sms/status were refused (401) once",
            "check that the variable public_url",
            "sms_key is the auth token",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }

    #[test]
    fn it_says_when_no_resolver_answered() {
        let text = shown(
            json!([{ "status": "unknown", "reason": "dns_timeout", "contacts": 1200 }]),
            "idle",
            "nothing_due",
        );
        assert!(
            text.contains("Unknown because no resolver gave an answer: 1,200 contacts"),
            "{text}"
        );
        let text = shown(
            json!([{ "status": "deliverable", "reason": "accepted", "contacts": 1200 }]),
            "idle",
            "nothing_due",
        );
        assert!(!text.contains("no resolver"), "{text}");
    }

    #[test]
    fn it_says_what_messages_wait_for_and_which_cycles_took_too_long() {
        let text = told(json!({
            "now": "2026-03-01T09:30:00+00:00",
            "jobs": [], "progress": null, "cycles": [], "running_too_long": [], "verdicts": [], "syncs": [],
            "messages": [{ "job": "auto-sync-jobs", "channel": "sms", "status": "reserved", "reason": "no_provider", "messages": 1200,
                "oldest": "2026-03-01T08:30:00+00:00" }],
            "alerts": [{ "id": 1, "job": "follow-up-reminders", "cycle_id": "0198", "started_at": "2026-03-01T07:30:00+00:00",
                "noticed_at": "2026-03-01T08:00:30+00:00", "seconds": 2400.5, "alert_after_seconds": 1800, "reason": "running_too_long" }],
        }));
        for expected in [
            "1,200 messages: wait in the outbox",
            "Alert of follow-up-reminders: the cycle that started 2 h ago took 40 min",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}
