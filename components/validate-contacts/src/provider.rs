//! Verification providers by their published HTTP interfaces: what to ask, and what an answer means.
//! Who sends the request, and what happens to an address that got no answer, is not decided here.

mod kickbox;
#[cfg(test)]
mod tests;
mod zerobounce;

use outbound::{printable, wait};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// How long to hold back, in seconds, when a provider does not say.
const DEFAULT_WAIT: u32 = 60;

/// Whose interface is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(
    serialize_all = "lowercase",
    parse_err_ty = UnknownShape,
    parse_err_fn = UnknownShape::new
)]
pub enum Shape {
    /// Kickbox, single verification, version 2.
    Kickbox,
    /// ZeroBounce, single validation, version 2.
    Zerobounce,
}

/// There is no provider of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no provider is called \"{0}\"; there are kickbox and zerobounce")]
pub struct UnknownShape(String);

impl Shape {
    /// The name of the provider, as in the configuration.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl UnknownShape {
    fn new(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// What a provider says of a mailbox, in words common to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderResult {
    /// It takes mail.
    Deliverable,
    /// It does not.
    Undeliverable,
    /// It may, but there are doubts.
    Risky,
    /// The provider could not find out.
    Unknown,
}

/// A provider's answer about one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderAnswer {
    /// Which provider.
    pub name: String,
    /// What it says.
    pub result: ProviderResult,
    /// Why, in its own words.
    pub reason: String,
    /// The address that it thinks was meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl ProviderAnswer {
    /// The answer of a provider that gave none: unknown, with the reason why.
    pub fn unavailable(shape: Shape, reason: &str) -> Self {
        Self::new(shape, ProviderResult::Unknown, reason, None)
    }

    fn new(shape: Shape, result: ProviderResult, reason: &str, suggestion: Option<&str>) -> Self {
        Self {
            name: shape.as_str().to_owned(),
            result,
            reason: printable(reason),
            suggestion: suggestion.map(printable).filter(|it| it.contains('@')),
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider answered.
    Answer(ProviderAnswer),
    /// The provider wants us to hold back, with everything.
    Throttled {
        /// For how many seconds: 1..=3600.
        seconds: u32,
    },
    /// There is no answer.
    Failed {
        /// What kind of failure, by what to do about it.
        kind: FailureKind,
        /// What to tell people; never holds the key or the address.
        message: String,
    },
}

/// What to do about a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The key is wrong or the credits are spent: somebody has to see to it.
    Account,
    /// The provider does not take this very request; the same again is in vain.
    Rejected,
    /// The provider is in trouble; later it may work.
    Unavailable,
    /// The answer is not what the provider's documentation promises.
    Malformed,
}

/// The path and query of the GET request that asks about an address.
pub fn request_path(shape: Shape, email: &str, key: &str) -> String {
    let email = utf8_percent_encode(email, ENCODED);
    let key = utf8_percent_encode(key, ENCODED);
    match shape {
        Shape::Kickbox => format!("/v2/verify?email={email}&apikey={key}"),
        Shape::Zerobounce => format!("/v2/validate?api_key={key}&email={email}&ip_address="),
    }
}

/// What a response means. `retry_after` and `date` are the header fields of these names (RFC 9110, sections 10.2.3 and 6.6.1).
pub fn parse(
    shape: Shape,
    status: u16,
    retry_after: Option<&str>,
    date: Option<&str>,
    body: &[u8],
) -> Outcome {
    let held_back = Outcome::Throttled {
        seconds: wait(retry_after, date, DEFAULT_WAIT),
    };
    match status {
        200 => match shape {
            Shape::Kickbox => kickbox::read(body),
            Shape::Zerobounce => zerobounce::read(body),
        },
        429 => held_back,
        503 if retry_after.is_some() => held_back,
        401..=403 => failed(
            FailureKind::Account,
            &format!(
                "{} refuses the key or has no credits left (HTTP {status})",
                shape.as_str()
            ),
        ),
        408 | 500..=599 => failed(
            FailureKind::Unavailable,
            &format!("{} is in trouble (HTTP {status})", shape.as_str()),
        ),
        400..=499 => failed(
            FailureKind::Rejected,
            &format!(
                "{} does not take the request (HTTP {status})",
                shape.as_str()
            ),
        ),
        _ => failed(
            FailureKind::Malformed,
            &format!("{} answers with HTTP {status}", shape.as_str()),
        ),
    }
}

fn failed(kind: FailureKind, message: &str) -> Outcome {
    Outcome::Failed {
        kind,
        message: message.to_owned(),
    }
}

fn malformed(shape: Shape) -> Outcome {
    failed(
        FailureKind::Malformed,
        &format!("{} answers in a form it does not document", shape.as_str()),
    )
}
