use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::flaw::{Flaw, Refusal};
use crate::text;

/// Longest local part in octets (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Longest domain in octets (RFC 5321, section 4.5.3.1.2).
const MAX_DOMAIN: usize = 255;
/// Longest label of a domain in octets (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;
/// Longest address in octets: a path of 256 (RFC 5321, section 4.5.3.1.3) without its angle brackets.
const MAX_ADDRESS: usize = 254;
/// Japanese carriers, which gave out such names for years.
const STRAY_DOTS: [&str; 9] = [
    "docomo.ne.jp",
    "ezweb.ne.jp",
    "au.com",
    "ido.ne.jp",
    "softbank.ne.jp",
    "i.softbank.jp",
    "vodafone.ne.jp",
    "disney.ne.jp",
    "pdx.ne.jp",
];
/// What is longer than this is not looked at: even punycode shortens no address so much.
const MAX_RAW: usize = 4096;

/// A well-formed address in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The part before the @.
    pub local: String,
    /// The part after it.
    pub domain: Domain,
    /// False if the local part breaks RFC 5321 in a way that its provider accepts.
    pub is_standard: bool,
}

/// The part after the @.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// A host name with at least two labels: ASCII, lower case.
    Name(String),
    /// An IP address in brackets (RFC 5321, section 4.1.3).
    Literal(IpAddr),
}

impl Address {
    /// Whether mail to both arrives in one mailbox: hardly any server tells upper from lower case.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.normalized().eq_ignore_ascii_case(&other.normalized())
    }

    /// The address as it is stored and sent to: NFC, the domain in ASCII and lower case, the local part as it was.
    pub fn normalized(&self) -> String {
        match &self.domain {
            Domain::Name(name) => format!("{}@{name}", self.local),
            Domain::Literal(IpAddr::V4(ip)) => format!("{}@[{ip}]", self.local),
            Domain::Literal(IpAddr::V6(ip)) => format!("{}@[IPv6:{ip}]", self.local),
        }
    }
}

/// Reads a bare address (RFC 5321, section 4.1.2, with RFC 6531, section 3.3), without anything around it.
pub(crate) fn parse(text: &str) -> Result<Address, Refusal> {
    if text.is_empty() {
        return Err(Flaw::Empty.into());
    }
    if text.len() > MAX_RAW {
        return Err(Flaw::TooLong.into());
    }
    let text = text::nfc(text);
    let (local, domain) = split(&text)?;
    let stray_dot = check_local(local)?;
    let domain = read_domain(domain)?;
    let is_standard = match (stray_dot, &domain) {
        (false, _) => true,
        (true, Domain::Name(name)) if accepts_stray_dots(name) => false,
        (true, _) => {
            return Err(syntax(
                "before the @, a dot stands at the start, at the end or beside another",
            ));
        }
    };
    if local.len() > MAX_LOCAL {
        return Err(Flaw::LocalTooLong.into());
    }
    let address = Address {
        local: local.to_owned(),
        domain,
        is_standard,
    };
    if address.normalized().len() > MAX_ADDRESS {
        return Err(Flaw::TooLong.into());
    }
    Ok(address)
}

fn split(text: &str) -> Result<(&str, &str), Refusal> {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err(syntax("there is no @"));
    };
    if local.is_empty() {
        return Err(syntax("nothing stands before the @"));
    }
    if domain.is_empty() {
        return Err(syntax("nothing stands after the @"));
    }
    Ok((local, domain))
}

/// True if a dot stands where RFC 5321 has none.
fn check_local(local: &str) -> Result<bool, Refusal> {
    if let Some(rest) = local.strip_prefix('"') {
        return check_quoted(rest).map(|()| false);
    }
    match local.chars().find(|&c| c != '.' && !is_atext(c)) {
        Some(c) => Err(not_allowed(c)),
        None => Ok(local.split('.').any(str::is_empty)),
    }
}

