use std::time::Duration;

use bytes::Bytes;
use contract::Source;
use domain::sync::Failure;
use domain::sync::answer::{Answer, authorization, source_url};
use domain::sync::origin::Origins;
use guest::{FetchError, Fetched, fetch};
use serde_json::Value;
use spin_sdk::http::{FullBody, Method, Request};

/// How long a source may take for one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer read, in bytes.
const LONGEST: usize = 8 * 1024 * 1024;

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
            Silence::TooLong => Self::failed(format!("the answer is longer than {LONGEST} bytes")),
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

/// What `domain` reads of an answer.
pub(crate) fn answer(fetched: &Fetched) -> Answer<'_> {
    let header = |name| fetched.headers.get(name).and_then(|it| it.to_str().ok());
    Answer {
        status: fetched.status,
        retry_after: header("retry-after"),
        date: header("date"),
        location: header("location"),
        body: &fetched.body,
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
    if let Some(credentials) = authorization(source.username.as_deref(), source.secret.as_deref()) {
        request = request.header("authorization", credentials);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Bytes::new, |it| Bytes::from(it.to_string()));
    let request = request
        .body(FullBody::new(body))
        .map_err(|it| Silence::Failure(Failure::failed(format!("no request can be made: {it}"))))?;
    fetch(request, PATIENCE, LONGEST)
        .await
        .map_err(|it| match it {
            FetchError::TimedOut => Silence::Failure(Failure::retry(format!(
                "the source did not answer within {} s",
                PATIENCE.as_secs()
            ))),
            FetchError::TooLong(_) => Silence::TooLong,
            FetchError::Denied => Silence::Failure(Failure::failed(
                "the variable sync_hosts does not allow the host of the source; `*` allows public addresses only",
            )),
            FetchError::NotSent(text) | FetchError::Failed(text) => Silence::Failure(
                Failure::retry(format!("the source cannot be reached: {text}")),
            ),
        })
}
