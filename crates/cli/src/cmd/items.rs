use anyhow::Result;
use baton::contract::items::{CancelItem, DropItems, RetryItems};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stack::api::{self, explain};
use stack::{context::Context, database::Database};
use terminal::output;
use uuid::Uuid;

use crate::board::Queue;
use crate::moment;

pub(crate) const EXAMPLES: &str = "Examples:
  baton items
  baton items --job invoice-export --status failed
  baton items show 01a22044-edf2-7c74-82a6-7e6b576007ea
  baton items retry invoice-export";

/// What `items` understands.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Only those of this job.
    #[arg(long)]
    job: Option<String>,
    /// Only those that stand here.
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Status>,
    /// Only the ones with this key.
    #[arg(long)]
    key: Option<String>,
    /// How many to list, the latest first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=10_000), value_name = "N")]
    limit: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    Ready,
    Delayed,
    Processing,
    Completed,
    Failed,
    Cancelled,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show one item with its data and every try.
    #[command(after_help = "Example:\n  baton items show 01a22044-edf2-7c74-82a6-7e6b576007ea")]
    Show {
        /// The item.
        item: Uuid,
    },
    /// Let items that failed be tried again, with all their tries.
    #[command(after_help = "Example:\n  baton items retry invoice-export")]
    Retry(Which),
    /// Give items up that failed: they are no longer listed, and are deleted in time.
    #[command(after_help = "Example:\n  baton items drop invoice-export")]
    Drop(Which),
    /// Cancel an item that is not under way.
    #[command(
        after_help = "Example:\n  baton items cancel invoice-export 01a22044-edf2-7c74-82a6-7e6b576007ea"
    )]
    Cancel {
        /// The job.
        job: String,
        /// The item.
        item: Uuid,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The job.
    job: String,
    /// One item; all of the job that failed without it, 10,000 at most.
    item: Option<Uuid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    id: Uuid,
    job: String,
    key: Option<String>,
    data: Value,
    status: String,
    attempts: u32,
    max_attempts: u32,
    priority: i32,
    run_at: Option<String>,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    worker: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Try {
    started_at: String,
    ended_at: String,
    worker: String,
    outcome: String,
    error: Option<String>,
}

/// All of it at one moment. What a status names is found in a narrow table; of what has ended, the latest 100,000 are looked at.
const LIST: &str = "with chosen as (
      (select f.item_id as id from baton.failed_items f where $2::text = 'failed' and ($1::text is null or f.job = $1) order by f.failed_at desc limit $4)
      union all
      (select r.item_id from baton.ready_items r
        where ($2 = 'ready' and (r.run_at is null or r.run_at <= baton.clock()) or $2 = 'delayed' and r.run_at > baton.clock()) and ($1 is null or r.job = $1) limit $4)
      union all
      (select unnest(a.item_ids)::uuid from baton.attempts a join baton.jobs j on j.name = a.job and j.kind <> 'custom'
        where $2 = 'processing' and a.finished_at is null and ($1 is null or a.job = $1) limit $4)
      union all
      (select i.id from (select o.id, o.job, o.key, o.status from baton.items o order by o.id desc limit 100000) i
        where ($2 is null or $2 in ('completed', 'cancelled') and i.status = $2) and ($1 is null or i.job = $1) and ($3::text is null or i.key = $3)
        order by i.id desc limit $4)
    )
    select jsonb_build_object('now', baton.clock(),
      'queues', (select coalesce(jsonb_agg(to_jsonb(q) order by q.job), '[]') from baton_board.queue_overview q where $1::text is null or q.job = $1),
      'items', (select coalesce(jsonb_agg(to_jsonb(i) order by i.id desc), '[]') from baton_board.items i
        where i.id in (select c.id from chosen c) and ($3::text is null or i.key = $3) and ($2::text is null or i.status = $2 and $4::bigint > 0)))";

#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    /// The database's time.
    now: String,
    queues: Vec<Queue>,
    items: Vec<Item>,
}

const SHOW: &str = "select jsonb_build_object('now', baton.clock(), 'item', to_jsonb(i), 'tries', (
        select coalesce(jsonb_agg(to_jsonb(t) - array['job', 'item_id'] order by t.ended_at), '[]') from baton_board.item_tries t where t.item_id = i.id))
    from baton_board.items i where i.id = $1";

#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    /// The database's time.
    now: String,
    item: Item,
    tries: Vec<Try>,
}

/// Lists items of jobs of the application; shows, retries, drops or cancels them.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let who = context.common.who.clone();
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let done = match args.command {
            None => return list(&client, args.filter, context).await,
            Some(Command::Show { item }) => return show(&client, item, context).await,
            Some(Command::Retry(Which { job, item: item_id })) => {
                api::call(&client, RetryItems { job, item_id, who }).await
            }
            Some(Command::Drop(Which { job, item: item_id })) => {
                api::call(&client, DropItems { job, item_id, who }).await
            }
            Some(Command::Cancel { job, item: item_id }) => {
                api::call(&client, CancelItem { job, item_id, who }).await
            }
        }
        .map_err(api::no_such_job)?;
        context.output.result(&done, || in_words(&done))
    })
    .await
}

