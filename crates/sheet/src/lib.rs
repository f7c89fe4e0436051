//! CSV files as people have them: any usual delimiter, with or without BOM, of any length.

mod address;
mod column;
mod dialect;
mod encoding;
mod formulas;
mod names;
mod results;
mod rows;

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use csv::ByteRecord;
use encoding_rs::Encoding;

pub use address::Address;
pub use column::{Column, Found};
pub use formulas::Formulas;
pub use results::{Results, Verdict};
pub use rows::{Counts, Rows};

use column::Content;
use dialect::Dialect;
use encoding::Converted;
use terminal::advice;
use terminal::output::counted;

/// How many rows are looked at to tell which columns hold addresses.
const ROWS_LOOKED_AT: u64 = 10_000;
/// How many columns are looked at.
const COLUMNS_LOOKED_AT: usize = 1_000;

/// How to read a file, where it should not be guessed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Format {
    /// Column with the addresses: its name, or its number from 1; may be repeated. By default, all that are named like
    /// e-mail and hold addresses, else those whose fields are mostly addresses.
    #[arg(long = "column", value_name = "NAME")]
    pub columns: Vec<String>,
    /// Encoding of the file, such as windows-1252; by default detected.
    #[arg(long, value_name = "LABEL", value_parser = encoding::label)]
    pub encoding: Option<&'static Encoding>,
    /// Lines above the header to leave out; by default those above the first header that names e-mail.
    #[arg(long, value_name = "N")]
    pub skip_lines: Option<u32>,
    /// Character between the fields; by default the one that the header uses. Write `tab` for a tab.
    #[arg(long, value_name = "CHARACTER", value_parser = dialect::delimiter)]
    pub delimiter: Option<u8>,
    /// The first line is a row like all others, not a header.
    #[arg(long)]
    pub no_header: bool,
}

/// A CSV file that can be read several times.
#[derive(Debug)]
pub struct Sheet {
    name: String,
    file: File,
    dialect: Dialect,
    header: Option<ByteRecord>,
    converted: Option<Converted>,
    columns: Vec<Column>,
}

impl Sheet {
    /// Opens `path`, or standard input for `-`, which is first copied to a temporary file.
    ///
    /// # Errors
    /// When it cannot be read, is no text, or has no column with addresses.
    pub async fn open(path: PathBuf, format: Format) -> Result<Self> {
        // Standard input may be slow in coming, and Ctrl-C must not wait for it.
        tokio::task::spawn_blocking(move || Self::open_blocking(&path, &format)).await?
    }

    fn open_blocking(path: &Path, format: &Format) -> Result<Self> {
        if path == Path::new("-") {
            let what = || {
                advice::with(
                    "reading standard input",
                    "check the free space in the folder for temporary files (TMPDIR)",
                )
            };
            let mut file = tempfile::tempfile().map_err(what())?;
            std::io::copy(&mut std::io::stdin().lock(), &mut file).map_err(what())?;
            return Self::read("standard input".to_owned(), file, format);
        }
        let name = path.display().to_string();
        let unreadable = || {
            advice::with(
                format!("reading {name}"),
                "check the path and the file's permissions",
            )
        };
        let file = File::open(path).map_err(unreadable())?;
        if !file.metadata().map_err(unreadable())?.is_file() {
            return Err(advice::error(
                format!("{name} is not a file"),
                "give a CSV file, or `-` for standard input",
            ));
        }
        Self::read(name, file, format)
    }

    fn read(name: String, file: File, format: &Format) -> Result<Self> {
        let mut head = [0; 64];
        let n = file.read_at(&mut head, 0).unwrap_or_default();
        if let Some(format) = dialect::other_format(&head[..n]) {
            return Err(advice::error(
                format!("{name} is {format}, not CSV"),
                "save or export it as CSV first",
            ));
        }
        let (file, converted) = encoding::in_utf8(&name, file, format.encoding)?;
        let dialect = Dialect::sniff(&name, &file, format.delimiter, format.skip_lines)?;
        let mut sheet = Self {
            name,
            file,
            dialect,
            header: None,
            converted,
            columns: Vec::new(),
        };
        let Some((first, content)) = sheet.look(format.no_header)? else {
            return Err(advice::error(
                format!("{} is empty", sheet.name),
                "give a file with a header and one contact per row",
            ));
        };
        sheet.columns = column::find(&sheet.name, &first, &content, format)?;
        sheet.header = (!format.no_header).then_some(first);
        Ok(sheet)
    }

    /// The first record, and what the first rows hold.
    fn look(&self, no_header: bool) -> Result<Option<(ByteRecord, Vec<Content>)>> {
        let mut rows = self.rows()?;
        if !rows.advance()? {
            return Ok(None);
        }
        let first = rows.record().clone();
        let mut content = vec![Content::default(); first.len().min(COLUMNS_LOOKED_AT)];
        let mut is_row = no_header;
        for _ in 0..=ROWS_LOOKED_AT {
            if is_row {
                for (content, field) in content.iter_mut().zip(rows.record()) {
                    content.add(field);
                }
            }
            is_row = true;
            if !rows.advance()? {
                break;
            }
        }
        Ok(Some((first, content)))
    }

    /// What a person should know about how the file was read.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(converted) = &self.converted {
            let (name, from) = (&self.name, converted.from);
            let what = match converted.lines {
                None => format!("{name} is in {from}"),
                Some(lines) => format!(
                    "{name} is in UTF-8, except for {} in {from}",
                    counted(lines, "line")
                ),
            };
            notes.push(format!(
                "note: {what}; it is converted to UTF-8. If letters look wrong, say what it is with --encoding."
            ));
        }
        if self.dialect.skipped > 0 {
            notes.push(format!(
                "note: left out: {} above the header.",
                counted(self.dialect.skipped, "line")
            ));
        }
        for column in &self.columns {
            if column.found == Found::ByContent {
                notes.push(format!(
                    "note: the addresses are in the column {:?}, by its content; --column names another.",
                    column.name
                ));
            }
        }
        notes
    }

    /// The encoding that the file was converted from.
    pub fn converted_from(&self) -> Option<&'static str> {
        self.converted.as_ref().map(|it| it.from)
    }

    /// The rows after the header, from the first one on. Only one such reader at a time makes sense.
    pub fn rows(&self) -> Result<Rows> {
        let unreadable = || advice::with(format!("reading {}", self.name), "try again");
        let mut file = self.file.try_clone().map_err(unreadable())?;
        file.seek(SeekFrom::Start(self.dialect.start))
            .map_err(unreadable())?;
        let mut rows = Rows::new(self.name.clone(), file, &self.dialect);
        if self.header.is_some() {
            rows.skip_header()?;
        }
        Ok(rows)
    }

    /// The addresses of a row, ready to be compared with others, one for each of [`Sheet::columns`]; none where there is none.
    pub fn addresses_in<'a>(
        &'a self,
        record: &'a ByteRecord,
    ) -> impl Iterator<Item = Option<Address>> + 'a {
        let fields = self.columns.iter().map(|it| record.get(it.at));
        fields.map(|it| Address::read(it.unwrap_or_default()))
    }

    /// The columns with the addresses, the main one first.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

#[cfg(test)]
mod tests;
