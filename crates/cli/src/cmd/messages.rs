mod list;
mod resolve;
mod show;

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stack::{api, context::Context};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

pub(super) use list::overview;

/// How they are used.
pub(crate) const EXAMPLES: &str = "Examples:
  baton messages                        how many stand where, and the last ones
  baton messages --held                 the outbox: until when, and why
  baton messages --unknown              those that may have gone out or not
  baton messages --to +41791234567
  baton messages resolve ID again       send it once more, for whoever knows that it did not arrive";

/// What `messages` understands.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: list::Filter,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show everything about a message, its text included.
    #[command(after_help = "Example:\n  baton messages show 0198c2f0-7d2c-7e6a-9a41-3b1d9a8f2c11")]
    Show {
        /// The message.
        id: Uuid,
    },
    /// Decide about a message that nobody can find out about, or that failed.
    #[command(
        after_help = "Example:\n  baton messages resolve 0198c2f0-7d2c-7e6a-9a41-3b1d9a8f2c11 again"
    )]
    Resolve {
        /// The message.
        id: Uuid,
        /// What it is; `again` sends it once more.
        #[arg(value_enum)]
        resolution: resolve::Resolution,
    },
}

/// Lists, shows or resolves messages.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    match args.command {
        None => list::run(args.filter, context).await,
        Some(Command::Show { id }) => show::run(id, context).await,
        Some(Command::Resolve { id, resolution }) => resolve::run(id, resolution, context).await,
    }
}

/// What a statement that selects one `jsonb` selects.
async fn read<T: DeserializeOwned>(
    client: &Client,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<T> {
    let row = client
        .query_one(statement, parameters)
        .await
        .map_err(api::explain)?;
    let value: Value = row.try_get(0)?;
    Ok(serde_json::from_value(value)?)
}
