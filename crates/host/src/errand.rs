//! In-process requests that the host sends to its own application, for ticks and wakes.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::BodyExt;

use crate::app::{App, body};

/// POSTs `{"trigger":"<trigger>"}` to `path` and waits for the whole answer; a failure is logged.
pub(crate) async fn post(app: &App, path: &str, bearer: &str, trigger: &str) {
    let payload = Bytes::from(format!("{{\"trigger\":\"{trigger}\"}}"));
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://localhost{path}"))
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, payload.len())
        .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
        .body(body(payload));
    let request = match request {
        Ok(request) => request,
        Err(err) => return tracing::warn!(path, "cannot send a {trigger}: {err}"),
    };
    let client = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let response = app.handle(request, client).await;
    let status = response.status();
    // A busy job answers 409, which is an answer like any other.
    if status.is_server_error() || status == 401 || status == 404 {
        tracing::warn!(path, status = status.as_u16(), "the {trigger} failed");
    }
    if let Err(err) = response.into_body().collect().await {
        tracing::warn!(path, "the answer to the {trigger} broke off: {err}");
    }
}
