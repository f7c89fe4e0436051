use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Seek as _, SeekFrom, Write as _};

use anyhow::{Result, anyhow};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use terminal::advice;

/// How much is read at once, in bytes.
const PART: usize = 64 * 1024;
/// The longest line that is looked at as a whole, in bytes.
const LONGEST_LINE: u64 = 4 << 20;

/// What was done to a file that is not in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Converted {
    /// The encoding by its label, such as `windows-1252`.
    pub(super) from: &'static str,
    /// The lines that were in it; all of them without a number.
    pub(super) lines: Option<u64>,
}

/// Reads the encoding of the command line, by a label of the WHATWG Encoding Standard.
pub(super) fn label(text: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(text.as_bytes()).ok_or_else(|| {
        "give a label such as utf-8, utf-16le, windows-1252, iso-8859-2, macintosh, shift_jis or gbk"
            .to_owned()
    })
}

/// The file in UTF-8, from its start on: itself, or a converted copy without a name.
///
/// # Errors
/// When it cannot be read, or holds what its encoding has no character for.
pub(super) fn in_utf8(
    name: &str,
    mut file: File,
    given: Option<&'static Encoding>,
) -> Result<(File, Option<Converted>)> {
    let unreadable = || advice::with(format!("reading {name}"), "check the file and try again");
    let found = match given {
        Some(encoding) if encoding == UTF_8 => {
            check_utf8(name, &file)?;
            None
        }
        Some(encoding) => Some((encoding, None)),
        None => detect(&file).map_err(unreadable())?,
    };
    file.seek(SeekFrom::Start(0)).map_err(unreadable())?;
    let Some((encoding, lines)) = found else {
        return Ok((file, None));
    };
    let mut copy = tempfile::tempfile().map_err(no_space(name))?;
    match lines {
        None => convert(name, &file, encoding, &copy)?,
        Some(_) => convert_lines(name, &file, encoding, &copy)?,
    }
    copy.seek(SeekFrom::Start(0)).map_err(unreadable())?;
    let converted = Converted {
        from: encoding.name(),
        lines,
    };
    Ok((copy, Some(converted)))
}

/// The encoding of the file, and how many lines are in it if the others are in UTF-8. None if all are.
fn detect(file: &File) -> std::io::Result<Option<(&'static Encoding, Option<u64>)>> {
    let mut reader = BufReader::with_capacity(PART, file);
    reader.get_mut().seek(SeekFrom::Start(0))?;
    if let Some(encoding) = utf16(reader.fill_buf()?) {
        return Ok(Some((encoding, None)));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let (mut in_utf8, mut others, mut escapes) = (0_u64, 0_u64, false);
    let mut line = Vec::new();
    while read_line(&mut reader, &mut line)? {
        detector.feed(&line, false);
        escapes |= line.windows(2).any(|it| it == b"\x1b$");
        match std::str::from_utf8(&line) {
            Ok(text) => in_utf8 += u64::from(!text.is_ascii()),
            Err(_) => others += 1,
        }
    }
    detector.feed(b"", true);
    if others == 0 && !(escapes && in_utf8 == 0) {
        return Ok(None);
    }
    let encoding = detector.guess(None, Utf8Detection::Deny);
    // A file in another encoding has hardly a line that is UTF-8 by chance.
    let is_mixed = in_utf8 > 0 && in_utf8 >= others;
    match others {
        0 if encoding.is_ascii_compatible() => Ok(None),
        _ => Ok(Some((encoding, is_mixed.then_some(others)))),
    }
}

/// Whether the text is UTF-16, by its byte order mark or by the empty half of most of its characters.
fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    if head.starts_with(b"\xff\xfe") {
        return Some(UTF_16LE);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(UTF_16BE);
    }
    let pairs = head.len() / 2;
    let empty = |half: usize| head.chunks_exact(2).filter(|it| it[half] == 0).count();
    let (high, low) = (empty(0), empty(1));
    if pairs < 2 || (high + low) * 3 < pairs {
        return None;
    }
    match high.cmp(&low) {
        std::cmp::Ordering::Greater => Some(UTF_16BE),
        std::cmp::Ordering::Less => Some(UTF_16LE),
        std::cmp::Ordering::Equal => None,
    }
}

