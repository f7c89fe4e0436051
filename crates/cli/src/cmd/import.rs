use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::copy::CopyIn;
use crate::output::count;
use crate::sheet::{Format, Sheet};
use crate::{advice, api, context::Context, database::Database};

/// What `import` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CSV file with addresses, or `-` for standard input.
    file: PathBuf,
    #[command(flatten)]
    format: Format,
}

/// What came of an import.
#[derive(Debug, Serialize)]
struct Imported {
    rows: u64,
    /// Contacts that are new.
    imported: u64,
    /// Rows whose address is in the file already.
    duplicates: u64,
    /// Addresses that are contacts already.
    known: u64,
    without_address: u64,
    blank_lines: u64,
}

/// Loads addresses that are not there yet.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let sheet = context
        .interrupt
        .guard(Sheet::open(args.file, args.format))
        .await?;
    Database::with(context, &home, async |database| {
        let mut client = database.connect().await?;
        let tx = client.transaction().await?;
        tx.batch_execute("create temporary table incoming (row bigint not null, email text not null) on commit drop").await?;
        let mut copy = CopyIn::new(tx.copy_in("copy incoming (row, email) from stdin").await?);
        let mut rows = sheet.rows()?;
        let mut with_address = 0;
        while rows.advance()? {
            if let Some(address) = sheet.address_in(rows.record()) {
                with_address += 1;
                copy.row([&with_address.to_string(), &address]).await?;
            }
        }
        copy.finish().await?;
        let distinct: i64 = tx.query_one("select count(distinct email) from incoming", &[]).await?.get(0);
        let imported = tx
            .execute(
                "insert into public.contacts (email)
                 select i.email from incoming i
                 where not exists (
                   select from public.contacts c
                   where regexp_replace(c.email, '@[^@]*$', '') || coalesce(lower(substring(c.email from '@[^@]*$')), '') = i.email)
                 group by i.email order by min(i.row)",
                &[],
            )
            .await
            .map_err(api::explain)
            .map_err(|error| match api::code(&error) {
                // A column of the application's own that must not be null, or a unique index.
                Some("23502" | "23505") => advice::with("adding contacts", "this table wants more than an address; load it with COPY instead")(error),
                Some(_) | None => error,
            })?;
        tx.commit().await?;
        let counts = rows.counts();
        let distinct = distinct.unsigned_abs();
        let result = Imported {
            rows: counts.rows,
            imported,
            duplicates: with_address - distinct,
            known: distinct - imported,
            without_address: counts.rows - with_address,
            blank_lines: counts.blank_lines,
        };
        context.output.result(&result, || {
            format!(
                "Imported {} contacts from the column {:?} of {} rows.\nLeft out: {} duplicates, {} known already, {} rows without an address, {} blank lines.",
                count(result.imported), sheet.column_name(), count(result.rows), count(result.duplicates), count(result.known),
                count(result.without_address), count(result.blank_lines)
            )
        })
    })
    .await
}
