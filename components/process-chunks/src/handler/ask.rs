use std::time::Duration;

use baton::{FetchError, Fetched, fetch};
use bytes::Bytes;
use serde_json::Value;
use spin_sdk::http::{FullBody, HeaderName, HeaderValue, Method, Request};

use crate::calls::Source;
use crate::source::answer::{Answer, source_url};
use crate::source::header::headers;
use crate::source::origin::Origins;
use crate::source::{Failure, LONGEST_ANSWER};

/// How long a source may take for one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a source gave no answer.
pub(crate) enum Silence {
    /// The answer was too long to read; one to a smaller question may not be.
    TooLong,
    /// Anything else.
    Failure(Failure),
}

impl From<Silence> for Failure {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::TooLong => Self::too_long(),
            Silence::Failure(failure) => failure,
        }
    }
}

/// Gets what is at a URL of a source.
pub(crate) async fn get(source: &Source, url: &str) -> Result<Fetched, Silence> {
    ask(source, Method::GET, url, None).await
}

/// Posts JSON to a URL of a source.
pub(crate) async fn post(source: &Source, url: &str, body: &Value) -> Result<Fetched, Silence> {
    ask(source, Method::POST, url, Some(body)).await
}

/// What [`crate::source`] reads of an answer.
pub(crate) fn answer<'a>(source: &'a Source, fetched: &'a Fetched) -> Answer<'a> {
    let headers = fetched.headers.iter();
    Answer {
        status: fetched.status,
        // A field that is no text says nothing to us.
        headers: headers
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect(),
        body: &fetched.body,
        secret: source.secret.as_deref(),
    }
}

/// Asks no other server than those that the operator chose, because every request carries the credentials.
async fn ask(
    source: &Source,
    method: Method,
    url: &str,
    body: Option<&Value>,
) -> Result<Fetched, Silence> {
    let origins = Origins::of(&source.url, &source.settings).map_err(Silence::Failure)?;
    let url = source_url(url).map_err(Silence::Failure)?;
    origins.permit(&url).map_err(Silence::Failure)?;
    let mut request = Request::builder()
        .method(method)
        .uri(url.as_str())
        .header("accept", "application/json")
        .header("user-agent", "baton");
    let others = headers(
        &source.settings,
        source.username.as_deref(),
        source.secret.as_deref(),
    );
    for (name, value) in others {
        // The last of a name counts, so that a source may want another `Accept`.
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            return Err(Silence::Failure(Failure::failed(
                "a header field of the source cannot be sent; add the source again",
            )));
        };
        if let Some(headers) = request.headers_mut() {
            headers.insert(name, value);
        }
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Bytes::new, |it| Bytes::from(it.to_string()));
    let request = request
        .body(FullBody::new(body))
        .map_err(|it| Silence::Failure(Failure::failed(format!("no request can be made: {it}"))))?;
    fetch(request, PATIENCE, LONGEST_ANSWER)
        .await
        .map_err(|it| match it {
            FetchError::TimedOut => Silence::Failure(Failure::retry(format!(
                "{} did not answer within {} s",
                url.origin().ascii_serialization(),
                PATIENCE.as_secs()
            ))),
            FetchError::TooLong(_) => Silence::TooLong,
            FetchError::Denied => Silence::Failure(Failure::failed(format!(
                "the variable sync_hosts does not allow {}; `*` allows public addresses only",
                url.origin().ascii_serialization()
            ))),
            FetchError::NotSent(text) | FetchError::Failed(text) => {
                Silence::Failure(Failure::retry(format!(
                    "{} cannot be reached: {text}",
                    url.origin().ascii_serialization()
                )))
            }
        })
}
