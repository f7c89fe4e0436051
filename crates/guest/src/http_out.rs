use std::{pin::pin, time::Duration};

use bytes::Bytes;
use futures::future::{Either, select};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use spin_sdk::http::{FullBody, HeaderMap, Method, Request, send};
use spin_sdk::time::sleep;

use crate::Error;

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

/// Sends a request and reads at most `longest` bytes of the answer within `patience`. The error is a short text.
pub async fn fetch(
    request: Request<FullBody<Bytes>>,
    patience: Duration,
    longest: usize,
) -> Result<Fetched, String> {
    let exchange = async {
        let response = send(request).await.map_err(|it| it.to_string())?;
        let (head, body) = response.into_parts();
        let body = read_at_most(body, longest)
            .await
            .map_err(|it| it.to_string())?;
        let body = body.ok_or_else(|| format!("the answer is longer than {longest} bytes"))?;
        Ok(Fetched {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    };
    match select(pin!(exchange), pin!(sleep(patience))).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => Err("timeout".to_owned()),
    }
}

/// Posts JSON with a bearer token; the answer's body as JSON, or null where it is none.
pub async fn post_json(
    url: &str,
    bearer: &str,
    body: &Value,
    patience: Duration,
) -> Result<(u16, Value), String> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json")
        .body(FullBody::new(Bytes::from(body.to_string())))
        .map_err(|it| it.to_string())?;
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
