use std::pin::Pin;

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use futures::SinkExt as _;
use tokio_postgres::CopyInSink;

/// How much is collected before it is sent, in bytes.
const PART: usize = 64 * 1024;

/// Rows on their way into a table, in the text format of COPY.
pub(crate) struct CopyIn {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    buffer: BytesMut,
}

impl CopyIn {
    /// What `copy … from stdin` has opened.
    pub(crate) fn new(sink: CopyInSink<Bytes>) -> Self {
        Self {
            sink: Box::pin(sink),
            buffer: BytesMut::with_capacity(PART),
        }
    }

    /// Adds a row. Fields hold no NUL.
    pub(crate) async fn row<const N: usize>(&mut self, fields: [&str; N]) -> Result<()> {
        for (at, field) in fields.into_iter().enumerate() {
            if at > 0 {
                self.buffer.extend_from_slice(b"\t");
            }
            escape(field, &mut self.buffer);
        }
        self.buffer.extend_from_slice(b"\n");
        if self.buffer.len() >= PART {
            self.sink.send(self.buffer.split().freeze()).await?;
        }
        Ok(())
    }

    /// Ends the copy; the number of rows.
    pub(crate) async fn finish(mut self) -> Result<u64> {
        self.sink.send(self.buffer.split().freeze()).await?;
        Ok(self.sink.as_mut().finish().await?)
    }
}

fn escape(field: &str, buffer: &mut BytesMut) {
    for byte in field.bytes() {
        match byte {
            b'\\' => buffer.extend_from_slice(br"\\"),
            b'\t' => buffer.extend_from_slice(br"\t"),
            b'\n' => buffer.extend_from_slice(br"\n"),
            b'\r' => buffer.extend_from_slice(br"\r"),
            other => buffer.extend_from_slice(&[other]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_is_escaped() {
        let mut buffer = BytesMut::new();
        escape("a\tb\nc\rd\\e\\.\u{fc}", &mut buffer);
        assert_eq!(buffer, "a\\tb\\nc\\rd\\\\e\\\\.\u{fc}".as_bytes());
    }
}
