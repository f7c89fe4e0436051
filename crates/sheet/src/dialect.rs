use std::fs::File;
use std::os::unix::fs::FileExt as _;

use anyhow::Result;
use csv::{ByteRecord, ReaderBuilder};
use terminal::advice;

use super::column;

/// How much of a file is looked at, in bytes.
const LOOK: usize = 64 * 1024;
/// Delimiters that are recognised, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How many lines above the header are looked at.
const LINES_ABOVE: usize = 30;

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
    /// Lines above the header, blank ones included.
    pub(super) skipped: u64,
}

impl Dialect {
    /// Finds out how `file` is written; a delimiter and lines to skip that are given are believed.
    pub(super) fn sniff(
        name: &str,
        file: &File,
        delimiter: Option<u8>,
        skip: Option<u32>,
    ) -> Result<Self> {
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
        Ok(Self::of(&head, delimiter, skip))
    }

    fn of(head: &[u8], given: Option<u8>, skip: Option<u32>) -> Self {
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
        let given = given.or(declared);
        let lines = Lines {
            text: &head[start..],
            at: 0,
        };
        let skipped = match skip {
            Some(lines) => lines as usize,
            None => lines_above(lines.clone().take(LINES_ABOVE), given),
        };
        let mut remaining = lines.skip(skipped);
        // Blank lines before the first record say nothing of how it is written.
        let first = remaining.find(|it| !it.text.is_empty());
        if skipped > 0 {
            start += first.map_or(head.len() - start, |it| it.at);
        }
        let first = first.unwrap_or_default();
        Self {
            delimiter: given.unwrap_or_else(|| most_frequent(first.text)),
            bom,
            crlf: first.ends_with_crlf,
            start: start as u64,
            skipped: skipped as u64,
        }
    }
}

/// One line, with what its quotes hold.
#[derive(Debug, Clone, Copy, Default)]
struct Line<'a> {
    at: usize,
    text: &'a [u8],
    ends_with_crlf: bool,
}

/// The lines of a text; a line break in quotes ends none.
#[derive(Debug, Clone)]
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let mut quoted = false;
        let end = rest.iter().position(|it| {
            quoted ^= *it == b'"';
            matches!(it, b'\r' | b'\n') && !quoted
        });
        let end = end.unwrap_or(rest.len());
        let ends_with_crlf = rest[end..].starts_with(b"\r\n");
        let line = Line {
            at: self.at,
            text: &rest[..end],
            ends_with_crlf,
        };
        self.at = (self.at + end + 1 + usize::from(ends_with_crlf)).min(self.text.len());
        Some(line)
    }
}

/// How many lines stand above a header that names a column of addresses; none if there is no such header.
/// Titles and notes have fewer fields than the header below them.
fn lines_above<'a>(lines: impl Iterator<Item = Line<'a>>, delimiter: Option<u8>) -> usize {
    let mut widest_above = 0;
    for (number, line) in lines.enumerate() {
        let fields = fields(line.text, delimiter);
        let filled = fields
            .iter()
            .filter(|it| !it.trim_ascii().is_empty())
            .count();
        if column::is_header(&fields) {
            return if (1..filled).contains(&widest_above) {
                number
            } else {
                0
            };
        }
        let is_row = fields
            .iter()
            .any(|it| std::str::from_utf8(it).is_ok_and(email_address::holds_address));
        if is_row && widest_above == 0 {
            return 0;
        }
        widest_above = widest_above.max(filled);
    }
    0
}

fn fields(line: &[u8], delimiter: Option<u8>) -> ByteRecord {
    let mut record = ByteRecord::new();
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or_else(|| most_frequent(line)))
        .has_headers(false)
        .flexible(true)
        .from_reader(line);
    // A line that cannot be read is no header.
    let _ = reader.read_byte_record(&mut record);
    record
}

/// Reads the delimiter of the command line.
pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => Ok(*one),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("give one ASCII character other than a quote, or `tab`".to_owned()),
    }
}

/// What a file is that is no text, by how it begins.
pub(super) fn other_format(head: &[u8]) -> Option<&'static str> {
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let begins = |with: &[u8]| {
        text.get(..with.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(with))
    };
    if head.starts_with(b"PK\x03\x04") {
        Some("a ZIP archive or a spreadsheet")
    } else if head.starts_with(b"\xd0\xcf\x11\xe0") {
        Some("an old Excel workbook")
    } else if head.starts_with(b"\x1f\x8b") {
        Some("compressed by gzip")
    } else if head.starts_with(b"%PDF-") {
        Some("a PDF document")
    } else if begins(b"begin:vcard") {
        Some("a vCard file")
    } else if begins(b"dn:") {
        Some("an LDIF file")
    } else if begins(b"<!doctype") || begins(b"<html") || begins(b"<?xml") {
        Some("a web page or XML")
    } else if begins(b"[{") || begins(b"{\"") {
        Some("JSON")
    } else {
        None
    }
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
                Dialect::of(text.as_bytes(), None, None).delimiter,
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
            let it = Dialect::of(text, None, None);
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
    fn lines_above_the_header_are_skipped() {
        let check = |text: &str, skip: Option<u32>, expected: (u64, &str)| {
            let it = Dialect::of(text.as_bytes(), None, skip);
            let rest = &text[usize::try_from(it.start).expect("it is short")..];
            assert_eq!((it.skipped, rest), expected, "{text:?}");
        };
        let linkedin = "Notes:\n\"Some addresses, as you see,\nare missing.\"\n\nFirst Name,Email Address\nAnn,a@firma.de\n";
        check(
            linkedin,
            None,
            (3, "First Name,Email Address\nAnn,a@firma.de\n"),
        );
        check(
            "Report;;\r\nname;e-mail;x\r\n",
            None,
            (1, "name;e-mail;x\r\n"),
        );
        check(
            "Report\rname,e-mail\ra,a@firma.de\r",
            None,
            (1, "name,e-mail\ra,a@firma.de\r"),
        );
        check("name,email\na,email\n", None, (0, "name,email\na,email\n"));
        check(
            "name,phone,by\nAnn,1,Email\n",
            None,
            (0, "name,phone,by\nAnn,1,Email\n"),
        );
        check(
            "ann@firma.de\nemail,x\n",
            None,
            (0, "ann@firma.de\nemail,x\n"),
        );
        check("a\nb\nname,x\n", Some(2), (2, "name,x\n"));
        check("a\nname,email\n", Some(0), (0, "a\nname,email\n"));
        check("a\n", Some(9), (9, ""));
    }

    #[test]
    fn other_formats_are_named() {
        assert!(other_format(b"PK\x03\x04rest").is_some());
        assert!(other_format(b"\xef\xbb\xbfBEGIN:VCARD\r\n").is_some());
        assert!(other_format(b"\n<!DOCTYPE html>").is_some());
        assert!(other_format(b"dn,email\n").is_none());
        assert!(other_format(b"PKW,email\n").is_none());
    }
}
