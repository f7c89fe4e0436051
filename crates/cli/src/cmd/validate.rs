pub(crate) mod cycle;
mod summary;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use contract::ConfigureJob;
use futures::{TryStreamExt as _, pin_mut};
use serde_json::json;
use tokio_postgres::{Client, Row};

use crate::cmd::up::Variables;
use crate::copy::CopyIn;
use crate::sheet::{Counts, Format, Results, Sheet, Verdict};
use crate::{
    advice, api, context::Context, database::Database, destination::Destination, home::Home,
    http::Http, scratch::Scratch, stack,
};
use cycle::Progress;
use summary::Summary;

/// What `validate` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CSV file with addresses, or `-` for standard input.
    file: PathBuf,
    /// File to write; standard output without it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
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
    let progress = Progress::start();
    progress.says("reading");
    let sheet = context
        .interrupt
        .guard(Sheet::open(args.file.clone(), args.format.clone()))
        .await?;
    progress.says("starting PostgreSQL");
    let to_file = args
        .output
        .as_deref()
        .is_some_and(|it| it != Path::new("-"));
    let work = async |database: &Database| {
        let scratch = Scratch::create(database).await?;
        let result = validate(args, context, &home, &sheet, &scratch, &progress).await;
        let dropped = scratch.drop().await;
        let summary = result?;
        dropped?;
        Ok(summary)
    };
    let summary = Database::around(context, &home, work).await;
    progress.ends();
    let summary = summary?;
    if to_file {
        context.output.result(&summary, || summary.text())
    } else {
        context
            .output
            .result_beside_data(&summary, || summary.text())
    }
}

async fn validate(
    args: Args,
    context: &Context,
    home: &Home,
    sheet: &Sheet,
    scratch: &Scratch,
    progress: &Progress,
) -> Result<Summary> {
    let client = &scratch.client;
    progress.says("loading");
    let (counts, with_address, distinct) =
        context.interrupt.guard(load(&args, sheet, client)).await?;
    if distinct > 0 {
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
                distinct,
                progress,
                &home.logs(),
            ))
            .await;
        // After a failure the database goes, so a batch under way is worth nothing.
        driven?;
        stack.running.stop().await;
    }
    progress.says("writing");
    let mut summary = Summary::new(counts, with_address, distinct);
    let writing = write(args.output.as_deref(), sheet, client, &mut summary);
    context.interrupt.guard(writing).await?;
    summary.seconds = cycle::seconds(client).await?;
    Ok(summary)
}

/// Copies the addresses into the database, each once; the counts, the rows with an address, and the distinct addresses.
async fn load(args: &Args, sheet: &Sheet, client: &Client) -> Result<(Counts, u64, u64)> {
    client
        .batch_execute(
            "update baton.settings set wake = 'none';
             -- The database lives as long as this run, so nobody waits for its log to reach the disk.
             do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$;
             set synchronous_commit = off;
             create unlogged table public.input_rows (row bigint not null, email text not null)",
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
            .copy_in("copy public.input_rows (row, email) from stdin")
            .await?,
    );
    let mut rows = sheet.rows()?;
    let mut number = 0_u64;
    while rows.advance()? {
        number += 1;
        if let Some(address) = sheet.address_in(rows.record()) {
            copy.row([&number.to_string(), &address]).await?;
        }
    }
    let with_address = copy.finish().await?;
    let distinct = client
        .execute("insert into public.contacts (email) select email from public.input_rows group by email order by min(row)", &[])
        .await?;
    client
        .batch_execute("analyze public.contacts; analyze public.input_rows")
        .await?;
    Ok((rows.counts(), with_address, distinct))
}

/// Writes every row with its verdict, in the order of the file.
async fn write(
    output: Option<&Path>,
    sheet: &Sheet,
    client: &Client,
    summary: &mut Summary,
) -> Result<()> {
    let mut results = Results::start(sheet, summary.widest, Destination::open(output)?)?;
    let no_parameters: [i32; 0] = [];
    let verdicts = client
        .query_raw(
            "select r.row, c.email_validation_status, c.email_validation_reason, c.email_validation_evidence->>'suggestion',
                    c.email_validation_evidence->>'normalized',
                    to_char(c.external_heartbeat_checked_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
             from public.input_rows r join public.contacts c on c.email = r.email order by r.row",
            no_parameters,
        )
        .await?;
    pin_mut!(verdicts);
    let mut next: Option<(u64, Verdict)> = verdicts
        .try_next()
        .await?
        .map(|it| decode(&it))
        .transpose()?;
    let mut rows = sheet.rows()?;
    let mut number = 0_u64;
    let mut reasons: BTreeMap<[String; 2], u64> = BTreeMap::new();
    while rows.advance()? {
        number += 1;
        match next.take_if(|(row, _)| *row == number) {
            Some((_, verdict)) => {
                results.write(rows.record(), &verdict)?;
                let [status, reason, ..] = verdict.0;
                *reasons.entry([status, reason]).or_default() += 1;
                next = verdicts
                    .try_next()
                    .await?
                    .map(|it| decode(&it))
                    .transpose()?;
            }
            None => results.write(rows.record(), &Verdict::no_address())?,
        }
    }
    let mut out = results.finish()?;
    out.flush()?;
    out.finish()?;
    summary.set_reasons(reasons);
    Ok(())
}

fn decode(row: &Row) -> Result<(u64, Verdict)> {
    let number: i64 = row.try_get(0)?;
    let mut verdict = Verdict::default();
    for (at, field) in verdict.0.iter_mut().enumerate() {
        *field = row
            .try_get::<_, Option<String>>(at + 1)?
            .unwrap_or_default();
    }
    Ok((
        u64::try_from(number).context("reading the number of a row")?,
        verdict,
    ))
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
