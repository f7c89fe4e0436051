use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::clock::within;
use crate::http::{FetchError, Fetched};

/// Sends a request and reads at most `longest` bytes of the answer within `patience`.
pub(crate) async fn fetch(
    request: http::Request<Bytes>,
    patience: Duration,
    longest: usize,
) -> Result<Fetched, FetchError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let exchange = async {
        let sent = client.request(request.map(Full::new)).await;
        let answer = sent.map_err(|it| match it.is_connect() {
            true => FetchError::NotSent(words(&it)),
            false => FetchError::Failed(words(&it)),
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, longest)
            .collect()
            .await
            .map_err(|_| FetchError::TooLong(longest))?;
        Ok(Fetched {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
        })
    };
    within(patience, exchange)
        .await
        .unwrap_or(Err(FetchError::TimedOut))
}

fn words(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|it| format!(": {it}"));
    format!("{error}{}", cause.unwrap_or_default())
}
