//! Requests to other servers. [`crate::Context`] begins them.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Context;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// How long a request may take unless [`Request::timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long to hold back when the other side asks for patience and does not say for how long, in seconds.
const WAIT: u32 = 30;

/// An answer from outside.
#[derive(Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer from outside.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It did not come in time.
    #[error("timeout")]
    TimedOut,
    /// It is longer than so many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The manifest, or the host's configuration, does not let this component ask there.
    #[error("allowed_outbound_hosts does not allow this host")]
    Denied,
    /// The other side cannot be reached, so it has not seen the request; the text is short.
    #[error("{0}")]
    NotSent(String),
    /// It breaks off, and may have seen the request; the text is short.
    #[error("{0}")]
    Failed(String),
}

/// Why a request of a job came to nothing. With `?` it becomes a retry. `request` is its method and address, without user
/// and query.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be made: its address, a header field or its body is malformed.
    #[error("{request}: {reason}")]
    Malformed {
        /// Which request.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no answer.
    #[error("{request}: {reason}")]
    NoAnswer {
        /// Which request.
        request: String,
        /// Why not.
        reason: FetchError,
    },
    /// The server answered 5xx: it cannot serve the request now.
    #[error("{request}: the server answered {status}")]
    ServerError {
        /// Which request.
        request: String,
        /// 500 to 599.
        status: u16,
        /// What `Retry-After` asks for, if it is there.
        retry_after: Option<Duration>,
    },
    /// The answer's body is not what it was read as.
    #[error("{request}: the answer: {reason}")]
    Unreadable {
        /// Which request.
        request: String,
        /// What is wrong with it.
        reason: serde_json::Error,
    },
}

impl Error {
    /// How long to hold back, where the server says so: then the item waits, and the try does not count.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::ServerError { retry_after, .. } => *retry_after,
            Self::Malformed { .. } | Self::NoAnswer { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// A request that is sent by `.await`, or by [`Request::send`].
///
/// It carries the header fields `traceparent` and `Idempotency-Key` ([`crate::Item::idempotency_key`]), unless it is given
/// others. An answer of 5xx is an [`Error`]; every other status is an answer.
#[must_use = "a request is sent by `.await`"]
pub struct Request<'a> {
    cx: &'a Context,
    inner: Result<http::Request<Bytes>, String>,
    name: String,
    timeout: Duration,
}

impl<'a> Request<'a> {
    pub(crate) fn new(cx: &'a Context, method: Method, url: &str) -> Self {
        let request = http::Request::builder().method(method.clone()).uri(url);
        Self {
            cx,
            name: format!("{method} {}", shown(url)),
            inner: request.body(Bytes::new()).map_err(|it| it.to_string()),
            timeout: TIMEOUT,
        }
    }

    /// Adds a header field, in place of one of this name.
    pub fn header(self, name: &str, value: &str) -> Self {
        let name = name.to_owned();
        let value = value.to_owned();
        self.change(|request| {
            let field = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is no name of a header field"))?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                format!("the value of the header field {name} has characters that none may have")
            })?;
            request.headers_mut().insert(field, value);
            Ok(())
        })
    }

    /// Adds `Authorization: Bearer …`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends this as JSON.
    pub fn json<B: Serialize + ?Sized>(self, body: &B) -> Self {
        let json = serde_json::to_vec(body).map_err(|it| format!("its body: {it}"));
        self.change(|request| {
            *request.body_mut() = json?.into();
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            Ok(())
        })
    }

    /// Sends these bytes; give their `content-type` by [`Request::header`].
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = Bytes::from(body.into());
        self.change(|request| {
            *request.body_mut() = body;
            Ok(())
        })
    }

    /// Waits so long for the answer: 10 s unless set, and never longer than [`Context::time_left`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends it; `.await` on the request does the same.
    ///
    /// # Errors
    /// If it is malformed, if there is no answer in time, or if the answer is 5xx.
    pub async fn send(self) -> Result<Answer, Error> {
        let request = self.name;
        let mut inner = match self.inner {
            Ok(inner) => inner,
            Err(reason) => return Err(Error::Malformed { request, reason }),
        };
        for (name, value) in self.cx.headers() {
            inner.headers_mut().entry(name).or_insert(value);
        }
        let timeout = self.timeout.min(self.cx.time_left());
        match self.cx.fetch(inner, timeout, LONGEST_ANSWER).await {
            Ok(fetched) => Answer { request, fetched }.unless_server_error(),
            Err(reason) => Err(Error::NoAnswer { request, reason }),
        }
    }

    fn change(
        mut self,
        change: impl FnOnce(&mut http::Request<Bytes>) -> Result<(), String>,
    ) -> Self {
        // The first fault is the one that is told.
        self.inner = self.inner.and_then(|mut request| {
            change(&mut request)?;
            Ok(request)
        });
        self
    }
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Result<Answer, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// An answer that is no server error.
#[derive(Debug)]
pub struct Answer {
    request: String,
    fetched: Fetched,
}

impl Answer {
    /// Its HTTP status, below 500.
    pub fn status(&self) -> u16 {
        self.fetched.status
    }

    /// A header field, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fetched.headers.get(name)?.to_str().ok()
    }

    /// Its body as JSON.
    ///
    /// # Errors
    /// If it is no JSON, or not of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.fetched.body).map_err(|reason| Error::Unreadable {
            request: self.request.clone(),
            reason,
        })
    }

    /// Its body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.fetched.body).into_owned()
    }

    /// How long the header field `Retry-After` asks to wait, in seconds or by a date, between 1 s and 1 h; 30 s without one.
    /// For [`crate::Outcomes::retry_after`].
    pub fn retry_after(&self) -> Duration {
        let seconds = outbound::wait(self.header("retry-after"), self.header("date"), WAIT);
        Duration::from_secs(seconds.into())
    }

    fn unless_server_error(self) -> Result<Self, Error> {
        match self.status() {
            500.. => Err(Error::ServerError {
                status: self.status(),
                retry_after: self.header("retry-after").map(|_| self.retry_after()),
                request: self.request,
            }),
            _ => Ok(self),
        }
    }
}

/// An address for people: without user and query, which may hold secrets.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_show_no_user_and_no_query() {
        let check = |url, expected| assert_eq!(shown(url), expected);
        check(
            "https://bank.example/invoices/1?key=s#t",
            "https://bank.example/invoices/1",
        );
        check("https://ann:pw@bank.example", "https://bank.example");
        check("https://bank.example/a@b", "https://bank.example/a@b");
        check("no address", "no address");
    }
}