fn check_quoted(rest: &str) -> Result<(), Refusal> {
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if chars.as_str().is_empty() => return Ok(()),
            '"' => return Err(syntax("text follows the closing quote before the @")),
            '\\' => match chars.next() {
                Some(' '..='~') => {}
                _ => return Err(syntax("a backslash stands before nothing it could quote")),
            },
            ' '..='~' => {}
            _ if is_utf8_text(c) => {}
            _ => return Err(not_allowed(c)),
        }
    }
    Err(syntax("a quote before the @ is not closed"))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_utf8_text(c)
}

/// RFC 6531 takes any non-ASCII character. Invisible ones, and quotes and dashes that programs put in place of typed
/// ones, are refused all the same.
fn is_utf8_text(c: char) -> bool {
    !c.is_ascii()
        && !text::is_invisible(c)
        && !text::is_punctuation(c)
        && c != char::REPLACEMENT_CHARACTER
}

fn read_domain(domain: &str) -> Result<Domain, Refusal> {
    if let Some(literal) = domain.strip_prefix('[') {
        return read_literal(literal).map(Domain::Literal);
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Ignore,
        )
        .ok()
        .filter(|_| !domain.chars().any(text::is_punctuation))
        .ok_or_else(|| invalid("a character or a hyphen stands where no host name has one"))?
        .into_owned();
    let labels: Vec<&str> = ascii.split('.').collect();
    if labels.iter().any(|it| it.is_empty()) {
        return Err(invalid(
            "a dot stands at the start, at the end or beside another",
        ));
    }
    if ascii.len() > MAX_DOMAIN || labels.iter().any(|it| it.len() > MAX_LABEL) {
        return Err(Flaw::DomainTooLong.into());
    }
    let [.., _, top] = labels.as_slice() else {
        return Err(Flaw::NoTopLevelDomain.into());
    };
    if top.bytes().all(|it| it.is_ascii_digit()) {
        return Err(invalid("the last label is a number"));
    }
    Ok(Domain::Name(ascii))
}

/// The domain in ASCII and lower case; as it is if it has no such form.
pub fn ascii_domain(domain: &str) -> String {
    idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned())
}

fn read_literal(literal: &str) -> Result<IpAddr, Refusal> {
    let ip = literal.strip_suffix(']').and_then(|text| {
        let is_v6 = text
            .get(..5)
            .is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
        if is_v6 {
            text[5..].parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        } else {
            text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        }
    });
    ip.ok_or_else(|| invalid("the brackets hold no IP address"))
}

fn not_allowed(c: char) -> Refusal {
    if c == char::REPLACEMENT_CHARACTER {
        return syntax("it holds U+FFFD, so the text was read in a wrong encoding");
    }
    let what = match c {
        ' ' => "a space".to_owned(),
        _ if text::is_invisible(c) => format!("the invisible character U+{:04X}", u32::from(c)),
        _ => format!("the character {}", c.escape_debug()),
    };
    syntax(&format!("{what} is not allowed before the @"))
}

pub(crate) fn syntax(detail: &str) -> Refusal {
    Refusal {
        detail: Some(detail.to_owned()),
        ..Flaw::Syntax.into()
    }
}

fn invalid(detail: &str) -> Refusal {
    Refusal {
        detail: Some(detail.to_owned()),
        ..Flaw::InvalidDomain.into()
    }
}

/// Whether this provider has mailboxes with a dot at the start or the end of their names, or two in a row.
fn accepts_stray_dots(domain: &str) -> bool {
    STRAY_DOTS.into_iter().any(|it| is_under(domain, it))
}

/// Whether `domain` is `name` or lies below it, in any ASCII case.
pub fn is_under(domain: &str, name: &str) -> bool {
    let Some(at) = domain.len().checked_sub(name.len()) else {
        return false;
    };
    let (above, tail) = domain.as_bytes().split_at(at);
    !name.is_empty()
        && tail.eq_ignore_ascii_case(name.as_bytes())
        && (above.is_empty() || above.ends_with(b"."))
}
