use anyhow::Result;
use domain::email::Reason;
use serde::Serialize;

use super::{messages, sync};
use crate::board::{self, Board};
use crate::{context::Context, database::Database, moment, output, running::Announcement};

/// What `status` shows.
#[derive(Debug, Serialize)]
struct Status {
    /// Where the host of this folder listens, if one runs.
    url: Option<String>,
    /// The database, without secrets.
    database: String,
    #[serde(flatten)]
    board: Board,
}

/// Shows how things stand.
pub(crate) async fn run(context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let board = board::read(&database.connect().await?).await?;
        let url = Announcement::read(&home).map(|it| it.url);
        let status = Status {
            url,
            database: database.address().to_string(),
            board,
        };
        context.output.result(&status, || text(&status))
    })
    .await
}

fn text(status: &Status) -> String {
    let board = &status.board;
    let now = &board.now;
    let when = |at: &Option<String>| {
        at.as_deref()
            .map(|it| moment::relative(now, it))
            .unwrap_or_default()
    };
    let mut parts = vec![match &status.url {
        Some(url) => format!(
            "The host runs at {url} with the database {}.",
            status.database
        ),
        None => format!(
            "No host of this folder runs: `baton up` starts one. The database is {}.",
            status.database
        ),
    }];

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
            .map(|it| format!(", {it:.0} a minute"))
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
            "{} contacts are unknown because no resolver gave an answer. They are asked about again later; if there are many, \
             check that resolver1 and resolver2 can be reached from here (`baton doctor`).",
            output::count(unanswered)
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
    remarks.extend(board::message::advice(&board.messages));
    if status.url.is_none() && board.jobs.iter().any(|it| it.state == "due") {
        remarks.push("Work is due, and nothing runs that would do it: start `baton up`, or post to /tick where the components run.".to_owned());
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
            url: None,
            database: "baton on 127.0.0.1:1".to_owned(),
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
            "Work is due, and nothing runs that would do it",
        );
    }

    #[test]
    fn it_says_when_no_resolver_answered() {
        let text = shown(
            json!([{ "status": "unknown", "reason": "dns_timeout", "contacts": 1200 }]),
            "idle",
            "nothing_due",
        );
        assert!(
            text.contains("1,200 contacts are unknown because no resolver gave an answer"),
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
