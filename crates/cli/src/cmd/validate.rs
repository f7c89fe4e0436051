pub(crate) mod cycle;
mod results;
mod summary;

use std::path::{Path, PathBuf};

use anyhow::Result;
use baton::contract::operator::ConfigureJob;
use cycle::Progress;
use driver::http::Http;
use serde_json::json;
use sheet::{Counts, Format, Sheet};
use stack::{api, context::Context, database::Database, home::Home, scratch::Scratch};
use terminal::{advice, output};
use tokio_postgres::Client;

use crate::cmd::up::Variables;
use crate::copy::CopyIn;
use crate::destination::Destination;
use summary::Summary;

/// What `validate` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CSV file with addresses, or `-` for standard input.
    file: PathBuf,
    /// CSV file to write; standard output without it, where --json writes JSON.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write added values as they are. Without it, ' is put before those that a spreadsheet would take for formulas.
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    format: Format,
    /// Do not ask DNS: syntax and lists decide alone.
    #[arg(long)]
    offline: bool,
    /// Addresses a minute at most; no limit without it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    limit: Option<u32>,
    /// Addresses per batch.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N")]
    batch_size: u32,
    #[command(flatten)]
    variables: Variables,
}

/// Validates a file in a database of its own, and exits.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    home.check_components()?;
    check_output(&args)?;
    Destination::check(args.output.as_deref())?;
    let progress = Progress::start();
    progress.says("reading");
    let sheet = context
        .interrupt
        .guard(Sheet::open(args.file.clone(), args.format.clone()))
        .await?;
    sheet.notes().iter().for_each(|it| progress.note(it));
    progress.says("starting PostgreSQL");
    let to_file = args
        .output
        .as_deref()
        .is_some_and(|it| it != Path::new("-"));
    let format = match context.output.json && !to_file {
        true => results::Format::Json,
        false => results::Format::Csv { raw: args.raw },
    };
    let work = async |database: &Database| {
        let scratch = Scratch::create(database).await?;
        let result = validate(args, format, context, &home, &sheet, &scratch, &progress).await;
        let dropped = scratch.drop().await;
        let summary = result?;
        dropped?;
        Ok(summary)
    };
    let summary = Database::around(context, &home, work).await;
    progress.ends();
    let summary = summary?;
    match format {
        results::Format::Json => Ok(()),
        results::Format::Csv { .. } if to_file => {
            context.output.result(&summary, || summary.text())
        }
        results::Format::Csv { .. } => {
            output::note(summary.text().trim_end());
            Ok(())
        }
    }
}

async fn validate(
    args: Args,
    format: results::Format,
    context: &Context,
    home: &Home,
    sheet: &Sheet,
    scratch: &Scratch,
    progress: &Progress,
) -> Result<Summary> {
    let client = &scratch.client;
    progress.says("loading");
    let loaded = context.interrupt.guard(load(&args, sheet, client)).await?;
    if loaded.distinct > 0 {
        let options = stack::Options {
            listen: ([127, 0, 0, 1], 0).into(),
            variables: args
                .variables
                .collect(args.offline.then(|| "off".to_owned()))?,
            tick_every: None,
            wakes: false,
            prepared_statements: true,
            max_connections: stack::MAX_CONNECTIONS,
            who: context.common.who.clone(),
        };
        let stack = context
            .interrupt
            .guard(stack::start(home, &scratch.address, client, options))
            .await?;
        let http = Http::new(
            &format!("http://{}", stack.running.local_addr()),
            Some(&stack.service_key),
        );
        let driven = context
            .interrupt
            .guard(cycle::drive(
                &http,
                client,
                loaded.distinct,
                progress,
                &home.logs(),
            ))
            .await;
        // After a failure the database goes, so a batch under way is worth nothing.
        driven?;
        stack.stop().await;
    }
    progress.says("writing");
    let mut summary = Summary::new(sheet, &loaded);
    summary.seconds = cycle::seconds(client).await?;
    let out = Destination::open(args.output.as_deref())?;
    let writing = results::write(out, format, sheet, client, &mut summary);
    context.interrupt.guard(writing).await?;
    Ok(summary)
}

/// What was copied into the database.
struct Loaded {
    counts: Counts,
    /// Rows with at least one address.
    rows_with_address: u64,
    /// Addresses, as often as they are in the file.
    addresses: u64,
    /// Addresses, each once.
    distinct: u64,
}

/// Copies the addresses into the database, each once.
async fn load(args: &Args, sheet: &Sheet, client: &Client) -> Result<Loaded> {
    client
        .batch_execute(
            "update baton.settings set wake = 'none';
             -- The database lives as long as this run, so nobody waits for its log to reach the disk.
             do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$;
             set synchronous_commit = off;
             create unlogged table public.input_rows (row bigint not null, nth integer not null, email text not null)",
        )
        .await?;
    let mut changes = serde_json::Map::from_iter([
        ("mode".to_owned(), json!("protected")),
        ("batch_size".to_owned(), json!(args.batch_size)),
        ("rate_per_minute".to_owned(), json!(args.limit)),
    ]);
    if let Some(limit) = args.limit {
        changes.insert("rate_burst".to_owned(), json!(limit.min(100)));
    }
    api::call(
        client,
        ConfigureJob {
            job: cycle::JOB.to_owned(),
            changes,
            who: "validate".to_owned(),
        },
    )
    .await?;

    let mut copy = CopyIn::new(
        client
            .copy_in("copy public.input_rows (row, nth, email) from stdin")
            .await?,
    );
    let mut rows = sheet.rows()?;
    let (mut number, mut rows_with_address) = (0_u64, 0);
    while rows.advance()? {
        number += 1;
        let mut has_address = false;
        for (nth, address) in sheet.addresses_in(rows.record()).enumerate() {
            if let Some(address) = address {
                has_address = true;
                copy.row([&number.to_string(), &nth.to_string(), &address.text])
                    .await?;
            }
        }
        rows_with_address += u64::from(has_address);
    }
    let addresses = copy.finish().await?;
    let distinct = client
        .execute("insert into public.contacts (email) select email from public.input_rows group by email order by min(array[row, nth])", &[])
        .await?;
    client
        .batch_execute("analyze public.contacts; analyze public.input_rows")
        .await?;
    Ok(Loaded {
        counts: rows.counts(),
        rows_with_address,
        addresses,
        distinct,
    })
}

/// The input is read twice, so it must not be overwritten meanwhile.
fn check_output(args: &Args) -> Result<()> {
    let Some(output) = &args.output else {
        return Ok(());
    };
    match (output.canonicalize(), args.file.canonicalize()) {
        (Ok(output), Ok(input)) if output == input => Err(advice::error(
            format!("{} is both input and output", input.display()),
            "write to another file with -o",
        )),
        _ => Ok(()),
    }
}
