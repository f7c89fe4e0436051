use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use sheet::{Format, Sheet};
use stack::{api, context::Context, database::Database};
use terminal::advice;
use terminal::output::{self, count, counted};

use crate::copy::CopyIn;

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
    /// Addresses that stand in the file more than once.
    duplicates: u64,
    /// Addresses that are contacts already.
    known: u64,
    without_address: u64,
    /// Addresses that lost characters before the file came here.
    damaged: u64,
    blank_lines: u64,
    /// The columns that the addresses were taken from.
    columns: Vec<String>,
    /// The encoding that the file was converted from; none for UTF-8.
    encoding: Option<&'static str>,
}

/// Loads addresses that are not there yet.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let sheet = context
        .interrupt
        .guard(Sheet::open(args.file, args.format))
        .await?;
    sheet.notes().iter().for_each(|it| output::note(it));
    Database::with(context, &home, async |database| {
        let mut client = database.connect().await?;
        let tx = client.transaction().await?;
        tx.batch_execute("create temporary table incoming (row bigint not null, email text not null) on commit drop").await?;
        let mut copy = CopyIn::new(tx.copy_in("copy incoming (row, email) from stdin").await?);
        let mut rows = sheet.rows()?;
        let (mut with_address, mut rows_without, mut damaged) = (0, 0, 0);
        while rows.advance()? {
            let mut has_address = false;
            for address in sheet.addresses_in(rows.record()).flatten() {
                has_address = true;
                if address.is_damaged() {
                    damaged += 1;
                    continue;
                }
                with_address += 1;
                copy.row([&with_address.to_string(), &address.text]).await?;
            }
            rows_without += u64::from(!has_address);
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
            without_address: rows_without,
            damaged,
            blank_lines: counts.blank_lines,
            columns: sheet.columns().iter().map(|it| it.name.clone()).collect(),
            encoding: sheet.converted_from(),
        };
        context.output.result(&result, || {
            let mut text = format!(
                "Imported {} from the {} of {}. Addresses alone are imported, no other column.",
                counted(result.imported, "contact"),
                output::columns(&result.columns),
                counted(result.rows, "row"),
            );
            for (n, what) in [
                (result.duplicates, "Duplicates"),
                (result.known, "Known already"),
                (result.without_address, "Rows without an address"),
                (result.damaged, "Addresses with U+FFFD in place of a lost character"),
                (result.blank_lines, "Blank lines"),
            ] {
                if n > 0 {
                    text.push_str(&format!("\n{what}, left out: {}.", count(n)));
                }
            }
            text
        })
    })
    .await
}
