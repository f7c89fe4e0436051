use std::fs::File;
use std::io::{Error, ErrorKind, Read};

use anyhow::Result;
use csv::{ByteRecord, Reader, ReaderBuilder};
use terminal::advice;

use super::dialect::Dialect;

/// A record longer than this, in bytes, is a quote that is never closed.
const LONGEST_RECORD: u64 = 4 << 20;

/// What is known of a file once it is read to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows, header and blank lines apart.
    pub rows: u64,
    /// Lines with nothing on them.
    pub blank_lines: u64,
    /// Rows that have fewer or more fields than the first line.
    pub uneven_rows: u64,
    /// The most fields that a row has, the header included.
    pub widest: usize,
}

/// Reads a file row by row, in memory for one row.
#[derive(Debug)]
pub struct Rows {
    name: String,
    reader: Reader<Guard>,
    record: ByteRecord,
    counts: Counts,
    width: Option<usize>,
    /// Records of the file, the header and rows of white space included.
    records: u64,
    /// Line feeds inside quoted fields.
    inner_lines: u64,
}

impl Rows {
    pub(super) fn new(name: String, file: File, dialect: &Dialect) -> Self {
        let guard = Guard {
            file,
            since_record: 0,
            line_feeds: 0,
            last: None,
            at_end: false,
        };
        let reader = ReaderBuilder::new()
            .delimiter(dialect.delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(guard);
        let counts = Counts::default();
        Self {
            name,
            reader,
            record: ByteRecord::new(),
            counts,
            width: None,
            records: 0,
            inner_lines: 0,
        }
    }

    /// Reads the next row, blank lines left out. False at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read, or a quote is never closed.
    pub fn advance(&mut self) -> Result<bool> {
        while self.read()? {
            if self.record.len() == 1 && self.record[0].iter().all(u8::is_ascii_whitespace) {
                self.counts.blank_lines += 1;
                continue;
            }
            self.counts.rows += 1;
            let width = *self.width.get_or_insert(self.record.len());
            self.counts.uneven_rows += u64::from(self.record.len() != width);
            self.counts.widest = self.counts.widest.max(self.record.len());
            return Ok(true);
        }
        Ok(false)
    }

    /// The row that was read last.
    pub fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// What was counted; complete once [`Rows::advance`] has returned false.
    pub fn counts(&self) -> Counts {
        let guard = self.reader.get_ref();
        let unfinished = u64::from(guard.last.is_some_and(|it| it != b'\n'));
        // The parser passes blank lines over in silence, so they are what remains of the line feeds.
        let passed_over =
            (guard.line_feeds + unfinished).saturating_sub(self.inner_lines + self.records);
        Counts {
            blank_lines: self.counts.blank_lines + passed_over,
            ..self.counts
        }
    }

    /// Reads the header, which is no row but sets the width.
    pub(super) fn skip_header(&mut self) -> Result<()> {
        self.advance()?;
        self.counts.rows = 0;
        Ok(())
    }

    fn read(&mut self) -> Result<bool> {
        let line = self.reader.position().line();
        self.reader.get_mut().since_record = 0;
        let more = self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|error| {
                let line = error.position().map_or(line, csv::Position::line);
                advice::with(
                    format!("{}: line {line}", self.name),
                    "correct the file there",
                )(error)
            })?;
        if !more {
            return Ok(false);
        }
        self.records += 1;
        let inner = self
            .record
            .as_slice()
            .iter()
            .filter(|it| **it == b'\n')
            .count();
        self.inner_lines += inner as u64;
        // A proper record ends before the end of the file is seen, or with the quote that closes its last field.
        let guard = self.reader.get_ref();
        let last_field = self.record.iter().next_back().unwrap_or_default();
        if guard.at_end && last_field.contains(&b'\n') && guard.last != Some(b'"') {
            return Err(advice::error(
                format!(
                    "{}: a quote opened at or after line {line} is never closed",
                    self.name
                ),
                "close the quote, or double it if it belongs to the text",
            ));
        }
        Ok(true)
    }
}

/// Reads the file for the parser, counts lines, and stops it when a record goes on for too long.
#[derive(Debug)]
struct Guard {
    file: File,
    since_record: u64,
    line_feeds: u64,
    last: Option<u8>,
    at_end: bool,
}

impl Read for Guard {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.since_record > LONGEST_RECORD {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "a row of more than 4 MiB, so a quote is probably never closed",
            ));
        }
        let n = self.file.read(buffer)?;
        let part = &buffer[..n];
        self.since_record += n as u64;
        self.line_feeds += part.iter().filter(|it| **it == b'\n').count() as u64;
        self.last = part.last().copied().or(self.last);
        self.at_end |= n == 0;
        Ok(n)
    }
}
