use std::fmt;

/// What is wrong with a text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// There is no address, or nothing but white space.
    Empty,
    /// The address breaks the grammar of RFC 5321 and RFC 6531; the detail says where.
    Syntax,
    /// The text holds several addresses; the detail names them, and the suggestion is the first one.
    SeveralAddresses,
    /// The part before the @ has more than 64 octets (RFC 5321, section 4.5.3.1.1).
    LocalTooLong,
    /// The domain has more than 255 octets, or a label of more than 63 (RFC 5321, section 4.5.3.1.2; RFC 1035, section 2.3.4).
    DomainTooLong,
    /// The address has more than 254 octets (RFC 5321, section 4.5.3.1.3, less the angle brackets).
    TooLong,
    /// The domain is no host name, not even an internationalised one (RFC 5890).
    InvalidDomain,
    /// The domain is a single label, which nobody outside its own network can reach.
    NoTopLevelDomain,
}

impl Flaw {
    /// One sentence for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Syntax => "syntax",
            Self::SeveralAddresses => "several_addresses",
            Self::LocalTooLong => "local_too_long",
            Self::DomainTooLong => "domain_too_long",
            Self::TooLong => "too_long",
            Self::InvalidDomain => "invalid_domain",
            Self::NoTopLevelDomain => "no_top_level_domain",
        }
    }
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of flaw.
    pub flaw: Flaw,
    /// Where it is.
    pub detail: Option<String>,
    /// The address that was probably meant, when one slip explains the text.
    pub suggestion: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(self.flaw.describe()))
    }
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        Self {
            flaw,
            detail: None,
            suggestion: None,
        }
    }
}
