use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use stack::api::explain;
use stack::{context::Context, database::Database};
use terminal::output;

/// How often a follower looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What `logs` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only runs of this job.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Only runs that ended so: ran, skipped, idle, failed or lost.
    #[arg(long, value_parser = ["ran", "skipped", "idle", "failed", "lost"], value_name = "STATUS")]
    status: Option<String>,
    /// How many of the latest runs.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=10_000), value_name = "N")]
    limit: i64,
    /// Go on with new runs until Ctrl-C; with --json, one document a line.
    #[arg(long)]
    follow: bool,
}

/// One invocation of a component.
#[derive(Debug, Serialize, Deserialize)]
struct Run {
    started_at: String,
    finished_at: Option<String>,
    job: String,
    status: String,
    reason: Option<String>,
    trigger: String,
    seconds: Option<f64>,
    counts: serde_json::Value,
    worker: String,
}

/// Shows the run log of the database, whichever host the components run on.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::look(context, &home, async |database| {
        let client = database.connect().await?;
        let mut runs = latest(&client, &args, None).await?;
        if !args.follow {
            return context.output.result(&runs, || text(&runs));
        }
        let mut last = String::new();
        loop {
            for run in &runs {
                show(run, context)?;
                last = run.finished_at.clone().unwrap_or_default().max(last);
            }
            tokio::time::sleep(LOOK_EVERY).await;
            runs = latest(&client, &args, Some(&last).filter(|it| !it.is_empty())).await?;
        }
    })
    .await
}

/// The latest runs, oldest first; only those that ended after a moment.
async fn latest(
    client: &tokio_postgres::Client,
    args: &Args,
    after: Option<&String>,
) -> Result<Vec<Run>> {
    let rows = client
        .query(
            "select to_jsonb(r) from (
               select * from baton_board.run_log r
               where ($1::text is null or r.job = $1) and ($2::text is null or r.status = $2)
                 and ($3::text is null or r.finished_at > $3::timestamptz)
               order by r.started_at desc limit $4) r
             order by r.started_at",
            &[&args.job, &args.status, &after, &args.limit],
        )
        .await
        .map_err(explain)?;
    let runs = rows.iter().map(|row| serde_json::from_value(row.get(0)));
    Ok(runs.collect::<Result<_, _>>()?)
}

fn show(run: &Run, context: &Context) -> Result<()> {
    let line = match context.output.json {
        true => serde_json::to_string(run)?,
        false => cells(run).join("  "),
    };
    output::line(&line)
}

fn cells(run: &Run) -> [String; 7] {
    [
        run.started_at.clone(),
        run.job.clone(),
        run.status.clone(),
        run.reason.clone().unwrap_or_default(),
        run.trigger.clone(),
        run.seconds
            .map(|it| format!("{it:.2} s"))
            .unwrap_or_default(),
        counts(&run.counts),
    ]
}

fn counts(counts: &serde_json::Value) -> String {
    let counts = counts.as_object().into_iter().flatten();
    let counts = counts.filter(|(_, it)| it.is_number() || it.is_string());
    let counts = counts.map(|(name, it)| format!("{name}={it}"));
    counts.collect::<Vec<_>>().join(" ")
}

fn text(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "No run is in the log.".to_owned();
    }
    output::table(
        [
            "STARTED", "JOB", "STATUS", "REASON", "TRIGGER", "TOOK", "COUNTS",
        ],
        runs.iter().map(cells),
    )
}
