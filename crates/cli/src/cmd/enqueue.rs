use std::io::Read as _;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use stack::api::{self, explain};
use stack::{context::Context, database::Database};
use terminal::{advice, output};

pub(crate) const EXAMPLES: &str = "Examples:
  baton enqueue invoice-export '{\"number\": \"R-17\", \"cents\": 4200}' --key R-17
  baton enqueue invoice-export --run-at 'tomorrow 06:00'
  jq -c '.[] | {data: ., key: .number}' invoices.json | baton enqueue invoice-export --many -";

/// What `enqueue` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The job.
    job: String,
    /// The item's data, as JSON.
    #[arg(default_value = "{}", conflicts_with = "many")]
    data: String,
    /// What you know the item by: while one with this key waits or is under way, none is added.
    #[arg(long, conflicts_with = "many")]
    key: Option<String>,
    /// Not before this moment, as PostgreSQL reads it, such as `2026-03-01 09:00+01` or `tomorrow 06:00`.
    #[arg(long, conflicts_with = "many", value_name = "TIME")]
    run_at: Option<String>,
    /// The smallest first.
    #[arg(
        long,
        default_value_t = 0,
        conflicts_with = "many",
        allow_negative_numbers = true,
        value_name = "N"
    )]
    priority: i32,
    /// A file, or - for standard input, with one object a line: data, key, run_at, priority, all optional.
    #[arg(long, value_name = "FILE")]
    many: Option<String>,
}

const ONE_A_LINE: &str =
    "each line is one object, such as {\"data\": {}, \"key\": \"R-17\"}; nothing was added";

/// Items of one statement.
const BATCH: usize = 1_000;

/// Adds items to the queue of a job, all or none.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let batches = match &args.many {
        Some(file) => Some(lines(file)?),
        None => None,
    };
    let data: Value = serde_json::from_str(&args.data).map_err(advice::with(
        format!("reading the data {}", args.data),
        "write it as JSON, such as '{\"number\": \"R-17\"}'",
    ))?;
    Database::with(context, &home, async |database| {
        let mut client = database.connect().await?;
        let Some(items) = batches else {
            let sql = "select baton.enqueue($1, $2, $3, $4::text::timestamptz, $5)::text";
            let row = client
                .query_one(
                    sql,
                    &[&args.job, &data, &args.key, &args.run_at, &args.priority],
                )
                .await
                .map_err(explain)
                .map_err(api::no_such_job)?;
            let id: String = row.get(0);
            let added = json!({ "job": args.job, "item": id });
            return context
                .output
                .result(&added, || format!("Item {id} of {} waits.", args.job));
        };
        let given = items.len();
        let tx = client.transaction().await?;
        let mut added = 0;
        for batch in items.chunks(BATCH) {
            let batch = Value::Array(batch.to_vec());
            let row = tx
                .query_one("select baton.enqueue_many($1, $2)", &[&args.job, &batch])
                .await
                .map_err(explain)
                .map_err(api::no_such_job)?;
            added += i64::from(row.get::<_, i32>(0));
        }
        tx.commit().await?;
        let result = json!({ "job": args.job, "given": given, "added": added });
        context.output.result(&result, || {
            let all = output::counted(given.try_into().unwrap_or_default(), "item");
            format!("{added} of {all} added; the others have a key that is taken.")
        })
    })
    .await
}

fn lines(file: &str) -> Result<Vec<Value>> {
    let mut text = String::new();
    match file {
        "-" => std::io::stdin().read_to_string(&mut text),
        file => std::fs::File::open(file).and_then(|mut it| it.read_to_string(&mut text)),
    }
    .with_context(|| format!("reading {file}"))?;
    let mut items = Vec::new();
    for (at, line) in text
        .lines()
        .enumerate()
        .filter(|(_, it)| !it.trim().is_empty())
    {
        let item: Value = serde_json::from_str(line).map_err(advice::with(
            format!("reading line {} of {file}", at + 1),
            ONE_A_LINE,
        ))?;
        if !item.is_object() {
            let error = anyhow::anyhow!("it is no object");
            return Err(advice::with(
                format!("reading line {} of {file}", at + 1),
                ONE_A_LINE,
            )(error));
        }
        items.push(item);
    }
    Ok(items)
}
