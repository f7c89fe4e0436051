//! What guests write to stdout and stderr: whole lines, appended to the component's file or handed to `tracing`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::error::Error;

/// A longer line is cut into pieces of this many bytes.
const MAX_LINE: usize = 64 << 10;
/// Full files of a component that are kept beside the present one.
const KEPT: usize = 2;

/// Where one component's lines go.
#[derive(Clone)]
pub(crate) struct Log(Arc<Target>);

enum Target {
    File(Mutex<Rotating>),
    Tracing { component: String },
}

impl Log {
    /// Opens `<directory>/<component>.log` for appending; a file of `full` bytes is renamed, and another one begun.
    /// Without a directory lines go to `tracing`.
    pub(crate) fn open(
        directory: Option<&Path>,
        component: &str,
        full: u64,
    ) -> Result<Self, Error> {
        let Some(directory) = directory else {
            let component = component.to_owned();
            return Ok(Self(Arc::new(Target::Tracing { component })));
        };
        let path = directory.join(format!("{component}.log"));
        let file =
            std::fs::create_dir_all(directory).and_then(|()| Rotating::open(path.clone(), full));
        match file {
            Ok(file) => Ok(Self(Arc::new(Target::File(Mutex::new(file))))),
            Err(source) => Err(Error::Log { path, source }),
        }
    }

    /// A stream for one instance; its unfinished line is written when it is dropped.
    pub(crate) fn stream(&self) -> LogStream {
        LogStream(Arc::new(Mutex::new(Line {
            log: self.clone(),
            text: Vec::new(),
        })))
    }

    /// Writes a whole line.
    pub(crate) fn write(&self, line: &[u8]) {
        match &*self.0 {
            Target::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(err) = file.write(line) {
                    tracing::error!("cannot write a guest's log: {err}");
                }
            }
            Target::Tracing { component } => {
                tracing::info!(component, "{}", String::from_utf8_lossy(line).trim_end());
            }
        }
    }
}

/// A file that is renamed when it is full: `x.log` to `x.log.1`, that to `x.log.2`, and what that was is gone.
struct Rotating {
    path: PathBuf,
    file: File,
    length: u64,
    full: u64,
}

impl Rotating {
    fn open(path: PathBuf, full: u64) -> io::Result<Self> {
        let file = append_to(&path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            length,
            full,
        })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.length > 0 && self.length + line.len() as u64 > self.full {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.length += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let name = |n: usize| match n {
            0 => self.path.clone(),
            n => self.path.with_added_extension(n.to_string()),
        };
        for n in (0..KEPT).rev() {
            match std::fs::rename(name(n), name(n + 1)) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
                _ => {}
            }
        }
        self.file = append_to(&self.path)?;
        self.length = 0;
        Ok(())
    }
}

/// Only the user that runs the host reads a new file: errors of the database may quote rows.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).open(path)
}

/// One instance's stdout or stderr; clones share the unfinished line.
#[derive(Clone)]
pub(crate) struct LogStream(Arc<Mutex<Line>>);

struct Line {
    log: Log,
    text: Vec<u8>,
}

impl LogStream {
    fn append(&self, bytes: &[u8]) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|it| *it == b'\n') {
            line.text.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.text.len() >= MAX_LINE {
                line.flush();
            }
        }
    }
}

impl Line {
    fn flush(&mut self) {
        if !self.text.ends_with(b"\n") {
            self.text.push(b'\n');
        }
        self.log.write(&self.text);
        self.text.clear();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.flush();
        }
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // The default writes in a task of its own, which loses the last words of an instance that traps.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LINE)
    }
}

#[async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_file_is_renamed_and_three_are_kept() {
        let folder = std::env::temp_dir().join(format!("baton-logs-{}", std::process::id()));
        let log = Log::open(Some(&folder), "guest", 20).expect("the folder is writable");
        for n in 0..10 {
            log.write(format!("line {n}\n").as_bytes());
        }
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(read("guest.log"), "line 8\nline 9\n");
        assert_eq!(read("guest.log.1"), "line 6\nline 7\n");
        assert_eq!(read("guest.log.2"), "line 4\nline 5\n");
        assert!(!folder.join("guest.log.3").exists());
        let again = Log::open(Some(&folder), "guest", 20).expect("the folder is writable");
        again.write(b"line 10\n");
        assert_eq!(read("guest.log"), "line 10\n", "what is there counts");
        std::fs::remove_dir_all(&folder).expect("it was just made");
    }
}
