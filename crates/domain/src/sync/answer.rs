//! What the answers of all sources have in common: status, redirects, and the credentials that come before them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use url::Url;

use super::Failure;
use crate::foreign::{BadJson, json, wait};

/// How long to hold back, in seconds, when a source asks for patience and does not say how much.
const DEFAULT_WAIT: u32 = 30;

/// An answer of a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header field `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// The header field `Date`.
    pub date: Option<&'a str>,
    /// The header field `Location`.
    pub location: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The body of an answer that says yes.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        self.accept()?;
        json(self.body).map_err(|it| match it {
            BadJson::TooLarge => Failure::failed("the answer is too large to read"),
            BadJson::Invalid(it) => Failure::failed(format!("the answer is not JSON: {it}")),
        })
    }

    fn accept(&self) -> Result<(), Failure> {
        let status = self.status;
        match status {
            200..=299 => Ok(()),
            401 | 403 => Err(Failure::refused(format!(
                "the source refuses the credentials ({status})"
            ))),
            429 => Err(self.patience()),
            503 if self.retry_after.is_some() => Err(self.patience()),
            408 | 500..=599 => Err(Failure::retry(format!(
                "the source is in trouble ({status})"
            ))),
            300..=399 => Err(Failure::failed(format!(
                "the source is elsewhere ({status}); give the URL that it redirects to"
            ))),
            _ => Err(Failure::failed(format!(
                "the source does not take the request ({status})"
            ))),
        }
    }

    fn patience(&self) -> Failure {
        Failure::wait(
            wait(self.retry_after, self.date, DEFAULT_WAIT),
            format!("the source asks for patience ({})", self.status),
        )
    }

    /// Where a redirect leads from a URL; none when the answer is no redirect.
    pub fn redirect(&self, from: &Url) -> Result<Option<Url>, Failure> {
        match (self.status, self.location) {
            (301..=303 | 307 | 308, Some(location)) => {
                onwards(from, location, "the redirect").map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// The URL of a source: http or https, and credentials are not part of it, because URLs are shown.
pub fn source_url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text)
        .map_err(|it| Failure::failed(format!("the URL of the source is not valid: {it}")))?;
    fit_to_ask(url, "the URL of the source")
}

/// A URL that `from` leads to, where credentials may be sent, too; never from https to http.
pub(super) fn onwards(from: &Url, link: &str, what: &str) -> Result<Url, Failure> {
    let to = from
        .join(link)
        .map_err(|it| Failure::failed(format!("{what} is not a valid URL: {it}")))?;
    let to = fit_to_ask(to, what)?;
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(Failure::failed(format!(
            "{what} leads from https to http; credentials are not sent there"
        )));
    }
    Ok(to)
}

fn fit_to_ask(mut url: Url, what: &str) -> Result<Url, Failure> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Failure::failed(format!("{what} is neither http nor https")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::failed(format!("{what} holds credentials")));
    }
    url.set_fragment(None);
    Ok(url)
}

/// The header field `Authorization`: Basic with a user name (RFC 7617), Bearer without (RFC 6750), none without a secret.
pub fn authorization(username: Option<&str>, secret: Option<&str>) -> Option<String> {
    let secret = secret?;
    Some(match username.filter(|it| !it.is_empty()) {
        Some(username) => format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{username}:{secret}"))
        ),
        None => format!("Bearer {secret}"),
    })
}
