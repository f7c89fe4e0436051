//! What guests write to stdout and stderr: whole lines, appended to the component's file or handed to `tracing`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
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

/// Where one component's lines go.
#[derive(Clone)]
pub(crate) struct Log(Arc<Target>);

enum Target {
    File(Mutex<File>),
    Tracing { component: String },
}

impl Log {
    /// Opens `<directory>/<component>.log` for appending; without a directory lines go to `tracing`.
    pub(crate) fn open(directory: Option<&Path>, component: &str) -> Result<Self, Error> {
        let Some(directory) = directory else {
            let component = component.to_owned();
            return Ok(Self(Arc::new(Target::Tracing { component })));
        };
        let path = directory.join(format!("{component}.log"));
        let file = std::fs::create_dir_all(directory)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(&path));
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

    fn write(&self, line: &[u8]) {
        match &*self.0 {
            Target::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(err) = file.write_all(line) {
                    tracing::error!("cannot write a guest's log: {err}");
                }
            }
            Target::Tracing { component } => {
                tracing::info!(component, "{}", String::from_utf8_lossy(line).trim_end());
            }
        }
    }
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
