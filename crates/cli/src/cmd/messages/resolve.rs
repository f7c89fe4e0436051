use anyhow::Result;
use baton::contract::codes;
use clap::ValueEnum;
use dispatch::calls::ResolveMessage;
use serde_json::Value;
use stack::{api, context::Context, database::Database};
use terminal::advice;
use uuid::Uuid;

/// What a person decides about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Resolution {
    /// It arrived.
    Delivered,
    /// It did not, and is not sent again.
    Failed,
    /// It did not, or it waits: send it to the recipient that the record has now.
    Again,
}

pub(super) async fn run(id: Uuid, resolution: Resolution, context: &Context) -> Result<()> {
    let home = context.home()?;
    let word = match resolution {
        Resolution::Delivered => "delivered",
        Resolution::Failed => "failed",
        Resolution::Again => "again",
    };
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let call = ResolveMessage {
            message_id: id,
            resolution: word.to_owned(),
            who: context.common.who.clone(),
        };
        let answer = api::call(&client, call).await.map_err(|error| {
            let help = if api::code(&error) == Some(codes::ILLEGAL_TRANSITION) {
                "unknown messages can be resolved, failed and waiting ones sent again, and waiting ones failed; `baton messages show` tells how it stands, \
                 and without a recipient the record needs a phone number or an e-mail address first"
            } else {
                "`baton messages` lists the last ones"
            };
            advice::with("resolving the message", help)(error)
        })?;
        context
            .output
            .result(&answer, || text(id, resolution, &answer))
    })
    .await
}

fn text(id: Uuid, resolution: Resolution, answer: &Value) -> String {
    let recipient = answer["recipient"].as_str().unwrap_or_default();
    match (resolution, answer["corrected_from"].as_str()) {
        (Resolution::Delivered, _) => format!("Message {id} counts as delivered."),
        (Resolution::Failed, _) => format!("Message {id} counts as failed, and will not go out."),
        (Resolution::Again, None) => {
            format!("Message {id} goes out once more to {recipient}, with the next batch.")
        }
        (Resolution::Again, Some(before)) => format!(
            "Message {id} goes out once more, with the next batch, to {recipient}, which the record has now instead of {before}."
        ),
    }
}
