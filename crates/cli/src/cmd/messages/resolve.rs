use anyhow::Result;
use clap::ValueEnum;
use contract::{ResolveMessage, codes};
use uuid::Uuid;

use crate::{advice, api, context::Context, database::Database};

/// What a person decides about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Resolution {
    /// It arrived.
    Delivered,
    /// It did not, and is not sent again.
    Failed,
    /// It did not, and is sent once more.
    Again,
}

pub(super) async fn run(id: Uuid, resolution: Resolution, context: &Context) -> Result<()> {
    let home = context.home()?;
    let (word, then) = match resolution {
        Resolution::Delivered => ("delivered", "counts as delivered"),
        Resolution::Failed => ("failed", "counts as failed, and will not go out"),
        Resolution::Again => ("again", "goes out once more, with the next batch"),
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
                "unknown ones can be resolved, failed ones sent again, and waiting ones failed; `baton messages show` tells how it stands"
            } else {
                "`baton messages` lists the last ones"
            };
            advice::with("resolving the message", help)(error)
        })?;
        context
            .output
            .result(&answer, || format!("Message {id} {then}."))
    })
    .await
}