fn convert(name: &str, file: &File, encoding: &'static Encoding, copy: &File) -> Result<()> {
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut writer = BufWriter::new(copy);
    let mut reader = file;
    let mut part = vec![0; PART];
    let mut text = String::with_capacity(PART * 3);
    let mut line = 1;
    loop {
        let n = match reader.read(&mut part) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.map_err(advice::with(format!("reading {name}"), "try again"))?,
        };
        let mut rest = &part[..n];
        loop {
            text.clear();
            let (result, read) =
                decoder.decode_to_string_without_replacement(rest, &mut text, n == 0);
            line += text.matches('\n').count();
            write(name, &mut writer, text.as_bytes())?;
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => return Err(malformed(name, line, encoding)),
            }
        }
        if n == 0 {
            return flush(name, writer);
        }
    }
}

fn convert_lines(name: &str, file: &File, encoding: &'static Encoding, copy: &File) -> Result<()> {
    let mut reader = BufReader::with_capacity(PART, file);
    let mut writer = BufWriter::new(copy);
    let mut bytes = Vec::new();
    let mut line = 0;
    let unreadable = || advice::with(format!("reading {name}"), "try again");
    while read_line(&mut reader, &mut bytes).map_err(unreadable())? {
        line += 1;
        if std::str::from_utf8(&bytes).is_ok() {
            write(name, &mut writer, &bytes)?;
            continue;
        }
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes);
        let text = text.ok_or_else(|| malformed(name, line, encoding))?;
        write(name, &mut writer, text.as_bytes())?;
    }
    flush(name, writer)
}

/// A file that is said to be UTF-8 must be.
fn check_utf8(name: &str, file: &File) -> Result<()> {
    let mut reader = BufReader::with_capacity(PART, file);
    let mut bytes = Vec::new();
    let mut line = 0;
    let unreadable = || advice::with(format!("reading {name}"), "try again");
    reader
        .get_mut()
        .seek(SeekFrom::Start(0))
        .map_err(unreadable())?;
    while read_line(&mut reader, &mut bytes).map_err(unreadable())? {
        line += 1;
        if std::str::from_utf8(&bytes).is_err() {
            return Err(malformed(name, line, UTF_8));
        }
    }
    Ok(())
}

/// Reads up to the next line feed, so that no character is cut.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    reader.by_ref().take(LONGEST_LINE).read_until(b'\n', line)?;
    if line.len() as u64 == LONGEST_LINE {
        // The rest of a character that was cut.
        while let [next @ 0x80..=0xbf, ..] = reader.fill_buf()? {
            line.push(*next);
            reader.consume(1);
        }
    }
    Ok(!line.is_empty())
}

fn write(name: &str, writer: &mut impl std::io::Write, bytes: &[u8]) -> Result<()> {
    writer.write_all(bytes).map_err(no_space(name))
}

fn flush(name: &str, mut writer: BufWriter<&File>) -> Result<()> {
    writer.flush().map_err(no_space(name))
}

fn no_space(name: &str) -> impl FnOnce(std::io::Error) -> anyhow::Error {
    advice::with(
        format!("converting {name}"),
        "check the free space in the folder for temporary files (TMPDIR)",
    )
}

