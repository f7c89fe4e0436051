use anyhow::Result;
use process_chunks::sources::StartSync;
use stack::{api, context::Context, database::Database, running::Announcement};
use terminal::interrupt::Interrupted;
use terminal::{advice, output};
use tokio_postgres::Client;

use super::watch::{self, Sync};
use super::{no_such_source, unknown_source};

/// What `sync run` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sources; `baton sync list` lists them.
    #[arg(
        value_name = "NAME",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    names: Vec<String>,
    /// All sources.
    #[arg(long)]
    all: bool,
    /// Everything again, also where changes could be asked for.
    #[arg(long)]
    full: bool,
    /// Show the progress until it has ended; Ctrl-C ends the watching alone.
    #[arg(long)]
    watch: bool,
}

/// Starts syncs and follows them.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let runs = Announcement::read(&home).is_some();
    let mut watching = false;
    let done = Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let names = choose(&client, args.names, args.all).await?;
        let mut syncs = start(&client, names, args.full, &context.common.who).await?;
        if !runs {
            output::note(
                "No host of this folder runs, so this waits for one: `baton up` starts it.",
            );
        }
        if args.watch {
            watching = true;
            watch::follow(&client, &mut syncs).await?;
        }
        context.output.result(&syncs, || {
            let lines: Vec<String> = syncs.iter().map(line).collect();
            lines.join("\n")
        })?;
        watch::verdict(&syncs)
    })
    .await;
    if watching && done.as_ref().is_err_and(anyhow::Error::is::<Interrupted>) {
        output::note(
            "Not watching any more; the sync itself goes on. `baton sync list` shows it, `baton sync cancel` ends it.",
        );
    }
    done
}

/// The sources named, each once, or all of them. One that is unknown is found before any sync starts.
async fn choose(client: &Client, mut names: Vec<String>, all: bool) -> Result<Vec<String>> {
    let rows = client
        .query("select name from baton.sources order by name", &[])
        .await
        .map_err(api::explain)?;
    let known: Vec<String> = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    if let Some(unknown) = names.iter().find(|it| !known.contains(it)) {
        return Err(unknown_source(unknown));
    }
    if known.is_empty() {
        return Err(advice::error(
            "there are no sources",
            "`baton sync add --help` says how to add one",
        ));
    }
    if all {
        return Ok(known);
    }
    names.sort();
    names.dedup();
    Ok(names)
}

async fn start(client: &Client, names: Vec<String>, full: bool, who: &str) -> Result<Vec<Sync>> {
    let mut syncs = Vec::new();
    for source in names {
        let call = StartSync {
            source: source.clone(),
            full,
            who: who.to_owned(),
        };
        let started = api::call(client, call).await.map_err(no_such_source)?;
        syncs.push(Sync {
            source,
            started,
            progress: None,
        });
    }
    Ok(syncs)
}

fn line(sync: &Sync) -> String {
    let Sync {
        source,
        started,
        progress,
    } = sync;
    if let Some(progress) = progress {
        return format!(
            "{source}: {}, {}",
            watch::in_words(&progress.overall_status),
            watch::counts(progress)
        );
    }
    let what = if started.started {
        "started"
    } else {
        "under way already"
    };
    format!(
        "{source}: {what}, {} sync {}",
        started.kind, started.sync_job_id
    )
}
