use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use futures::{TryStreamExt as _, pin_mut};
use serde_json::json;
use sheet::Formulas;
use stack::{api, context::Context, database::Database};
use tokio_postgres::Client;

use crate::destination::Destination;

/// Contacts with their verdicts, in the order of their keys.
const CONTACTS: &str = "
    select c.id, c.email, c.email_validation_status as email_status, c.email_validation_reason as email_reason,
           c.email_validation_evidence->>'suggestion' as email_suggestion, c.email_validation_evidence->>'normalized' as email_normalized,
           to_char(c.external_heartbeat_checked_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as checked_at,
           to_char(c.email_validation_valid_until at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as valid_until
    from public.contacts c order by c.id";

/// What `export` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CSV file to write; standard output without it, where --json writes JSON.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write values as they are. Without it, ' is put before those that a spreadsheet would take for formulas.
    #[arg(long)]
    raw: bool,
}

/// Writes all contacts.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let mut out = Destination::open(args.output.as_deref())?;
        let to_file = out.is_file();
        if context.output.json && !to_file {
            write_json(&client, &mut out).await?;
        } else {
            write_csv(&client, args.raw, &mut out).await?;
        }
        out.finish()?;
        if to_file {
            let file = args.output.unwrap_or_default().display().to_string();
            return context
                .output
                .result(&json!({ "output": file }), || format!("Wrote {file}."));
        }
        Ok(())
    })
    .await
}

async fn write_csv(client: &Client, raw: bool, out: &mut Destination) -> Result<()> {
    let copy = format!("copy ({CONTACTS}) to stdout with (format csv, header)");
    let rows = client.copy_out(&copy).await.map_err(api::explain)?;
    pin_mut!(rows);
    let mut formulas = Formulas::default();
    while let Some(part) = rows.try_next().await? {
        if raw {
            out.write_all(&part)?;
        } else {
            out.write_all(&formulas.neutralise(&part))?;
        }
    }
    Ok(())
}

/// One array, a contact a line.
async fn write_json(client: &Client, out: &mut Destination) -> Result<()> {
    let no_parameters: [i32; 0] = [];
    let select = format!("select row_to_json(contact)::text from ({CONTACTS}) as contact");
    let rows = client.query_raw(&select, no_parameters).await;
    let rows = rows.map_err(api::explain)?;
    pin_mut!(rows);
    let mut separator = "[\n";
    while let Some(row) = rows.try_next().await? {
        write!(out, "{separator}{}", row.try_get::<_, &str>(0)?)?;
        separator = ",\n";
    }
    let start = if separator == "[\n" { "[" } else { "" };
    Ok(writeln!(out, "{start}\n]")?)
}
