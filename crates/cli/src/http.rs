use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 4 << 20;

/// Posts to a host, as the holder of the service key. Connections are kept.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    authorization: String,
}

impl Http {
    /// `base` is the URL of the host, without a path.
    pub(crate) fn new(base: &str, service_key: &str) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, base: base.trim_end_matches('/').to_owned(), authorization: format!("Bearer {service_key}") }
    }

    /// Posts JSON; the status and the JSON of the answer, or null when it is none.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub(crate) async fn post(&self, path: &str, body: &Value, deadline: Duration) -> Result<(u16, Value)> {
        let request = Request::post(format!("{}{path}", self.base))
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))?;
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status().as_u16();
            let bytes = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await.map_err(|error| anyhow!(error))?.to_bytes();
            // An answer that is no JSON comes from something else than Baton; its status says enough.
            anyhow::Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
        };
        match tokio::time::timeout(deadline, exchange).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(anyhow!("no answer within {} s", deadline.as_secs())),
        }
    }
}
