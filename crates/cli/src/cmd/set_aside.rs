use anyhow::Result;
use baton::contract::operator::{DropSetAside, RetrySetAside};
use serde::{Deserialize, Serialize};
use stack::api::{self, explain};
use stack::{context::Context, database::Database};
use terminal::output;

/// What `set-aside` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Let items be tried again with the next batch.
    #[command(after_help = "Example:\n  baton set-aside retry validate-contacts")]
    Retry(Which),
    /// Give items up: they are not tried again until somebody retries them.
    #[command(after_help = "Example:\n  baton set-aside drop validate-contacts 4711")]
    Drop(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The job.
    job: String,
    /// One item; all of the job without it.
    item: Option<String>,
}

/// An item whose work raised an error.
#[derive(Debug, Serialize, Deserialize)]
struct Item {
    job: String,
    item_id: String,
    sqlstate: String,
    message: String,
    tries: u32,
    since: String,
    retry_at: Option<String>,
}

/// How many items are listed.
const MOST: i64 = 1_000;

/// Lists items that are set aside, retries them, or gives them up.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let who = context.common.who.clone();
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let done = match args.command {
            None => return list(&client, context).await,
            Some(Command::Retry(Which { job, item: item_id })) => {
                api::call(&client, RetrySetAside { job, item_id, who }).await?
            }
            Some(Command::Drop(Which { job, item: item_id })) => {
                api::call(&client, DropSetAside { job, item_id, who }).await?
            }
        };
        context.output.result(&done, || {
            let counts = done.as_object().into_iter().flatten();
            let counts = counts.map(|(what, n)| {
                let items = output::counted(n.as_u64().unwrap_or_default(), "item");
                format!("{items} {what}.")
            });
            counts.collect::<Vec<_>>().join("\n")
        })
    })
    .await
}

async fn list(client: &tokio_postgres::Client, context: &Context) -> Result<()> {
    let sql =
        "select to_jsonb(i) from baton_board.set_aside_items i order by i.since desc limit $1";
    let rows = client.query(sql, &[&MOST]).await.map_err(explain)?;
    let items = rows.iter().map(|row| serde_json::from_value(row.get(0)));
    let items: Vec<Item> = items.collect::<Result<_, _>>()?;
    context.output.result(&items, || {
        if items.is_empty() {
            return "No item is set aside.".to_owned();
        }
        let rows = items.iter().map(|it| {
            [
                it.job.clone(),
                it.item_id.clone(),
                format!("{} {}", it.sqlstate, it.message),
                it.tries.to_string(),
                it.since.clone(),
                it.retry_at.clone().unwrap_or_else(|| "given up".to_owned()),
            ]
        });
        output::table(
            ["JOB", "ITEM", "ERROR", "TRIES", "SINCE", "TRIED AGAIN"],
            rows,
        )
    })
}
