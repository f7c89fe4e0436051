use email_address::Flaw;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a verdict says about an address. Stored and shown as the snake_case word of [`Status::as_str`].
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Nothing speaks against sending mail there.
    Deliverable,
    /// Mail cannot arrive there: a fact, not a suspicion.
    Undeliverable,
    /// Mail may arrive, but it is doubtful whether it reaches the person meant.
    Risky,
    /// It could not be found out this time; asking again later may help.
    Unknown,
}

impl Status {
    /// Every status there is.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The stable word for this status.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a verdict is what it is. Each reason belongs to exactly one [`Status`], so the two never contradict each other.
/// The snake_case codes are stored, so they are never renamed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// The domain takes mail, by an MX record or by its address (RFC 5321, section 5.1).
    Accepted,
    /// DNS is configured off, and syntax and lists have no objection.
    NotChecked,
    /// The provider says that the mailbox takes mail.
    ProviderAccepted,
    /// There is no address, or nothing but white space.
    Empty,
    /// The address breaks the grammar of RFC 5321 and RFC 6531; the evidence says where.
    Syntax,
    /// The text holds several addresses; the evidence names them, and the suggestion is the first one.
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
    /// The name is set aside for documentation, tests or private networks (RFC 2606, RFC 6761, RFC 6762, RFC 7686).
    ReservedDomain,
    /// The domain says by a null MX record that it takes no mail (RFC 7505).
    NullMx,
    /// The domain does not exist.
    NoSuchDomain,
    /// The domain exists, but has neither an MX record nor an address.
    NoMailHost,
    /// The domain leads only to what can be no mail host: an IP address as a name (RFC 5321, section 5.1), a reserved
    /// name, or an address that is not public (RFC 6890).
    UnusableMailHost,
    /// The provider says that the mailbox does not take mail.
    ProviderRejected,
    /// The domain hands out throw-away mailboxes.
    Disposable,
    /// The domain is an IP address in brackets, which most mail servers refuse.
    AddressLiteral,
    /// The domain looks like a slip of the hand on a well-known one; the suggestion says which.
    LikelyTypo,
    /// The part before the @ breaks RFC 5321, section 4.1.2, in a way that this provider is known to accept.
    NonstandardLocalPart,
    /// The address belongs to a function, such as info or postmaster (RFC 2142), not to a person.
    Role,
    /// The provider has doubts, such as a server that accepts every name.
    ProviderRisky,
    /// The name servers answered with an error, or with something that is no answer.
    DnsFailed,
    /// The name servers did not answer in time.
    DnsTimeout,
    /// The provider could not find out.
    ProviderUnknown,
    /// The database gave this contact up, because its validation died too often; nothing in this crate says so.
    GaveUp,
}

impl Reason {
    /// Every reason there is.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The stable code of this reason.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The reason with this code, if there is one.
    pub fn from_code(code: &str) -> Option<Self> {
        code.parse().ok()
    }

    /// The status that this reason leads to.
    pub fn status(self) -> Status {
        match self {
            Self::Accepted | Self::NotChecked | Self::ProviderAccepted => Status::Deliverable,
            Self::Empty
            | Self::Syntax
            | Self::SeveralAddresses
            | Self::LocalTooLong
            | Self::DomainTooLong
            | Self::TooLong
            | Self::InvalidDomain
            | Self::NoTopLevelDomain
            | Self::ReservedDomain
            | Self::NullMx
            | Self::NoSuchDomain
            | Self::NoMailHost
            | Self::UnusableMailHost
            | Self::ProviderRejected => Status::Undeliverable,
            Self::Disposable
            | Self::AddressLiteral
            | Self::LikelyTypo
            | Self::NonstandardLocalPart
            | Self::Role
            | Self::ProviderRisky => Status::Risky,
            Self::DnsFailed | Self::DnsTimeout | Self::ProviderUnknown | Self::GaveUp => {
                Status::Unknown
            }
        }
    }

    /// One sentence for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Accepted => "The domain takes mail.",
            Self::NotChecked => "The address is well formed; DNS was not asked.",
            Self::ProviderAccepted => "The verification provider says that the mailbox takes mail.",
            Self::Empty => "There is no address.",
            Self::Syntax => "This is not an e-mail address.",
            Self::SeveralAddresses => "There are several addresses in one field.",
            Self::LocalTooLong => "The part before the @ has more than 64 octets.",
            Self::DomainTooLong => "The domain, or one of its labels, is too long.",
            Self::TooLong => "The address has more than 254 octets.",
            Self::InvalidDomain => "The part after the @ is not a domain name.",
            Self::NoTopLevelDomain => "The domain has no top-level domain.",
            Self::ReservedDomain => {
                "The domain is reserved for documentation, tests or private use."
            }
            Self::NullMx => "The domain declares that it takes no mail.",
            Self::NoSuchDomain => "The domain does not exist.",
            Self::NoMailHost => "The domain exists, but has no mail server.",
            Self::UnusableMailHost => {
                "The domain names only mail servers that cannot exist, such as 127.0.0.1."
            }
            Self::ProviderRejected => {
                "The verification provider says that the mailbox takes no mail."
            }
            Self::Disposable => "The domain hands out throw-away mailboxes.",
            Self::AddressLiteral => "The domain is an IP address, which most mail servers refuse.",
            Self::LikelyTypo => "The domain looks like a typing error.",
            Self::NonstandardLocalPart => {
                "The part before the @ breaks the standard; this provider accepts it, others may not."
            }
            Self::Role => "The address belongs to a function, not to a person.",
            Self::ProviderRisky => "The verification provider has doubts about the mailbox.",
            Self::DnsFailed => "The name servers gave no usable answer.",
            Self::DnsTimeout => "The name servers did not answer in time.",
            Self::ProviderUnknown => "The verification provider could not find out.",
            Self::GaveUp => "The validation of this contact failed too often.",
        }
    }
}

impl From<Flaw> for Reason {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Empty => Self::Empty,
            Flaw::Syntax => Self::Syntax,
            Flaw::SeveralAddresses => Self::SeveralAddresses,
            Flaw::LocalTooLong => Self::LocalTooLong,
            Flaw::DomainTooLong => Self::DomainTooLong,
            Flaw::TooLong => Self::TooLong,
            Flaw::InvalidDomain => Self::InvalidDomain,
            Flaw::NoTopLevelDomain => Self::NoTopLevelDomain,
        }
    }
}
