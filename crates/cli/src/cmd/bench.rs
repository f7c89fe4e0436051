mod child;
mod chunks;
mod figures;
mod meter;
mod peers;
mod processes;
mod reminders;
mod validate;

use std::time::Instant;

use anyhow::{Result, ensure};
use contract::operator::{ConfigureJob, SetWake};
use contract::{RunRequest, Trigger};
use serde_json::{Map, Value, json};
use tokio_postgres::Client;

use crate::cmd::validate::cycle::DEADLINE;
use crate::{advice, api, context::Context, database::Database, http::Http, scratch::Scratch};

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Measure the validation of contacts through the real component, with a resolver on this machine.
    #[command(after_help = "Example:\n  baton bench validate")]
    Validate(validate::Args),
    /// Measure the queue of chunks through the real component, with chunks that do nothing.
    #[command(after_help = "Example:\n  baton bench chunks")]
    Chunks(chunks::Args),
    /// Measure reminders and auto-syncs through the real components, with a provider of messages on this machine.
    #[command(after_help = "Example:\n  baton bench reminders")]
    Reminders(reminders::Args),
}

/// Who is named in the history of changes.
const WHO: &str = "bench";

/// Measures it.
pub(crate) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Validate(args) => validate::run(args, context).await,
        Command::Chunks(args) => chunks::run(args, context).await,
        Command::Reminders(args) => reminders::run(args, context).await,
    }
}

/// Works in a database of its own, which is dropped afterwards.
async fn in_scratch<T>(
    context: &Context,
    database: &Database,
    work: impl AsyncFnOnce(&Scratch) -> Result<T>,
) -> Result<T> {
    let scratch = Scratch::create(database).await?;
    let result = context.interrupt.guard(work(&scratch)).await;
    let dropped = scratch.drop().await;
    let value = result?;
    dropped?;
    Ok(value)
}

/// Fails where the server answers before what it answers for is on disk.
async fn check_commits(database: &Database) -> Result<()> {
    let client = database.connect().await?;
    let commit: String = client
        .query_one("show synchronous_commit", &[])
        .await?
        .get(0);
    ensure!(
        commit == "on",
        "synchronous_commit is {commit}; what is measured with it compares with nothing"
    );
    Ok(())
}

/// Sets how the database wakes jobs.
async fn set_wake(client: &Client, mode: &str) -> Result<()> {
    let wake = SetWake {
        mode: mode.to_owned(),
        url: None,
        secret: None,
        who: WHO.to_owned(),
    };
    api::call(client, wake).await?;
    Ok(())
}

/// Changes settings of a job.
async fn configure<const N: usize>(
    client: &Client,
    job: &str,
    changes: [(&str, Value); N],
) -> Result<()> {
    let configure = ConfigureJob {
        job: job.to_owned(),
        changes: Map::from_iter(changes.map(|(name, value)| (name.to_owned(), value))),
        who: WHO.to_owned(),
    };
    api::call(client, configure).await?;
    Ok(())
}

/// Calls a job, which has to run soundly.
async fn call_job(http: &Http, route: &str, trigger: Trigger) -> Result<Value> {
    let body = json!(RunRequest { trigger });
    let (status, answer) = http.post(route, &body, DEADLINE).await?;
    if status != 200 {
        return Err(advice::error(
            format!("the component answered {status}: {answer}"),
            "look at the logs in .baton/logs",
        ));
    }
    Ok(answer)
}

/// A stopwatch's start.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is about the time that people wait, which the database does not see"
)]
fn now() -> Instant {
    Instant::now()
}
