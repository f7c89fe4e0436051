use anyhow::Result;
use process_chunks::sources::RemoveSource;
use stack::{api, context::Context, database::Database};

use super::no_such_source;

/// Removes a source.
pub(crate) async fn run(name: String, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let call = RemoveSource {
            name: name.clone(),
            who: context.common.who.clone(),
        };
        let answer = api::call(&client, call).await.map_err(no_such_source)?;
        context.output.result(&answer, || {
            format!("The source {name} is removed; what was synced stays in synced_emails.")
        })
    })
    .await
}
