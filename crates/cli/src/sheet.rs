//! CSV files as people have them: any usual delimiter, with or without BOM, of any length.

mod address;
mod column;
mod dialect;
mod formulas;
mod results;
mod rows;

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Result;
use csv::ByteRecord;

pub(crate) use address::address;
pub(crate) use formulas::Formulas;
pub(crate) use results::{Results, Verdict};
pub(crate) use rows::{Counts, Rows};

use crate::advice;
use dialect::Dialect;

/// How to read a file, where it should not be guessed.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Format {
    /// Column with the addresses: its name, or its number from 1; by default found by its name.
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Option<String>,
    /// Character between the fields; by default the one that the first line uses. Write `tab` for a tab.
    #[arg(long, value_name = "CHARACTER", value_parser = dialect::delimiter)]
    pub(crate) delimiter: Option<u8>,
    /// The first line is a row like all others, not a header.
    #[arg(long)]
    pub(crate) no_header: bool,
}

/// A CSV file that can be read several times.
#[derive(Debug)]
pub(crate) struct Sheet {
    name: String,
    file: File,
    dialect: Dialect,
    header: Option<ByteRecord>,
    column: usize,
}

impl Sheet {
    /// Opens `path`, or standard input for `-`, which is first copied to a temporary file.
    ///
    /// # Errors
    /// When it cannot be read, is no text, or has no column with addresses.
    pub(crate) async fn open(path: PathBuf, format: Format) -> Result<Self> {
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
        let dialect = Dialect::sniff(&name, &file, format.delimiter)?;
        let mut sheet = Self {
            name,
            file,
            dialect,
            header: None,
            column: 0,
        };
        let first = {
            let mut rows = sheet.rows()?;
            rows.advance()?.then(|| rows.record().clone())
        };
        let Some(first) = first else {
            return Err(advice::error(
                format!("{} is empty", sheet.name),
                "give a file with a header and one contact per row",
            ));
        };
        sheet.column = column::find(&sheet.name, &first, format)?;
        sheet.header = (!format.no_header).then_some(first);
        Ok(sheet)
    }

    /// The rows after the header, from the first one on. Only one such reader at a time makes sense.
    pub(crate) fn rows(&self) -> Result<Rows> {
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

    /// The address of a row, ready to be compared with others; none when there is none.
    pub(crate) fn address_in(&self, record: &ByteRecord) -> Option<String> {
        address(record.get(self.column).unwrap_or_default())
    }

    /// The name of the column with the addresses, or its number.
    pub(crate) fn column_name(&self) -> String {
        let name = self.header.as_ref().and_then(|it| it.get(self.column));
        name.map_or_else(
            || (self.column + 1).to_string(),
            |it| String::from_utf8_lossy(it).trim().to_owned(),
        )
    }
}

#[cfg(test)]
mod tests;
