use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use stack::{context::Context, database::Database};
use terminal::output;

use super::read;
use crate::board::message::{Message, Messages, advice, in_words};
use crate::moment;

/// Which messages are listed.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only those that stand here.
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Status>,
    /// Only the outbox: those held back, with until when and why.
    #[arg(long, conflicts_with_all = ["status", "unknown"])]
    held: bool,
    /// Only those that may have gone out or not.
    #[arg(long, conflicts_with = "status")]
    unknown: bool,
    /// Only those to this number or e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// How many to list, the latest first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=10_000), value_name = "N")]
    limit: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    Reserved,
    Submitting,
    Submitted,
    Delivered,
    Undelivered,
    Failed,
    Unknown,
}

/// All of it at one moment; those held back by when they go out.
const LIST: &str = "select jsonb_build_object('now', baton.clock(),
    'summary', case when $5 then (
        select coalesce(jsonb_agg(to_jsonb(o) order by o.job, o.channel, o.status, o.reason), '[]') from baton_board.message_overview o) end,
    'messages', (select coalesce(jsonb_agg(to_jsonb(m) - 'held' order by m.held, m.created_at desc, m.id desc), '[]') from (
        select case when $2 then l.held_until end as held, l.* from baton_board.message_log l
        where ($1::text is null or l.status = $1) and (not $2 or l.reason is not null) and ($3::text is null or $3 in (l.address, l.recipient))
        order by held, l.created_at desc, l.id desc limit $4::bigint) m))";

#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    /// The database's time.
    now: String,
    /// How many stand where; none when only some were asked for.
    summary: Option<Vec<Messages>>,
    messages: Vec<Message>,
}

pub(super) async fn run(filter: Filter, context: &Context) -> Result<()> {
    let home = context.home()?;
    let status = match (filter.status, filter.held, filter.unknown) {
        (Some(status), _, _) => Some(name(status)),
        (None, true, _) => Some(name(Status::Reserved)),
        (None, false, true) => Some(name(Status::Unknown)),
        (None, false, false) => None,
    };
    let everything = status.is_none() && filter.to.is_none();
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let listed: Listed = read(
            &client,
            LIST,
            &[
                &status,
                &filter.held,
                &filter.to,
                &filter.limit,
                &everything,
            ],
        )
        .await?;
        context.output.result(&listed, || text(&listed))
    })
    .await
}

fn name(status: Status) -> String {
    let value = status.to_possible_value();
    value.map_or_else(String::new, |it| it.get_name().to_owned())
}

fn text(listed: &Listed) -> String {
    let now = &listed.now;
    let mut parts = Vec::new();
    if let Some(summary) = listed.summary.as_ref().filter(|it| !it.is_empty()) {
        parts.push(overview(now, summary));
        parts.extend(advice(summary));
    }
    if listed.messages.is_empty() {
        let all = listed.summary.is_some();
        let none = if all {
            "There are no messages yet."
        } else {
            "There are no such messages."
        };
        parts.push(none.to_owned());
        return parts.join("\n\n");
    }
    let rows = listed.messages.iter().map(|it| {
        [
            it.id.clone(),
            moment::relative(now, &it.created_at),
            it.address.clone().unwrap_or_else(|| it.recipient.clone()),
            it.status.clone(),
            in_words(&it.status, it.reason.as_deref()),
            it.held_until
                .as_deref()
                .map(|at| moment::relative(now, at))
                .unwrap_or_default(),
            it.detail.clone().unwrap_or_default(),
        ]
    });
    parts.push(output::table(
        ["ID", "MADE", "TO", "STATUS", "WHY", "UNTIL", "DETAIL"],
        rows,
    ));
    parts.join("\n\n")
}

/// How many messages stand where, as `status` shows it, too.
pub(in crate::cmd) fn overview(now: &str, messages: &[Messages]) -> String {
    let rows = messages.iter().map(|it| {
        [
            it.job.clone(),
            it.channel.clone().unwrap_or_default(),
            it.status.clone(),
            output::count(it.messages),
            moment::relative(now, &it.oldest),
            in_words(&it.status, it.reason.as_deref()),
        ]
    });
    output::table(
        ["MESSAGES OF", "BY", "STATUS", "COUNT", "OLDEST", "WHY"],
        rows,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_held_message_says_until_when_and_why() {
        let listed = json!({
            "now": "2026-03-01T22:00:00+00:00",
            "summary": [{ "job": "follow-up-reminders", "channel": "sms", "status": "reserved", "reason": "quiet_hours", "messages": 1200,
                "oldest": "2026-03-01T21:30:00+00:00" }],
            "messages": [{ "id": "0198-1", "job": "follow-up-reminders", "purpose": "follow_up", "subject_id": "1", "recipient_id": "2",
                "channel": "sms", "recipient": "079 123 45 67", "address": "+41791234567", "status": "reserved", "reason": "quiet_hours",
                "detail": null, "held_until": "2026-03-02T08:00:00+00:00", "provider": null, "provider_id": null, "attempts": 0,
                "subject": null, "body": "Hi", "created_at": "2026-03-01T21:30:00+00:00", "submitting_at": null, "submitted_at": null,
                "ended_at": null }],
        });
        let listed: Listed = serde_json::from_value(listed).expect("it is a list");
        let text = text(&listed);
        for expected in [
            "1,200",
            "+41791234567",
            "It is night where the recipient is.",
            "in 10 h",
            "30 min ago",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }

    #[test]
    fn every_status_of_the_database_can_be_asked_for() {
        let names: Vec<String> = Status::value_variants()
            .iter()
            .map(|it| name(*it))
            .collect();
        assert_eq!(
            names.join(" "),
            "reserved submitting submitted delivered undelivered failed unknown"
        );
    }
}
