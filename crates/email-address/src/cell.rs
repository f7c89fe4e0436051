//! Reads the address out of a field as people and their programs fill it.
//!
//! Where exactly one address can be meant, it is read; where one is likely, it is suggested.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::address::{self, Address};
use crate::flaw::{Flaw, Refusal};
use crate::text;

/// What is longer than this, in bytes, is not looked at.
const MAX_CELL: usize = 4096;
/// How many addresses the evidence names.
const ADDRESSES_NAMED: usize = 5;
/// What stands before an address to say that it is one.
const LABELS: [&str; 7] = [
    "mailto:",
    "smtp:",
    "e-mail:",
    "email:",
    "mail:",
    "e-mail address:",
    "email address:",
];
/// References of HTML that stand in and around addresses.
const REFERENCES: [(&str, &str); 10] = [
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("#34", "\""),
    ("#39", "'"),
    ("apos", "'"),
    ("nbsp", " "),
    ("#64", "@"),
    ("commat", "@"),
    ("amp", "&"),
];
/// Marks that open and close around an address.
const PAIRS: [(char, char); 14] = [
    ('<', '>'),
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{201e}', '\u{201d}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{201a}', '\u{2018}'),
    ('\u{ab}', '\u{bb}'),
    ('\u{bb}', '\u{ab}'),
];

/// The address of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The address.
    pub address: Address,
    /// Whether the field holds more than the address, such as a name.
    pub is_decorated: bool,
}

/// Reads a field.
///
/// An address may stand in quotes or brackets, behind a name or a label such as `mailto:`, before a remark in brackets,
/// or several times in a list. What follows the last @ always decides its domain.
///
/// # Errors
/// When it holds no address, several, or one that is only likely; that one is the suggestion.
pub fn read(raw: &str) -> Result<Reading, Refusal> {
    let trimmed = text::trim(raw);
    if trimmed.len() > MAX_CELL {
        return Err(Flaw::TooLong.into());
    }
    let refusal = match address::parse(trimmed) {
        Ok(address) => return Ok(Reading::new(address, false)),
        Err(refusal) => refusal,
    };
    let cell = decoded(trimmed);
    if cell != trimmed
        && let Ok(address) = address::parse(&cell)
    {
        return Ok(Reading::new(address, true));
    }
    if let Some(address) = framed(&cell) {
        return Ok(Reading::new(address, true));
    }
    let found = addresses_in(&cell);
    let Some(first) = found.first() else {
        return Err(with_suggestion(refusal, repaired(&cell)));
    };
    if found.iter().any(|it| !it.is_same(first)) {
        return Err(with_suggestion(several(&found), Some(first.clone())));
    }
    if found.len() > 1 && is_list(&cell) {
        return Ok(Reading::new(first.clone(), true));
    }
    Err(with_suggestion(refusal, likely(&cell, first)))
}

impl Reading {
    fn new(address: Address, is_decorated: bool) -> Self {
        Self {
            address,
            is_decorated,
        }
    }
}

/// Undoes the percent-encoding of a mailto link (RFC 6068, section 2), the references of HTML, and the `="…"` that
/// keeps spreadsheets from guessing.
fn decoded(cell: &str) -> Cow<'_, str> {
    if let Some(text) = cell.strip_prefix("=\"").and_then(|it| it.strip_suffix('"')) {
        return Cow::Borrowed(text);
    }
    if cell.contains('&') && cell.contains(';') {
        let text = REFERENCES
            .iter()
            .fold(cell.to_owned(), |text, (name, sign)| {
                text.replace(&format!("&{name};"), sign)
            });
        return Cow::Owned(text::trim(&text).to_owned());
    }
    match percent_decode_str(cell).decode_utf8() {
        Ok(decoded) if is_link(cell) => decoded,
        Ok(_) | Err(_) => Cow::Borrowed(cell),
    }
}

fn is_link(cell: &str) -> bool {
    cell.get(..7)
        .is_some_and(|it| it.eq_ignore_ascii_case("mailto:"))
}

fn several(found: &[Address]) -> Refusal {
    let mut names: Vec<String> = found
        .iter()
        .take(ADDRESSES_NAMED)
        .map(Address::normalized)
        .collect();
    if found.len() > names.len() {
        names.push("\u{2026}".to_owned());
    }
    Refusal {
        detail: Some(format!("it holds {}", names.join(", "))),
        ..Flaw::SeveralAddresses.into()
    }
}

fn with_suggestion(refusal: Refusal, suggested: Option<Address>) -> Refusal {
    Refusal {
        suggestion: suggested.map(|it| it.normalized()),
        ..refusal
    }
}

/// The address, if all that is around it is a frame that can mean nothing else.
fn framed(cell: &str) -> Option<Address> {
    let mut rest = cell;
    loop {
        let inner = without_frame(rest)?;
        if let Ok(address) = address::parse(inner) {
            return Some(address);
        }
        if let Some(address) = named(inner) {
            return Some(address);
        }
        if inner == rest {
            return None;
        }
        rest = inner;
    }
}