fn malformed(name: &str, line: usize, encoding: &'static Encoding) -> anyhow::Error {
    advice::with(
        format!("{name}: line {line}"),
        "say how the file is encoded, such as --encoding windows-1252 or --encoding macintosh",
    )(anyhow!(
        "it holds bytes that are no text in {}",
        encoding.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(bytes: &[u8], given: Option<&str>) -> Result<(String, Option<Converted>)> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        let given = given.map(|it| label(it).expect("it is a label"));
        let (mut file, converted) = in_utf8("a.csv", file, given)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok((text, converted))
    }

    fn from(name: &str) -> Option<Converted> {
        let from = label(name).expect("it is a label").name();
        Some(Converted { from, lines: None })
    }

    #[test]
    fn utf8_stays_as_it_is() {
        for text in [
            "",
            "email\nann@firma.de\n",
            "\u{feff}Stra\u{df}e;\u{4e2d}\r\n\u{1f600}",
        ] {
            let (read, how) = converted(text.as_bytes(), None).expect("it is text");
            assert_eq!((read.as_str(), how), (text, None));
        }
    }

    #[test]
    fn files_in_other_encodings_are_recognised() {
        let check = |text: &str, name: &str| {
            let (bytes, _, lossy) = label(name).expect("it is a label").encode(text);
            assert!(!lossy, "{name} has these characters");
            let (read, how) = converted(&bytes, None).expect(name);
            assert_eq!(read, text, "{name}");
            assert_eq!(how, from(name), "{name}");
        };
        check(
            "name;email\nJ\u{f6}rg M\u{fc}ller;joerg@firma.de;10 \u{2013} 20 \u{20ac}\n",
            "windows-1252",
        );
        check(
            "nazwa,email\nW\u{142}adys\u{142}aw \u{141}\u{f3}d\u{17a},w@firma.pl\nZdzis\u{142}aw \u{17b}\u{f3}\u{142}\u{107},z@firma.pl\n",
            "windows-1250",
        );
        check(
            "\u{438}\u{43c}\u{44f},email\n\u{418}\u{432}\u{430}\u{43d} \u{41f}\u{435}\u{442}\u{440}\u{43e}\u{432},ivan@firma.ru\n",
            "windows-1251",
        );
        check(
            "\u{540d}\u{524d},\u{30e1}\u{30fc}\u{30eb}\n\u{5c71}\u{7530}\u{592a}\u{90ce},taro@firma.jp\n\u{6771}\u{4eac}\u{90fd},a@firma.jp\n",
            "shift_jis",
        );
        check(
            "\u{59d3}\u{540d},email\n\u{5f20}\u{4f1f}\u{5728}\u{5317}\u{4eac}\u{5de5}\u{4f5c},zhang@firma.cn\n",
            "gbk",
        );
    }

    #[test]
    fn utf16_is_read_with_and_without_a_byte_order_mark() {
        let text = "name;email\nJ\u{f6}rg;joerg@firma.de\n\u{4e2d};a@firma.cn\n";
        for (name, mark, bytes) in [
            (
                "utf-16le",
                "",
                text.encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<u8>>(),
            ),
            (
                "utf-16be",
                "",
                text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            ),
            (
                "utf-16le",
                "\u{feff}",
                format!("\u{feff}{text}")
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            ),
            (
                "utf-16be",
                "\u{feff}",
                format!("\u{feff}{text}")
                    .encode_utf16()
                    .flat_map(u16::to_be_bytes)
                    .collect(),
            ),
        ] {
            let (read, how) = converted(&bytes, None).expect(name);
            assert_eq!(read, text, "{name} {mark:?}");
            assert_eq!(how, from(name), "{name} {mark:?}");
        }
    }

    #[test]
    fn a_damaged_line_spoils_no_other() {
        let mut bytes = "a;J\u{f6}rg\nb;\u{4e2d}\n".as_bytes().to_vec();
        bytes.extend_from_slice(b"c;j\xf6rg\n");
        let (read, how) = converted(&bytes, None).expect("it is text");
        assert_eq!(read, "a;J\u{f6}rg\nb;\u{4e2d}\nc;j\u{f6}rg\n");
        assert_eq!(how.and_then(|it| it.lines), Some(1));
    }

    #[test]
    fn a_given_encoding_is_believed_or_refused() {
        let (read, how) =
            converted(b"email\nj\x9arg@firma.de\n", Some("macintosh")).expect("it is text");
        assert_eq!(
            (read.as_str(), how),
            ("email\nj\u{f6}rg@firma.de\n", from("macintosh"))
        );
        let error =
            converted(b"email\nok\nj\xf6rg@firma.de\n", Some("utf-8")).expect_err("it is none");
        assert!(format!("{error:#}").contains("line 3"), "{error:#}");
        let error =
            converted(b"email\n\xff\xff@firma.de\n", Some("shift_jis")).expect_err("it is none");
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
        assert!(label("latin-klingon").is_err());
    }
}
