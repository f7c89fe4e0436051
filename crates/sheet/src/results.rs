use std::borrow::Cow;
use std::io::Write;

use anyhow::Result;
use csv::{ByteRecord, Terminator, Writer, WriterBuilder};
use serde::{Serialize, Serializer};

use super::{Sheet, formulas};

/// The columns that are added for each column of addresses. One that the file has already is overwritten.
const COLUMNS: [&str; 6] = [
    "status",
    "reason",
    "suggestion",
    "normalized",
    "checked_at",
    "detail",
];

/// What is said of one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    #[serde(serialize_with = "null_if_empty")]
    pub status: String,
    pub reason: String,
    #[serde(serialize_with = "null_if_empty")]
    pub suggestion: String,
    #[serde(serialize_with = "null_if_empty")]
    pub normalized: String,
    #[serde(serialize_with = "null_if_empty")]
    pub checked_at: String,
    /// What the check that decided objects to.
    #[serde(serialize_with = "null_if_empty")]
    pub detail: String,
}

fn null_if_empty<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    (!text.is_empty()).then_some(text).serialize(serializer)
}

impl Verdict {
    /// What is said of a row without an address.
    pub fn no_address() -> Self {
        Self {
            reason: "no_address".to_owned(),
            ..Self::default()
        }
    }

    fn fields(&self) -> [&str; COLUMNS.len()] {
        [
            &self.status,
            &self.reason,
            &self.suggestion,
            &self.normalized,
            &self.checked_at,
            &self.detail,
        ]
    }
}

/// The names of the added columns for the column of addresses number `nth`, from 0.
fn names(nth: usize) -> [String; COLUMNS.len()] {
    COLUMNS.map(|it| match (nth, it) {
        (0, "checked_at") => it.to_owned(),
        (0, _) => format!("email_{it}"),
        _ => format!("email_{}_{it}", nth + 1),
    })
}

/// Writes the rows of a file with their verdicts.
pub struct Results<W: Write> {
    writer: Writer<W>,
    /// Fields before the added columns.
    width: usize,
    /// Where each added column is, for each column of addresses.
    at: Vec<[usize; COLUMNS.len()]>,
    fields: usize,
    /// Whether values that a spreadsheet would take for formulas are written as they are.
    raw: bool,
}

impl<W: Write> Results<W> {
    /// Writes the header, in the dialect of the file that was read. `widest` is the most fields that a row has.
    pub fn start(sheet: &Sheet, widest: usize, raw: bool, mut out: W) -> Result<Self> {
        // Spreadsheets take a file without the mark for one in the encoding of their system, as the input was.
        if sheet.dialect.bom || sheet.converted.is_some() {
            out.write_all(b"\xef\xbb\xbf")?;
        }
        let header = sheet.header.as_ref();
        let width = widest.max(header.map_or(0, ByteRecord::len));
        let mut fields = width;
        let added: Vec<_> = (0..sheet.columns.len()).map(names).collect();
        let place = |name: &String| {
            let there = header.and_then(|it| {
                it.iter()
                    .position(|field| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
            });
            there.unwrap_or_else(|| {
                fields += 1;
                fields - 1
            })
        };
        let mut place = place;
        let at = added
            .iter()
            .map(|it| it.each_ref().map(&mut place))
            .collect();
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
            raw,
        };
        if let Some(header) = header {
            let names: Vec<_> = added
                .iter()
                .map(|it| it.each_ref().map(String::as_str))
                .collect();
            results.write_fields(header, &names)?;
        }
        Ok(results)
    }

    /// Writes one row with a verdict for each column of addresses.
    pub fn write(&mut self, record: &ByteRecord, verdicts: &[Verdict]) -> Result<()> {
        let verdicts: Vec<_> = verdicts.iter().map(Verdict::fields).collect();
        self.write_fields(record, &verdicts)
    }

    /// A short row is filled up, so that the added columns are in line.
    fn write_fields(&mut self, record: &ByteRecord, added: &[[&str; COLUMNS.len()]]) -> Result<()> {
        let mut row: Vec<Cow<'_, [u8]>> = record.iter().take(self.width).map(Cow::from).collect();
        row.resize(self.fields, Cow::from(&b""[..]));
        for (at, value) in self.at.iter().flatten().zip(added.iter().flatten()) {
            row[*at] = match self.raw {
                true => Cow::from(value.as_bytes()),
                false => formulas::neutral(value.as_bytes()),
            };
        }
        // The error of the parser hides that of the output, such as a reader that went away.
        self.writer
            .write_record(&row)
            .map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => error.into(),
                other => anyhow::anyhow!("writing a row: {other:?}"),
            })
    }

    /// Writes what is buffered, and gives back where it went.
    pub fn finish(self) -> Result<W> {
        self.writer
            .into_inner()
            .map_err(|error| error.into_error().into())
    }
}
