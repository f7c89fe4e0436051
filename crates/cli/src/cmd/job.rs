use anyhow::Result;
use serde_json::json;
use stack::api::{self, explain};
use stack::{context::Context, database::Database};
use terminal::advice;

const CREATE: &str = "Examples:
  baton job create invoice-export --batch-size 20 --max-parallel 4 --rate-per-minute 300
  baton job create invoice-export --due app.due_invoices --settled app.invoice_settled";

/// What `job` understands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a job of your own, or change settings of it.
    #[command(after_help = CREATE)]
    Create(Create),
    /// Remove a job of your own, with its items and its log.
    #[command(after_help = "Example:\n  baton job drop invoice-export --discard")]
    Drop(Drop),
}

/// What is left out stays as it is, and begins as in brackets.
#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// Its name, which is that of its component: lower-case letters, digits and hyphens.
    name: String,
    /// Items of one call, 1 to 1,000 [20].
    #[arg(long, value_name = "N")]
    batch_size: Option<i32>,
    /// Calls at the same time, 1 to 64 [1].
    #[arg(long, value_name = "N")]
    max_parallel: Option<i32>,
    /// Items started in a minute [no limit].
    #[arg(long, value_name = "N")]
    rate_per_minute: Option<i32>,
    /// Tries until an item has failed, 1 to 100 [20].
    #[arg(long, value_name = "N")]
    max_attempts: Option<i32>,
    /// After so many seconds without a sign of life a call counts as dead, 4 to 300 [8].
    #[arg(long, value_name = "N")]
    lease_seconds: Option<i32>,
    /// The path of its component [/jobs/NAME].
    #[arg(long, value_name = "PATH")]
    route: Option<String>,
    /// Where its component is, if it belongs to another deployment.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// A view of due rows, with the columns id (text) and data (jsonb), in place of a queue.
    #[arg(long, value_name = "VIEW")]
    due: Option<String>,
    /// A function (id text, outcome text, detail text) that is told what came of a row.
    #[arg(long, requires = "due", value_name = "FUNCTION")]
    settled: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Drop {
    /// The job.
    name: String,
    /// Also when items wait: they are deleted.
    #[arg(long)]
    discard: bool,
}

const MAKE: &str = "select baton.create_job($1, batch_size => $2, max_parallel => $3, rate_per_minute => $4, max_attempts => $5,
    lease_seconds => $6, route => $7, base_url => $8, due => $9::text::regclass, settled => $10::text::regproc)";

/// Makes and removes jobs of the application.
pub(crate) async fn run(command: Command, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        match command {
            Command::Create(it) => {
                client
                    .execute(
                        MAKE,
                        &[
                            &it.name,
                            &it.batch_size,
                            &it.max_parallel,
                            &it.rate_per_minute,
                            &it.max_attempts,
                            &it.lease_seconds,
                            &it.route,
                            &it.base_url,
                            &it.due,
                            &it.settled,
                        ],
                    )
                    .await
                    .map_err(|error| refused(&it, error))?;
                let name = it.name;
                let sql = "select to_jsonb(j) - 'due_view' || jsonb_build_object('due_view', j.due_view::text) from baton.jobs j where j.name = $1";
                let job: serde_json::Value = client.query_one(sql, &[&name]).await?.get(0);
                context.output.result(&job, || {
                    format!(
                        "Job {name} is there.\n\
                         Next: `baton roles set-passwords` gives its component a login, `baton enqueue {name} '{{…}}'` adds an item."
                    )
                })
            }
            Command::Drop(it) => {
                client
                    .execute("select baton.drop_job($1, discard => $2)", &[&it.name, &it.discard])
                    .await
                    .map_err(explain)
                    .map_err(|error| match api::code(&error) {
                        Some(baton::contract::codes::BAD_ARGUMENT) => advice::with(
                            format!("removing job {}", it.name),
                            "--discard deletes items that wait; an attempt under way has to end first, so `baton pause` it",
                        )(error),
                        _ => api::no_such_job(error),
                    })?;
                let dropped = json!({ "job": it.name, "dropped": true });
                context
                    .output
                    .result(&dropped, || format!("Job {} is removed.", it.name))
            }
        }
    })
    .await
}

fn refused(job: &Create, error: tokio_postgres::Error) -> anyhow::Error {
    let help = match error.code().map(tokio_postgres::error::SqlState::code) {
        // Without the schema of Baton there is no function to call, either.
        Some("42P01" | "3F000" | "42883") if job.due.is_some() => {
            "make the view and the function first, and give their schema"
        }
        Some("23514" | baton::contract::codes::BAD_ARGUMENT) => {
            "`baton job create --help` says what fits"
        }
        _ => return explain(error),
    };
    advice::with(format!("making job {}", job.name), help)(error)
}