/// Takes off a label, one pair of marks, or separators at the ends. None if what a label says is not one address.
fn without_frame(cell: &str) -> Option<&str> {
    let label = LABELS.iter().find_map(|it| {
        let (label, rest) = cell.split_at_checked(it.len())?;
        label.eq_ignore_ascii_case(it).then_some(rest)
    });
    if let Some(rest) = label {
        // The fields of a mailto link (RFC 6068) may name more addresses.
        let (address, fields) = rest.split_once('?').unwrap_or((rest, ""));
        let is_one = !fields.contains('@') && !fields.to_ascii_lowercase().contains("%40");
        return is_one.then(|| text::trim(address));
    }
    let framed = PAIRS.iter().find_map(|(open, close)| {
        let inner = cell.strip_prefix(*open)?.strip_suffix(*close)?;
        (!inner.contains([*open, *close])).then_some(inner)
    });
    let bare = framed.unwrap_or_else(|| cell.trim_matches([',', ';']));
    Some(text::trim(bare))
}

/// `Name <address>`, `Name (address)` and `address (remark)`, where name and remark hold no other @.
fn named(cell: &str) -> Option<Address> {
    let cell = text::trim(cell.trim_end_matches([',', ';']));
    for (open, close) in &PAIRS[..3] {
        let Some((before, inner)) = cell
            .strip_suffix(*close)
            .and_then(|it| it.rsplit_once(*open))
        else {
            continue;
        };
        let (before, inner) = (text::trim(before), text::trim(inner));
        if inner.contains('@') {
            let inner = without_frame(inner)?;
            let address = address::parse(inner).ok()?;
            let is_name = addresses_in(before).iter().all(|it| it.is_same(&address));
            return (is_name && !before.contains("://")).then_some(address);
        }
        if before.contains('@') && !before.contains(char::is_whitespace) {
            return address::parse(without_frame(before)?).ok();
        }
        if let Some(address) = before.ends_with('>').then(|| named(before)).flatten() {
            return Some(address);
        }
    }
    None
}

/// Whether the field holds nothing but addresses, each perhaps framed, and what separates them.
fn is_list(cell: &str) -> bool {
    parts(cell)
        .filter(|it| !it.chars().all(|c| !c.is_alphanumeric()))
        .all(|it| it.contains('@'))
}

/// The addresses of a field, in order.
fn addresses_in(cell: &str) -> Vec<Address> {
    if cell.contains("://") {
        return Vec::new();
    }
    parts(cell)
        .filter(|it| it.contains('@'))
        .filter_map(|it| address::parse(without_stray_marks(it)).ok())
        .collect()
}

/// The field, cut where no address goes on.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    let several = cell.matches('@').count() > 1;
    let is_link = is_link(cell);
    cell.split(move |c: char| {
        text::is_invisible(c)
            || matches!(
                c,
                '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | ':' | '"'
            )
            || (several && matches!(c, '/' | '|' | '\\'))
            || (is_link && matches!(c, '?' | '&' | '='))
    })
    .filter(|it| !it.is_empty())
}

fn without_stray_marks(part: &str) -> &str {
    part.trim_matches(|c: char| matches!(c, '\'' | '`' | '.' | '!') || text::is_punctuation(c))
}

/// The one address of a text that says more. Not if a word just before it may be the first half of it.
fn likely(cell: &str, found: &Address) -> Option<Address> {
    let before = cell.split('@').next().unwrap_or_default();
    let words: Vec<&str> = before
        .split(text::is_invisible)
        .filter(|it| !it.is_empty())
        .collect();
    let is_half = match &words[..] {
        [.., word, _] => word
            .chars()
            .all(|c| c.is_lowercase() || c.is_numeric() || c == '.'),
        _ => false,
    };
    if is_half {
        repaired(cell)
    } else {
        Some(found.clone())
    }
}

/// The address that the text becomes when the usual slips are undone.
fn repaired(cell: &str) -> Option<Address> {
    if cell.contains("://") {
        return None;
    }
    let visible: String = text::nfkc(cell)
        .chars()
        .filter(|it| it.is_whitespace() || !text::is_invisible(*it))
        .collect();
    let visible = match visible.contains('@') {
        true => visible,
        false => visible.replace("%40", "@"),
    };
    let spelled = spelled_out(&visible).replace(['\u{2018}', '\u{2019}'], "'");
    let marks = |c: char| {
        !c.is_alphanumeric() && !matches!(c, '_' | '+' | '-' | '=' | '#' | '$' | '&' | '*' | '~')
    };
    let text = spelled.trim_matches(marks);
    let (local, domain) = text.rsplit_once('@')?;
    let local = collapsed(local.trim_end().trim_end_matches('@'));
    let domain = domain
        .replace([',', ';'], ".")
        .replace(char::is_whitespace, "");
    let address = address::parse(&format!("{local}@{}", collapsed(&domain))).ok()?;
    matches!(address.domain, address::Domain::Name(_)).then_some(address)
}

/// `(at)` and `[dot]` are how people hide an address from programs.
fn spelled_out(text: &str) -> String {
    let mut spelled = text.to_owned();
    for (open, close) in &PAIRS[..4] {
        for (word, sign) in [("at", "@"), ("AT", "@"), ("dot", "."), ("DOT", ".")] {
            spelled = spelled.replace(&format!("{open}{word}{close}"), sign);
        }
    }
    if !text.contains('@') {
        // Words without brackets are also words of a sentence.
        let replaced = spelled.replace(" at ", "@").replace(" dot ", ".");
        if !replaced.contains(char::is_whitespace) {
            return replaced;
        }
    }
    for sign in ["@", "."] {
        for spaced in [format!(" {sign}"), format!("{sign} ")] {
            spelled = spelled.replace(&spaced, sign);
        }
    }
    spelled
}

/// Each run of dots becomes one, and none stays at the ends.
fn collapsed(text: &str) -> String {
    let labels: Vec<&str> = text.split('.').filter(|it| !it.is_empty()).collect();
    labels.join(".")
}
