//! HTTP as callers of the deployment speak it, over kept or new connections.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderName};
use hyper::{Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{HttpConnector, HttpInfo};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tower_service::Service as _;

/// A tick takes 25 s at most, and hosts end a request after 30 s.
const DEADLINE: Duration = Duration::from_secs(40);
/// How much of an answer is shown, in characters.
const SHOWN: usize = 500;

type Connections = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Asks one deployment.
pub(crate) struct Http {
    kept: Connections,
    new: Connections,
    connector: HttpsConnector<HttpConnector>,
    base: String,
}

/// A request, without credentials unless they are among its headers.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: String,
    /// On a connection of its own, which is closed afterwards.
    pub(crate) alone: bool,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: &'a str, path: &'a str) -> Request<'a> {
        Request {
            method,
            path,
            headers: Vec::new(),
            body: String::new(),
            alone: false,
        }
    }
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Method and path of the request.
    pub(crate) asked: String,
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) allow: Option<String>,
    pub(crate) text: String,
    /// The body as JSON, or null.
    pub(crate) json: Value,
    /// Our end of the connection.
    pub(crate) connection: Option<SocketAddr>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: String = self.text.chars().take(SHOWN).collect();
        write!(f, "{} -> {} {body}", self.asked, self.status)
    }
}

impl Answer {
    /// A field of the body as text; empty when there is none.
    pub(crate) fn text_of(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }

    /// A number of the body; 0 when there is none.
    pub(crate) fn number_of(&self, field: &str) -> u64 {
        self.json[field].as_u64().unwrap_or_default()
    }
}

impl Http {
    pub(crate) fn new(base: &str) -> Http {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = |idle| {
            Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(idle)
                .build(connector.clone())
        };
        Http {
            kept: client(usize::MAX),
            new: client(0),
            connector,
            base: base.to_owned(),
        }
    }

    /// # Errors
    /// When no answer comes in time.
    pub(crate) async fn send(&self, request: &Request<'_>) -> anyhow::Result<Answer> {
        let client = if request.alone { &self.new } else { &self.kept };
        within(request, async {
            let response = client.request(self.build(request)?).await?;
            read(request, response).await
        })
        .await
    }

    /// Opens one connection, which is all that its requests use.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection<'_>> {
        let url: Uri = self.base.parse()?;
        let stream = self.connector.clone().call(url).await;
        let stream = stream.map_err(|it| anyhow!(it).context("connecting"))?;
        let (sender, connection) = handshake(stream).await?;
        // Its end shows at the next request.
        tokio::spawn(connection);
        Ok(Connection { http: self, sender })
    }

    fn build(&self, request: &Request<'_>) -> anyhow::Result<hyper::Request<Full<Bytes>>> {
        let mut built = hyper::Request::builder()
            .method(request.method)
            .uri(format!("{}{}", self.base, request.path));
        for (name, value) in &request.headers {
            built = built.header(*name, value.as_str());
        }
        if request.alone {
            built = built.header(CONNECTION, "close");
        }
        Ok(built.body(Full::from(request.body.clone()))?)
    }
}

/// One connection.
pub(crate) struct Connection<'a> {
    http: &'a Http,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection<'_> {
    /// # Errors
    /// When no answer comes in time, or the connection has ended.
    pub(crate) async fn send(&mut self, request: &Request<'_>) -> anyhow::Result<Answer> {
        within(request, async {
            let mut built = self.http.build(request)?;
            // A connection takes the path alone, and the host as a header.
            let (authority, path) = (built.uri().authority(), built.uri().path_and_query());
            let host = authority.context("the URL has no host")?.as_str().parse()?;
            let path = path.context("the URL has no path")?.as_str().parse()?;
            built.headers_mut().insert(HOST, host);
            *built.uri_mut() = path;
            self.sender.ready().await?;
            read(request, self.sender.send_request(built).await?).await
        })
        .await
    }
}

async fn within(
    request: &Request<'_>,
    exchange: impl Future<Output = anyhow::Result<Answer>>,
) -> anyhow::Result<Answer> {
    tokio::time::timeout(DEADLINE, exchange)
        .await
        .unwrap_or_else(|_| Err(anyhow!("no answer within {} s", DEADLINE.as_secs())))
        .with_context(|| request.to_string())
}

async fn read(request: &Request<'_>, response: Response<Incoming>) -> anyhow::Result<Answer> {
    let (head, body) = response.into_parts();
    let header = |name: HeaderName| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
    let body = body.collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer {
        asked: request.to_string(),
        status: head.status.as_u16(),
        content_type: header(CONTENT_TYPE),
        allow: header(ALLOW),
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
        connection: head.extensions.get::<HttpInfo>().map(HttpInfo::local_addr),
    })
}
