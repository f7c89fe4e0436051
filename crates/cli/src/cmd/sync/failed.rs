use anyhow::Result;
use baton::contract::Call;
use process_chunks::sources::{DropFailedChunks, RetrySync, TouchedChunks};
use stack::{api, context::Context, database::Database};
use terminal::output::counted;
use tokio_postgres::Client;

use super::no_such_source;

/// Lets failed chunks try again.
pub(crate) async fn retry(source: String, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let call = || RetrySync {
            source: source.clone(),
            who: context.common.who.clone(),
        };
        let touched = until_no_more(&client, call).await?;
        context.output.result(&touched, || match touched.chunks {
            0 => none_failed(&source),
            n => format!(
                "{} of {source} will be tried again; `baton sync run {source} --watch` follows.",
                counted(n.into(), "failed chunk")
            ),
        })
    })
    .await
}

/// Gives failed chunks up.
pub(crate) async fn drop(source: String, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let call = || DropFailedChunks {
            source: source.clone(),
            who: context.common.who.clone(),
        };
        let touched = until_no_more(&client, call).await?;
        context.output.result(&touched, || match touched.chunks {
            0 => none_failed(&source),
            n => format!(
                "{} of {source} given up for good.",
                counted(n.into(), "failed chunk")
            ),
        })
    })
    .await
}

/// Calls until everything is touched; the count is that of all calls.
async fn until_no_more<C: Call<Output = TouchedChunks>>(
    client: &Client,
    call: impl Fn() -> C,
) -> Result<TouchedChunks> {
    let mut chunks = 0;
    loop {
        let touched = api::call(client, call()).await.map_err(no_such_source)?;
        chunks += touched.chunks;
        // An answer of none would be the same for ever.
        if !touched.more || touched.chunks == 0 {
            return Ok(TouchedChunks { chunks, ..touched });
        }
    }
}

fn none_failed(source: &str) -> String {
    format!("No chunk of the latest sync of {source} has failed.")
}
