//! In-process requests that the program around the host sends to its application.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::app::{App, body};

/// A longer body of an answer is not read to its end, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// Calls the application of a running host without a connection.
#[derive(Clone)]
pub struct Caller(pub(crate) Arc<App>);

impl Caller {
    /// POSTs JSON to `path` with `Authorization: Bearer …`; the status and body of the answer, or why there is none.
    /// A body of more than 64 KiB counts as empty.
    ///
    /// # Errors
    /// If the path or the key cannot be sent, or the answer broke off.
    pub async fn post(
        &self,
        path: &str,
        bearer: &str,
        json: String,
    ) -> Result<(u16, Bytes), String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://localhost{path}"))
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, json.len())
            .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
            .body(body(json.into()))
            .map_err(|err| err.to_string())?;
        let client = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let response = self.0.handle(request, client).await;
        let status = response.status().as_u16();
        let limited = Limited::new(response.into_body(), LONGEST_ANSWER);
        match limited.collect().await {
            Ok(body) => Ok((status, body.to_bytes())),
            Err(err) if err.is::<LengthLimitError>() => Ok((status, Bytes::new())),
            Err(err) => Err(format!("the answer broke off: {err}")),
        }
    }
}
