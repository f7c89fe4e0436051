//! In-process requests that the host sends to its own application, for ticks and wakes.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;

use crate::app::{App, body};

/// A longer body of an answer is not read to its end, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// The status and body of an answer, or why there was none.
pub type Answer = Result<(u16, Bytes), String>;

/// Like [`send`]; a failure is logged, and the answer matters no further.
pub(crate) async fn post(app: &App, path: &str, bearer: &str, trigger: &str) {
    log(path, trigger, &send(app, path, bearer, trigger).await);
}

/// POSTs `{"trigger":"<trigger>"}` to `path` and waits for the answer.
pub(crate) async fn send(app: &App, path: &str, bearer: &str, trigger: &str) -> Answer {
    let payload = Bytes::from(format!("{{\"trigger\":\"{trigger}\"}}"));
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://localhost{path}"))
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, payload.len())
        .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
        .body(body(payload))
        .map_err(|err| err.to_string())?;
    let client = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    read_answer(app.handle(request, client).await).await
}

/// Reads the body of an answer; one of more than 64 KiB counts as empty.
pub(crate) async fn read_answer<B>(response: Response<B>) -> Answer
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let status = response.status().as_u16();
    let limited = Limited::new(response.into_body(), LONGEST_ANSWER);
    match limited.collect().await {
        Ok(body) => Ok((status, body.to_bytes())),
        Err(err) if err.is::<LengthLimitError>() => Ok((status, Bytes::new())),
        Err(err) => Err(format!("the answer broke off: {err}")),
    }
}

/// Logs a failure.
pub(crate) fn log(path: &str, trigger: &str, answer: &Answer) {
    match answer {
        // A busy job answers 409, which is an answer like any other.
        Ok((200..300 | 409, _)) => {}
        Ok((status, _)) => tracing::warn!(path, status, "the {trigger} failed"),
        Err(err) => tracing::warn!(path, "the {trigger} failed: {err}"),
    }
}
