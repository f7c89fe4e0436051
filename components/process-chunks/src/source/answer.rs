//! What the answers of all sources have in common: status, limits, redirects and how the body is written.

mod body;
mod limit;

use serde_json::Value;
use url::Url;

use super::Failure;
use super::url_secret::masked;

pub(super) use body::server_error;

/// The longest part of a server's own words that is repeated, in characters.
const LONGEST_WORDS: usize = 100;

/// An answer of a source.
#[derive(Debug, Clone, Default)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header fields, in the order in which they came.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The body.
    pub body: &'a [u8],
    /// The password or token that the request carried, which no message repeats.
    pub secret: Option<&'a str>,
}

impl Answer<'_> {
    /// The body of an answer that says yes.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        self.accept()?;
        body::read(self)
    }

    /// The first header field of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All header fields of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(it, _)| it.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// A server's own words, short and without the secret.
    pub(super) fn words(&self, text: &str) -> String {
        let text = match self.secret.filter(|it| !it.is_empty()) {
            Some(secret) => text.replace(secret, "***"),
            None => text.to_owned(),
        };
        text.chars().take(LONGEST_WORDS).collect()
    }

    fn accept(&self) -> Result<(), Failure> {
        let status = self.status;
        if let 200..=299 = status {
            return Ok(());
        }
        // What an error page says is a help where it is JSON, and nothing where it is not.
        let body = body::read(self).unwrap_or_default();
        let words = server_error(&body, true).map(|it| self.words(&it));
        if let Some(seconds) = limit::wait(self, words.as_deref()) {
            return Err(Failure::wait(
                seconds,
                format!("the source asks for patience ({status})"),
            ));
        }
        let because = words.map(|it| format!(": {it}")).unwrap_or_default();
        Err(match status {
            401 | 403 => Failure::refused(format!(
                "the source refuses the credentials ({status}){because}"
            )),
            408 | 500..=599 => {
                Failure::retry(format!("the source is in trouble ({status}){because}"))
            }
            300..=399 => Failure::failed(match self.header("location") {
                Some(location) => format!(
                    "the source has moved ({status}); add it with its new address, {}",
                    masked(&self.words(location))
                ),
                None => format!("the source has moved ({status}), and does not say where"),
            }),
            404 | 410 => Failure::failed(format!(
                "there is nothing at this address ({status}){because}"
            )),
            _ => Failure::failed(format!(
                "the source does not take the request ({status}){because}"
            )),
        })
    }

    /// Where a redirect leads from a URL; none when the answer is no redirect.
    pub fn redirect(&self, from: &Url) -> Result<Option<Url>, Failure> {
        match (self.status, self.header("location")) {
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
