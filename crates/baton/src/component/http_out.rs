use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use spin_sdk::http::{FullBody, Method, Request, send};
use spin_sdk::wasip3::http::types::ErrorCode;

use super::Error;
use crate::clock::within;
use crate::http::{FetchError, Fetched};

/// Sends a request and reads at most `longest` bytes of the answer within `patience`.
pub async fn fetch(
    mut request: Request<FullBody<Bytes>>,
    patience: Duration,
    longest: usize,
) -> Result<Fetched, FetchError> {
    // Without it the body would go in chunks, which not every server takes.
    if let Some(length) = request.body().size_hint().exact().filter(|it| *it > 0) {
        request
            .headers_mut()
            .insert("content-length", length.into());
    }
    let exchange = async {
        let response = send(request).await.map_err(classify)?;
        let (head, body) = response.into_parts();
        let body = read_at_most(body, longest)
            .await
            .map_err(|it| FetchError::Failed(it.to_string()))?;
        let body = body.ok_or(FetchError::TooLong(longest))?;
        Ok(Fetched {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    };
    within(patience, exchange)
        .await
        .unwrap_or(Err(FetchError::TimedOut))
}

/// What Spin and our host report while they connect is told apart from what may come later.
fn classify(code: ErrorCode) -> FetchError {
    let text = code.to_string();
    let text = text.trim_start_matches("ErrorCode::").to_owned();
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => FetchError::Denied,
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError => FetchError::NotSent(text),
        _ => FetchError::Failed(text),
    }
}

/// Posts JSON with a bearer token; the answer's body as JSON, or null where it is none.
pub async fn post_json(
    url: &str,
    bearer: &str,
    body: &Value,
    patience: Duration,
) -> Result<(u16, Value), FetchError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json")
        .body(FullBody::new(Bytes::from(body.to_string())))
        .map_err(|it| FetchError::NotSent(it.to_string()))?;
    let answer = fetch(request, patience, 64 * 1024).await?;
    Ok((
        answer.status,
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
    ))
}

/// The whole body, or None when it is longer than `longest` bytes.
pub(crate) async fn read_at_most<B>(body: B, longest: usize) -> Result<Option<Bytes>, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, longest).collect().await {
        Ok(it) => Ok(Some(it.to_bytes())),
        Err(it) if it.is::<LengthLimitError>() => Ok(None),
        Err(it) => Err(Error::BadRequest(format!("reading the body: {it}"))),
    }
}
