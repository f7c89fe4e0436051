use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::NamedTempFile;
use terminal::{advice, output};

/// Where data goes: standard output, or a file that appears only when it is complete.
pub(crate) enum Destination {
    Stdout(BufWriter<std::io::Stdout>),
    /// A device or a pipe.
    Special(BufWriter<File>),
    File {
        path: PathBuf,
        unfinished: BufWriter<NamedTempFile>,
    },
}

impl Destination {
    /// Whether a file can be made at `path`, so that this is known before the work and not after it.
    ///
    /// # Errors
    /// As [`Destination::open`].
    pub(crate) fn check(path: Option<&Path>) -> Result<()> {
        // Opening a pipe waits for its reader.
        let is_special =
            path.is_some_and(|it| it.metadata().is_ok_and(|it| !it.is_file() && !it.is_dir()));
        match is_special {
            true => Ok(()),
            false => Self::open(path).map(drop),
        }
    }

    /// Opens `path`, or standard output without one or for `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path.filter(|it| *it != Path::new("-")) else {
            return Ok(Self::Stdout(BufWriter::new(std::io::stdout())));
        };
        let unwritable = || {
            advice::with(
                format!("writing {}", path.display()),
                "check that the folder exists and is writable",
            )
        };
        if path.is_dir() {
            return Err(advice::error(
                format!("{} is a folder", path.display()),
                "give the name of a file",
            ));
        }
        if path.metadata().is_ok_and(|it| !it.is_file()) {
            return Ok(Self::Special(BufWriter::new(
                File::options()
                    .write(true)
                    .open(path)
                    .map_err(unwritable())?,
            )));
        }
        let folder = path
            .parent()
            .filter(|it| !it.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let unfinished = tempfile::Builder::new()
            .prefix(".baton-")
            .permissions(mode)
            .tempfile_in(folder)
            .map_err(unwritable())?;
        Ok(Self::File {
            path: path.to_owned(),
            unfinished: BufWriter::new(unfinished),
        })
    }

    /// Whether it is a file of its own, so that standard output is free.
    pub(crate) fn is_file(&self) -> bool {
        !matches!(self, Self::Stdout(_))
    }

    /// Writes what is buffered, and lets the file appear.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Stdout(mut out) => Ok(out.flush().map_err(output::stdout_failure)?),
            Self::Special(mut out) => Ok(out.flush()?),
            Self::File { path, unfinished } => {
                let what = || {
                    advice::with(
                        format!("writing {}", path.display()),
                        "check the free space and the folder's permissions",
                    )
                };
                let file = unfinished
                    .into_inner()
                    .map_err(std::io::IntoInnerError::into_error)
                    .map_err(what())?;
                file.persist(&path)
                    .map_err(|error| error.error)
                    .map(|_: File| ())
                    .map_err(what())
            }
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes).map_err(output::stdout_failure),
            Self::Special(out) => out.write(bytes),
            Self::File { path, unfinished } => unfinished.write(bytes).map_err(|error| {
                let what = format!("writing {}: {error}", path.display());
                std::io::Error::new(error.kind(), what)
            }),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush().map_err(output::stdout_failure),
            Self::Special(out) => out.flush(),
            Self::File { unfinished, .. } => unfinished.flush(),
        }
    }
}