fn in_words(done: &Value) -> String {
    let n = |field: &str| done[field].as_u64();
    match (n("retried"), n("dropped"), done["cancelled"].as_bool()) {
        (Some(retried), _, _) => {
            let skipped = n("skipped").unwrap_or_default();
            let mut text = format!("{} tried again.", output::counted(retried, "item"));
            if skipped > 0 {
                let kept = output::counted(skipped, "item");
                text.push_str(&format!(
                    "\n{kept} left as they are: others have their keys by now."
                ));
            }
            text
        }
        (_, Some(dropped), _) => format!("{} given up.", output::counted(dropped, "item")),
        (_, _, Some(true)) => "The item is cancelled.".to_owned(),
        _ => format!(
            "The item cannot be cancelled: it is {}.",
            done["reason"]
                .as_str()
                .unwrap_or_default()
                .replace('_', " ")
        ),
    }
}

async fn list(client: &tokio_postgres::Client, filter: Filter, context: &Context) -> Result<()> {
    let status = filter
        .status
        .and_then(|it| it.to_possible_value())
        .map(|it| it.get_name().to_owned());
    let row = client
        .query_one(LIST, &[&filter.job, &status, &filter.key, &filter.limit])
        .await
        .map_err(explain)?;
    let listed: Listed = serde_json::from_value(row.get(0))?;
    context.output.result(&listed, || {
        let now = &listed.now;
        let mut parts = Vec::new();
        if !listed.queues.is_empty() {
            parts.push(queues(now, &listed.queues));
        }
        if listed.items.is_empty() {
            parts.push("There are no such items.".to_owned());
            return parts.join("\n\n");
        }
        let rows = listed.items.iter().map(|it| {
            let at = it
                .run_at
                .as_ref()
                .or(it.ended_at.as_ref())
                .or(it.started_at.as_ref());
            [
                it.id.to_string(),
                it.job.clone(),
                it.key.clone().unwrap_or_default(),
                it.status.clone(),
                format!("{}/{}", it.attempts, it.max_attempts),
                moment::relative(now, at.unwrap_or(&it.created_at)),
                it.error.clone().unwrap_or_default(),
            ]
        });
        parts.push(output::table(
            ["ITEM", "JOB", "KEY", "STATUS", "TRIES", "WHEN", "ERROR"],
            rows,
        ));
        parts.join("\n\n")
    })
}

/// How much each job of the application has to do, and until when.
pub(crate) fn queues(now: &str, queues: &[Queue]) -> String {
    let count = |n: u64| match n {
        0..=10_000 => output::count(n),
        _ => "10,000+".to_owned(),
    };
    let rows = queues.iter().map(|it| {
        [
            it.job.clone(),
            count(it.ready),
            count(it.delayed),
            count(it.processing),
            count(it.failed),
            format!("{}/min", it.per_minute),
            match (&it.eta, it.ready) {
                (_, 0) => String::new(),
                (Some(eta), _) => moment::relative(now, eta),
                (None, _) => "unknown".to_owned(),
            },
        ]
    });
    output::table(
        [
            "QUEUE",
            "READY",
            "DELAYED",
            "UNDER WAY",
            "FAILED",
            "RATE",
            "DONE",
        ],
        rows,
    )
}

async fn show(client: &tokio_postgres::Client, item: Uuid, context: &Context) -> Result<()> {
    let row = client.query_opt(SHOW, &[&item]).await.map_err(explain)?;
    let Some(row) = row else {
        return Err(terminal::advice::with(
            format!("there is no item {item}"),
            "`baton items` lists them; what ended long ago is deleted",
        )(anyhow::anyhow!("it may have been deleted")));
    };
    let shown: Shown = serde_json::from_value(row.get(0))?;
    context.output.result(&shown, || {
        let (now, it) = (&shown.now, &shown.item);
        let mut lines = vec![
            format!("Item {} of {}", it.id, it.job),
            format!(
                "status    {} (try {} of {})",
                it.status, it.attempts, it.max_attempts
            ),
        ];
        if let Some(key) = &it.key {
            lines.push(format!("key       {key}"));
        }
        lines.push(format!(
            "enqueued  {}",
            moment::relative(now, &it.created_at)
        ));
        if let Some(at) = &it.run_at {
            lines.push(format!("due       {}", moment::relative(now, at)));
        }
        if let Some(error) = &it.error {
            lines.push(format!("error     {error}"));
        }
        lines.push(format!("data      {}", it.data));
        if !shown.tries.is_empty() {
            let rows = shown.tries.iter().map(|it| {
                [
                    moment::relative(now, &it.started_at),
                    it.worker.clone(),
                    it.outcome.clone(),
                    it.error.clone().unwrap_or_default(),
                ]
            });
            lines.push(String::new());
            lines.push(output::table(["TRIED", "WORKER", "OUTCOME", "ERROR"], rows));
        }
        lines.join("\n")
    })
}
