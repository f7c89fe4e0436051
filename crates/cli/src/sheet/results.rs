use std::io::Write;

use anyhow::Result;
use csv::{ByteRecord, Terminator, Writer, WriterBuilder};

use super::Sheet;

/// The columns that are added. One that the file has already is overwritten.
const COLUMNS: [&str; 5] = [
    "email_status",
    "email_reason",
    "email_suggestion",
    "email_normalized",
    "checked_at",
];

/// What is said of one row, in the order of the added columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict(pub(crate) [String; COLUMNS.len()]);

impl Verdict {
    /// What is said of a row without an address.
    pub(crate) fn no_address() -> Self {
        let mut verdict = Self::default();
        verdict.0[1] = "no_address".to_owned();
        verdict
    }
}

/// Writes the rows of a file with their verdicts.
pub(crate) struct Results<W: Write> {
    writer: Writer<W>,
    /// Fields before the added columns.
    width: usize,
    /// Where each added column is.
    at: [usize; COLUMNS.len()],
    fields: usize,
}

impl<W: Write> Results<W> {
    /// Writes the header, in the dialect of the file that was read. `widest` is the most fields that a row has.
    pub(crate) fn start(sheet: &Sheet, widest: usize, mut out: W) -> Result<Self> {
        if sheet.dialect.bom {
            out.write_all(b"\xef\xbb\xbf")?;
        }
        let header = sheet.header.as_ref();
        let width = widest.max(header.map_or(0, ByteRecord::len));
        let mut fields = width;
        let at = COLUMNS.map(|name| {
            let there = header.and_then(|it| {
                it.iter()
                    .position(|field| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
            });
            there.unwrap_or_else(|| {
                fields += 1;
                fields - 1
            })
        });
        let terminator = if sheet.dialect.crlf {
            Terminator::CRLF
        } else {
            Terminator::Any(b'\n')
        };
        let writer = WriterBuilder::new()
            .delimiter(sheet.dialect.delimiter)
            .terminator(terminator)
            .from_writer(out);
        let mut results = Self {
            writer,
            width,
            at,
            fields,
        };
        if let Some(header) = header {
            results.write(header, &Verdict(COLUMNS.map(str::to_owned)))?;
        }
        Ok(results)
    }

    /// Writes one row; a short one is filled up, so that the added columns are in line.
    pub(crate) fn write(&mut self, record: &ByteRecord, verdict: &Verdict) -> Result<()> {
        let mut row: Vec<&[u8]> = record.iter().take(self.width).collect();
        row.resize(self.fields, b"");
        for (at, value) in self.at.iter().zip(&verdict.0) {
            row[*at] = value.as_bytes();
        }
        Ok(self.writer.write_byte_record(&ByteRecord::from(row))?)
    }

    /// Writes what is buffered, and gives back where it went.
    pub(crate) fn finish(self) -> Result<W> {
        self.writer
            .into_inner()
            .map_err(|error| error.into_error().into())
    }
}
