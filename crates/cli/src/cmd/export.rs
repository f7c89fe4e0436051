use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use futures::{TryStreamExt as _, pin_mut};
use serde_json::json;

use crate::sheet::Formulas;
use crate::{api, context::Context, database::Database, destination::Destination, output};

/// Contacts with their verdicts, in the order of their keys.
const CONTACTS: &str = "copy (
    select c.id, c.email, c.email_validation_status as email_status, c.email_validation_reason as email_reason,
           c.email_validation_evidence->>'suggestion' as email_suggestion, c.email_validation_evidence->>'normalized' as email_normalized,
           to_char(c.external_heartbeat_checked_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as checked_at,
           to_char(c.email_validation_valid_until at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as valid_until
    from public.contacts c order by c.id) to stdout with (format csv, header)";

/// What `export` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to write; standard output without it.
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
        let rows = client.copy_out(CONTACTS).await.map_err(api::explain)?;
        pin_mut!(rows);
        let mut formulas = Formulas::default();
        while let Some(part) = rows.try_next().await? {
            if args.raw {
                out.write_all(&part)?;
            } else {
                out.write_all(&formulas.neutralise(&part))?;
            }
        }
        let to_file = out.is_file();
        out.finish()?;
        if to_file {
            let file = args.output.unwrap_or_default().display().to_string();
            return context
                .output
                .result(&json!({ "output": file }), || format!("Wrote {file}."));
        }
        if context.output.json {
            output::note(&json!({ "output": null }).to_string());
        }
        Ok(())
    })
    .await
}
