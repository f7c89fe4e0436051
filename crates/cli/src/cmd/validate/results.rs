use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context as _, Result};
use futures::{Stream, TryStreamExt as _, pin_mut};
use serde::Serialize;
use sheet::{Address, Results, Sheet, Verdict};
use tokio_postgres::{Client, Row};

use super::summary::Summary;
use crate::destination::Destination;

/// How the verdicts are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    /// The rows of the file, with columns added.
    Csv { raw: bool },
    /// One document with the verdicts and the summary.
    Json,
}

/// One address of the file, in JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// The row of the file, from 1, without the header and blank lines.
    row: u64,
    column: &'a str,
    address: Option<&'a str>,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// The verdicts of one address of the file.
struct Found {
    row: u64,
    nth: usize,
    verdict: Verdict,
}

const VERDICTS: &str = "
    select r.row, r.nth, c.email_validation_status, c.email_validation_reason, e->>'suggestion', e->>'normalized',
           to_char(c.external_heartbeat_checked_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
           case c.email_validation_reason
             when 'reserved_domain' then e #>> '{reserved,detail}'
             when 'disposable' then e #>> '{disposable,detail}'
             when 'nonstandard_local_part' then e #>> '{standard,detail}'
             when 'role' then e #>> '{role,detail}'
             when 'unusable_mail_host' then (select string_agg(host, ', ') from jsonb_array_elements_text(e #> '{mx,hosts}') as host)
             when 'dns_failed' then e #>> '{mx,failure}'
             when 'provider_rejected' then e #>> '{provider,reason}'
             when 'provider_risky' then e #>> '{provider,reason}'
             when 'provider_unknown' then e #>> '{provider,reason}'
             else e #>> '{syntax,detail}'
           end
    from public.input_rows r join public.contacts c on c.email = r.email,
         lateral (select c.email_validation_evidence as e) as evidence
    order by r.row, r.nth";

/// Writes every row with its verdicts, in the order of the file, and completes the summary.
pub(super) async fn write(
    out: Destination,
    format: Format,
    sheet: &Sheet,
    client: &Client,
    summary: &mut Summary,
) -> Result<()> {
    let no_parameters: [i32; 0] = [];
    let found = client.query_raw(VERDICTS, no_parameters).await?;
    let found = found
        .map_err(anyhow::Error::from)
        .and_then(async |it| decode(&it));
    pin_mut!(found);
    let mut reasons = BTreeMap::new();
    let mut out = match format {
        Format::Csv { raw } => {
            let mut results = Results::start(sheet, summary.widest, raw, out)?;
            each(sheet, found, &mut reasons, |row| {
                results.write(row.record, row.verdicts)
            })
            .await?;
            summary.set_reasons(reasons);
            results.finish()?
        }
        Format::Json => {
            let mut out = out;
            let mut separator = "{\"results\":[\n";
            each(sheet, found, &mut reasons, |row| {
                let found = row.verdicts.iter().zip(row.addresses);
                for ((verdict, address), column) in found.zip(sheet.columns()) {
                    out.write_all(separator.as_bytes())?;
                    separator = ",\n";
                    let line = Line {
                        row: row.number,
                        column: &column.name,
                        address: address.as_ref().map(|it| it.text.as_str()),
                        verdict,
                    };
                    serde_json::to_writer(&mut out, &line).map_err(std::io::Error::from)?;
                }
                Ok(())
            })
            .await?;
            summary.set_reasons(reasons);
            if separator != ",\n" {
                out.write_all(separator.as_bytes())?;
            }
            // The summary goes on where the list ends: its own opening brace becomes a comma.
            let rest = serde_json::to_string(summary)?;
            writeln!(out, "\n],{}", rest.trim_start_matches('{'))?;
            out
        }
    };
    out.flush()?;
    out.finish()
}

/// One row of the file with its verdicts, one for each column of addresses.
struct Judged<'a> {
    number: u64,
    record: &'a csv::ByteRecord,
    addresses: &'a [Option<Address>],
    verdicts: &'a [Verdict],
}

/// Brings the rows and their verdicts together, and counts the reasons.
async fn each(
    sheet: &Sheet,
    mut found: std::pin::Pin<&mut impl Stream<Item = Result<Found>>>,
    reasons: &mut BTreeMap<[String; 2], u64>,
    mut take: impl FnMut(Judged<'_>) -> Result<()>,
) -> Result<()> {
    let mut next = found.try_next().await?;
    let mut rows = sheet.rows()?;
    let mut number = 0;
    while rows.advance()? {
        number += 1;
        let addresses: Vec<_> = sheet.addresses_in(rows.record()).collect();
        let mut verdicts = vec![Verdict::no_address(); addresses.len()];
        while let Some(it) = next.take_if(|it| it.row == number) {
            let counted = [it.verdict.status.clone(), it.verdict.reason.clone()];
            *reasons.entry(counted).or_default() += 1;
            verdicts[it.nth] = with_suggestion(it.verdict, addresses[it.nth].as_ref());
            next = found.try_next().await?;
        }
        take(Judged {
            number,
            record: rows.record(),
            addresses: &addresses,
            verdicts: &verdicts,
        })?;
    }
    Ok(())
}

/// Where a field says more than the address, the address that was read is also what is suggested.
fn with_suggestion(mut verdict: Verdict, address: Option<&Address>) -> Verdict {
    if verdict.suggestion.is_empty() && address.is_some_and(|it| it.is_decorated) {
        verdict.suggestion = verdict.normalized.clone();
    }
    verdict
}

fn decode(row: &Row) -> Result<Found> {
    let text =
        |at| Ok::<_, anyhow::Error>(row.try_get::<_, Option<String>>(at)?.unwrap_or_default());
    let (number, nth): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Found {
        row: u64::try_from(number).context("reading the number of a row")?,
        nth: usize::try_from(nth).context("reading the number of a column")?,
        verdict: Verdict {
            status: text(2)?,
            reason: text(3)?,
            suggestion: text(4)?,
            normalized: text(5)?,
            checked_at: text(6)?,
            detail: text(7)?,
        },
    })
}
