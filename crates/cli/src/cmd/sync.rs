mod add;
mod cancel;
mod discover;
mod encrypt;
mod failed;
pub(super) mod list;
mod remove;
mod sealing;
mod secret;
mod source;
mod start;
mod watch;

use anyhow::{Error, Result};
use stack::{api, context::Context};
use terminal::advice;

const ADD_EXAMPLES: &str = "Examples:
  baton sync add --jmap https://mail.example.com --user alice@example.com
  baton sync add work --jmap https://api.example.com/jmap/session --token
  baton sync add people --json-pages https://api.example.com/people --records /items
  baton sync add orders --json-pages https://api.example.com/orders --page-param page --pages /total_pages
  baton sync add users --json-pages https://api.example.com/users --records /data --cursor /next_cursor --cursor-param cursor
  baton sync add bills --json-pages https://api.example.com/bills --records /data --offset-param offset --header X-API-Key

Environment:
  BATON_SYNC_SECRET  password, token or value of a header field, unless --secret-file is given";

const RUN_EXAMPLES: &str = "Examples:
  baton sync run alice@example.com --watch
  baton sync run --all --watch";

const LIST_EXAMPLES: &str = "Examples:
  baton sync list
  baton sync list alice@example.com
  baton sync list alice@example.com --failed";

/// What `sync` understands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Add a source to sync, or change one.
    #[command(after_help = ADD_EXAMPLES)]
    Add(Box<add::Args>),
    /// Start a sync, or find the one that is under way.
    #[command(after_help = RUN_EXAMPLES)]
    Run(start::Args),
    /// Show the sources with their latest syncs, the syncs of one source, its failed chunks, or attempts.
    #[command(after_help = LIST_EXAMPLES)]
    List(list::Args),
    /// Let the failed chunks of the latest sync try again.
    #[command(after_help = "Example:\n  baton sync retry alice@example.com")]
    Retry(Named),
    /// Give up the failed chunks of the latest sync for good.
    #[command(after_help = "Example:\n  baton sync drop alice@example.com")]
    Drop(Named),
    /// Cancel the sync that is under way.
    #[command(after_help = "Example:\n  baton sync cancel alice@example.com")]
    Cancel(Named),
    /// Encrypt the stored passwords and tokens under the key in source_key, the first of several.
    #[command(after_help = "Example:\n  baton sync encrypt")]
    Encrypt,
    /// Remove a source and its history; what was synced stays.
    #[command(after_help = "Example:\n  baton sync remove alice@example.com")]
    Remove(Named),
}

/// One source.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The source; `baton sync list` lists them.
    name: String,
}

/// Adds, starts, lists and repairs syncs.
pub(crate) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Add(args) => add::run(*args, context).await,
        Command::Encrypt => encrypt::run(context).await,
        Command::Run(args) => start::run(args, context).await,
        Command::List(args) => list::run(args, context).await,
        Command::Retry(args) => failed::retry(args.name, context).await,
        Command::Drop(args) => failed::drop(args.name, context).await,
        Command::Cancel(args) => cancel::run(args.name, context).await,
        Command::Remove(args) => remove::run(args.name, context).await,
    }
}

/// There is no source of this name.
fn unknown_source(name: &str) -> Error {
    advice::error(
        format!("there is no source {name}"),
        "`baton sync list` lists the sources",
    )
}

/// For `map_err`: says where the names of sources, and whether they were synced, are found.
fn no_such_source(error: Error) -> Error {
    if api::code(&error) == Some(baton::contract::codes::NO_SUCH_THING) {
        return advice::with(
            "choosing the source",
            "`baton sync list` lists the sources and their latest syncs",
        )(error);
    }
    error
}
