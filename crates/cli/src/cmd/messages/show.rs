use anyhow::Result;
use serde::Deserialize;
use stack::{context::Context, database::Database};
use terminal::advice;
use uuid::Uuid;

use super::read;
use crate::board::message::{Message, in_words};
use crate::moment;

const SHOW: &str = "select jsonb_build_object('now', baton.clock(), 'message', (
    select to_jsonb(m) from baton_board.message_log m where m.id = $1))";

#[derive(Debug, Deserialize)]
struct Found {
    now: String,
    message: Option<Message>,
}

pub(super) async fn run(id: Uuid, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let found: Found = read(&client, SHOW, &[&id]).await?;
        let Some(message) = found.message else {
            return Err(advice::error(
                format!("there is no message {id}"),
                "`baton messages` lists the last ones",
            ));
        };
        context
            .output
            .result(&message, || text(&found.now, &message))
    })
    .await
}

fn text(now: &str, message: &Message) -> String {
    let when = |at: &Option<String>| {
        let at = at.as_deref()?;
        Some(format!("{at} ({})", moment::relative(now, at)))
    };
    let concerns = format!("{} {}", message.purpose, message.subject_id);
    let lines = [
        ("id", Some(message.id.clone())),
        ("job", Some(message.job.clone())),
        ("about", Some(concerns)),
        ("for", Some(message.recipient_id.clone())),
        ("to", Some(message.recipient.clone())),
        ("address", message.address.clone()),
        ("by", message.channel.clone()),
        ("status", Some(message.status.clone())),
        (
            "why",
            Some(in_words(&message.status, message.reason.as_deref())),
        ),
        ("detail", message.detail.clone()),
        ("held until", when(&message.held_until)),
        ("provider", message.provider.clone()),
        ("its id", message.provider_id.clone()),
        ("attempts", Some(message.attempts.to_string())),
        ("made", when(&Some(message.created_at.clone()))),
        ("went out", when(&message.submitting_at)),
        ("submitted", when(&message.submitted_at)),
        ("ended", when(&message.ended_at)),
        ("subject", message.subject.clone()),
    ];
    let mut text = String::new();
    for (label, value) in lines {
        if let Some(value) = value {
            text.push_str(&format!("{label:<11} {value}\n"));
        }
    }
    match &message.body {
        Some(body) => text.push_str(&format!("\n{body}\n")),
        None => text.push_str("\nIts text is made when it goes out.\n"),
    }
    if message.status == "unknown" {
        text.push_str(&format!(
            "\n`baton messages resolve {} delivered` (or failed, or again) decides about it.\n",
            message.id
        ));
    }
    text
}
