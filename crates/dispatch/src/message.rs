use baton::contract::Text;
use outbound::printable;
use serde::{Deserialize, Serialize};

/// With which name requests are made; some providers refuse those without one.
pub(crate) const USER_AGENT: (&str, &str) = ("user-agent", "baton");

/// By which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A text message to a phone.
    Sms,
    /// An e-mail.
    Email,
}

impl Channel {
    /// The word under which the database has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

impl Text for Channel {
    fn into_text(self) -> Option<String> {
        Some(self.as_str().to_owned())
    }
}

/// What became of a message, as far as the sender knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The provider has it.
    Submitted {
        /// Which provider.
        provider: &'static str,
        /// Its id of the message, where it gives one.
        provider_id: Option<String>,
        /// What it says of the way from there, where it knows already.
        delivery: Option<Delivery>,
    },
    /// It will not go out, and the same again is in vain.
    Failed(Trouble),
    /// The provider does not have it; later it may take it.
    Retry {
        /// Why.
        #[serde(flatten)]
        trouble: Trouble,
        /// For how many seconds the provider wants to be left alone, 1 to 3,600; none where only this message waits.
        wait: Option<u32>,
    },
    /// The provider may have it.
    Unknown {
        /// Why.
        #[serde(flatten)]
        trouble: Trouble,
        /// Whether the provider can be asked about it later.
        askable: bool,
    },
    /// It was noted as going out and then kept back: due again at once, and the try does not count.
    Unsent,
    /// The provider was asked, and does not have it.
    Absent,
    /// No provider is set for its channel.
    Outbox,
    /// The provider takes nothing from this account until somebody sees to it; it does not have the message.
    Refused(Trouble),
}

/// Why a message is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// A stable code.
    pub reason: &'static str,
    /// For people: the provider's own code and words; never a secret, at most 300 characters.
    pub detail: String,
}

/// What a provider says of a message that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Delivery {
    /// It is on its way.
    Submitted,
    /// It arrived.
    Delivered,
    /// It did not arrive.
    Undelivered(Trouble),
    /// The provider gave it up before sending it.
    Failed(Trouble),
}

/// A message as it goes to a provider.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Its id, a UUID; the idempotency key where there are such.
    pub id: &'a str,
    /// By which way it goes.
    pub channel: Channel,
    /// Where to: a number by E.164, or an e-mail address.
    pub address: &'a str,
    /// The subject, for e-mail.
    pub subject: Option<&'a str>,
    /// The text.
    pub body: &'a str,
    /// The time now, in seconds since 1970.
    pub sent_at: u64,
}

/// A request to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// The method.
    pub method: &'static str,
    /// The URL; it holds no secret.
    pub url: String,
    /// The header fields, which hold secrets.
    pub headers: Vec<(&'static str, String)>,
    /// The body, empty for GET.
    pub body: String,
}

/// An answer of a provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header field `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// The header field `Date`.
    pub date: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// How a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It was surely not sent, for this reason.
    NotSent(String),
    /// Nothing came in time.
    TimedOut,
    /// The connection broke after the request, or a part of it, was sent.
    Broken(String),
    /// This deployment does not allow it.
    Denied,
}

impl Trouble {
    pub(crate) fn new(reason: &'static str, detail: &str) -> Self {
        Self {
            reason,
            detail: printable(detail),
        }
    }
}

/// A stranger's words, fit to store, without the secrets that they may repeat.
pub(crate) fn without(secrets: &[&str], words: &str) -> String {
    // A control character inside a secret would hide it here and be dropped later.
    let words: String = words.chars().filter(|it| !it.is_control()).collect();
    let safe = secrets
        .iter()
        .filter(|it| !it.is_empty())
        .fold(words, |words, secret| words.replace(secret, "…"));
    printable(&safe)
}

/// The fields of a form (`application/x-www-form-urlencoded`), in their order.
#[must_use]
pub fn form(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// A text is no e-mail address; the message says where it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnAddress(String);

/// An e-mail address in normal form. Whether anybody has it, the provider will say.
///
/// # Errors
/// When the text is no address.
pub fn email_address(text: &str) -> Result<String, NotAnAddress> {
    email_address::normalize(text).map_err(|it| NotAnAddress(it.to_string()))
}
