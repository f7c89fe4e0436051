use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use host::pg::Trust;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use url::Url;

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 4 << 20;

/// An answer of a server that is not Baton.
#[derive(Debug)]
pub struct Fetched {
    pub status: u16,
    /// The header fields that are text.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Gets what is at a URL, and follows no redirect.
///
/// # Errors
/// When no answer came within `deadline`.
pub async fn fetch(url: &Url, headers: &[(String, String)], deadline: Duration) -> Result<Fetched> {
    let mut request = Request::get(url.as_str()).header("accept", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::default())?;
    let exchange = async {
        let response = client().request(request).await?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = read_all(response.into_body()).await?;
        anyhow::Ok(Fetched {
            status,
            headers,
            body,
        })
    };
    within(deadline, exchange).await
}

/// Makes requests of one server, over connections that are kept.
#[derive(Clone)]
pub struct Http {
    client: HttpClient,
    base: String,
    authorization: Option<String>,
}

impl Http {
    /// `base` is the URL of the server without a path; the service key is for a host, not for others.
    pub fn new(base: &str, service_key: Option<&str>) -> Self {
        Self {
            client: client(),
            base: base.trim_end_matches('/').to_owned(),
            authorization: service_key.map(|it| format!("Bearer {it}")),
        }
    }

    /// Gets a path; the status and the JSON of the answer, or null when it is none.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn get(&self, path: &str, deadline: Duration) -> Result<(u16, Value)> {
        let headers: [(&str, &str); 0] = [];
        let (status, bytes) = self
            .exchange(Method::GET, path, &headers, Bytes::new(), deadline)
            .await?;
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }

    /// Posts JSON; the status and the JSON of the answer, or null when it is none.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn post(&self, path: &str, body: &Value, deadline: Duration) -> Result<(u16, Value)> {
        self.json(Method::POST, path, body, deadline).await
    }

    /// The same by PATCH.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn patch(
        &self,
        path: &str,
        body: &Value,
        deadline: Duration,
    ) -> Result<(u16, Value)> {
        self.json(Method::PATCH, path, body, deadline).await
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        deadline: Duration,
    ) -> Result<(u16, Value)> {
        let headers = [("content-type", "application/json")];
        let (status, bytes) = self
            .exchange(method, path, &headers, body.to_string().into(), deadline)
            .await?;
        // An answer that is no JSON comes from something else than Baton; its status says enough.
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }

    /// Posts bytes of a media type; the status and the bytes of the answer.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn send(
        &self,
        path: &str,
        media_type: &'static str,
        body: Bytes,
        deadline: Duration,
    ) -> Result<(u16, Bytes)> {
        let headers = [("content-type", media_type)];
        self.send_with(path, &headers, body, deadline).await
    }

    /// Posts bytes with headers of this one request; the status and the bytes of the answer.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn send_with(
        &self,
        path: &str,
        headers: &[(&str, impl AsRef<str>)],
        body: Bytes,
        deadline: Duration,
    ) -> Result<(u16, Bytes)> {
        self.exchange(Method::POST, path, headers, body, deadline)
            .await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, impl AsRef<str>)],
        body: Bytes,
        deadline: Duration,
    ) -> Result<(u16, Bytes)> {
        let url = format!("{}{path}", self.base);
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, value.as_ref());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Full::from(body))?;
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status().as_u16();
            anyhow::Ok((status, read_all(response.into_body()).await?))
        };
        within(deadline, exchange).await
    }
}

fn client() -> HttpClient {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(Trust::system().client_config())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn read_all(body: Incoming) -> Result<Bytes> {
    let body = Limited::new(body, LONGEST_ANSWER).collect().await;
    Ok(body.map_err(|error| anyhow!(error))?.to_bytes())
}

async fn within<T>(deadline: Duration, exchange: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(deadline, exchange).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(anyhow!("no answer within {} s", deadline.as_secs())),
    }
}
