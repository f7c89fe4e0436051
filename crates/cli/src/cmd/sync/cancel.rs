use anyhow::Result;
use process_chunks::sources::CancelSync;
use stack::{api, context::Context, database::Database};
use terminal::advice;

use super::no_such_source;

/// Cancels the sync under way.
pub(crate) async fn run(source: String, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let call = CancelSync {
            source: source.clone(),
            who: context.common.who.clone(),
        };
        let answer = api::call(&client, call).await.map_err(|error| {
            if api::code(&error) == Some(baton::contract::codes::ILLEGAL_TRANSITION) {
                return advice::with(
                    "there is nothing to cancel",
                    "`baton sync list` shows what is under way",
                )(error);
            }
            no_such_source(error)
        })?;
        context.output.result(&answer, || {
            format!("The sync of {source} is cancelled. `baton sync run {source}` starts another.")
        })
    })
    .await
}
