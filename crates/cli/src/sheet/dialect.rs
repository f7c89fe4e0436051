use std::fs::File;
use std::os::unix::fs::FileExt as _;

use anyhow::Result;

use crate::advice;

/// How much of a file is looked at, in bytes.
const LOOK: usize = 64 * 1024;
/// Delimiters that are recognised, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// Whether it begins with a byte order mark.
    pub(super) bom: bool,
    /// Whether its first line ends with carriage return and line feed.
    pub(super) crlf: bool,
    /// Where the first record begins, in bytes.
    pub(super) start: u64,
}

impl Dialect {
    /// Finds out how `file` is written; a delimiter that is given is believed.
    pub(super) fn sniff(name: &str, file: &File, delimiter: Option<u8>) -> Result<Self> {
        let mut head = Vec::with_capacity(LOOK);
        let mut part = vec![0; LOOK];
        while head.len() < LOOK {
            let n = file
                .read_at(&mut part, head.len() as u64)
                .map_err(advice::with(
                    format!("reading {name}"),
                    "check the file and its permissions",
                ))?;
            if n == 0 {
                break;
            }
            head.extend_from_slice(&part[..n]);
        }
        if let Some(format) = other_format(&head) {
            return Err(advice::error(
                format!("{name} is {format}, not CSV"),
                "save it as CSV in UTF-8 first",
            ));
        }
        Ok(Self::of(&head, delimiter))
    }

    fn of(head: &[u8], given: Option<u8>) -> Self {
        let bom = head.starts_with(b"\xef\xbb\xbf");
        let mut start = if bom { 3 } else { 0 };
        let mut declared = None;
        // The first line of some spreadsheets only says what the delimiter is.
        if let [b's', b'e', b'p', b'=', delimiter, rest @ ..] = &head[start..] {
            let end = if rest.starts_with(b"\r\n") {
                Some(2)
            } else {
                rest.starts_with(b"\n").then_some(1)
            };
            if let Some(end) = end {
                declared = Some(*delimiter);
                start += 5 + end;
            }
        }
        let line = first_line(&head[start..]);
        let delimiter = given.or(declared).unwrap_or_else(|| most_frequent(line));
        Self {
            delimiter,
            bom,
            crlf: line.ends_with(b"\r"),
            start: start as u64,
        }
    }
}

/// Reads the delimiter of the command line.
pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => Ok(*one),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("give one ASCII character other than a quote, or `tab`".to_owned()),
    }
}

fn other_format(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        Some("text in UTF-16")
    } else if head.starts_with(b"PK\x03\x04") {
        Some("a ZIP archive or a spreadsheet")
    } else if head.starts_with(b"\x1f\x8b") {
        Some("compressed by gzip")
    } else if head.starts_with(b"%PDF-") {
        Some("a PDF document")
    } else {
        None
    }
}

/// Up to the first line feed outside of quotes, blank lines left out.
fn first_line(text: &[u8]) -> &[u8] {
    let begin = text
        .iter()
        .position(|it| !matches!(it, b'\r' | b'\n'))
        .unwrap_or(text.len());
    let text = &text[begin..];
    let mut quoted = false;
    let end = text.iter().position(|it| {
        quoted ^= *it == b'"';
        *it == b'\n' && !quoted
    });
    &text[..end.unwrap_or(text.len())]
}

fn most_frequent(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut times = [0; DELIMITERS.len()];
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some(at) = DELIMITERS.iter().position(|it| it == byte && !quoted) {
            times[at] += 1;
        }
    }
    let mut best = 0;
    for at in 1..DELIMITERS.len() {
        if times[at] > times[best] {
            best = at;
        }
    }
    DELIMITERS[best]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_the_first_line_uses() {
        let check = |text: &str, expected: u8| {
            assert_eq!(
                Dialect::of(text.as_bytes(), None).delimiter,
                expected,
                "{text}"
            )
        };
        check("name,email\n", b',');
        check("name;email\na,b;c,d\n", b';');
        check("name\temail\n", b'\t');
        check("name|email\n", b'|');
        check("email\n", b',');
        check("\"last, first, middle\";email\n", b';');
        check("\r\n\r\nname;email\n", b';');
        check("sep=|\r\na|b;c;d\r\n", b'|');
        check("", b',');
    }

    #[test]
    fn mark_and_declaration_are_skipped() {
        let check = |text: &[u8], expected: (bool, bool, u64)| {
            let it = Dialect::of(text, None);
            assert_eq!(
                (it.bom, it.crlf, it.start),
                expected,
                "{}",
                String::from_utf8_lossy(text)
            );
        };
        check(b"a,b\n", (false, false, 0));
        check(b"\xef\xbb\xbfa,b\r\n", (true, true, 3));
        check(b"\xef\xbb\xbfsep=;\r\na;b\r\n", (true, true, 10));
        check(b"sep=;\na;b\n", (false, false, 6));
        check(b"sep=x,b\n", (false, false, 0));
    }

    #[test]
    fn other_formats_are_named() {
        assert!(other_format(b"\xff\xfen\0").is_some());
        assert!(other_format(b"PK\x03\x04rest").is_some());
        assert!(other_format(b"PKW,email\n").is_none());
    }
}
