use std::time::Duration;

use baton::{FetchError, Fetched, fetch};
use bytes::Bytes;
use dispatch::{Ask, Reply, Silence};
use spin_sdk::http::{FullBody, Request};

/// How long a provider may take for one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer read, in bytes; a list of messages is by far the longest.
const LONGEST: usize = 256 * 1024;

/// Makes a request of a provider.
pub(crate) async fn post(ask: Ask) -> Result<Fetched, Silence> {
    let mut request = Request::builder().method(ask.method).uri(ask.url);
    for (name, value) in ask.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(FullBody::new(Bytes::from(ask.body)))
        // Its address or a key is no part of a request.
        .map_err(|_| Silence::Denied)?;
    fetch(request, PATIENCE, LONGEST)
        .await
        .map_err(|it| match it {
            FetchError::TimedOut => Silence::TimedOut,
            FetchError::Denied => Silence::Denied,
            FetchError::NotSent(text) => Silence::NotSent(text),
            broken @ (FetchError::TooLong(_) | FetchError::Failed(_)) => {
                Silence::Broken(broken.to_string())
            }
        })
}

/// What `dispatch` reads of an answer.
pub(crate) fn reply(fetched: &Fetched) -> Reply<'_> {
    let header = |name| fetched.headers.get(name).and_then(|it| it.to_str().ok());
    Reply {
        status: fetched.status,
        retry_after: header("retry-after"),
        date: header("date"),
        body: &fetched.body,
    }
}
