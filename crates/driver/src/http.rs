use std::error::Error as _;
use std::time::Duration;

use anyhow::{Error, Result, anyhow, bail};
use bytes::{Bytes, BytesMut};
use host::pg::Trust;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use url::Url;

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
    let mut request = client()
        .get(url.clone())
        .header("accept", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    answer(request, deadline).await
}

/// Makes requests of one server, over connections that are kept.
#[derive(Clone)]
pub struct Http {
    client: Client,
    base: String,
    service_key: Option<String>,
}

impl Http {
    /// `base` is the URL of the server without a path; the service key is for a host, not for others.
    pub fn new(base: &str, service_key: Option<&str>) -> Self {
        Self {
            client: client(),
            base: base.trim_end_matches('/').to_owned(),
            service_key: service_key.map(str::to_owned),
        }
    }

    /// Gets a path; the status and the JSON of the answer, or null when it is none.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn get(&self, path: &str, deadline: Duration) -> Result<(u16, Value)> {
        json(self.request(Method::GET, path), deadline).await
    }

    /// Posts JSON; the status and the JSON of the answer, or null when it is none.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn post(&self, path: &str, body: &Value, deadline: Duration) -> Result<(u16, Value)> {
        json(self.request(Method::POST, path).json(body), deadline).await
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
        json(self.request(Method::PATCH, path).json(body), deadline).await
    }

    /// Posts bytes with headers of this one request; the status and the bytes of the answer.
    ///
    /// # Errors
    /// When no answer came within `deadline`.
    pub async fn send(
        &self,
        path: &str,
        headers: &[(&str, impl AsRef<str>)],
        body: Bytes,
        deadline: Duration,
    ) -> Result<(u16, Bytes)> {
        let mut request = self.request(Method::POST, path).body(body);
        for (name, value) in headers {
            request = request.header(*name, value.as_ref());
        }
        let answer = answer(request, deadline).await?;
        Ok((answer.status, answer.body))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.service_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

fn client() -> Client {
    Client::builder()
        .tls_backend_preconfigured(Trust::system().client_config())
        .redirect(Policy::none())
        .no_proxy()
        .http1_only()
        .build()
        .expect("a client with these options asks nothing of the system")
}

/// An answer that is no JSON comes from something else than Baton; its status says enough.
async fn json(request: RequestBuilder, deadline: Duration) -> Result<(u16, Value)> {
    let answer = answer(request, deadline).await?;
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    Ok((answer.status, body))
}

async fn answer(request: RequestBuilder, deadline: Duration) -> Result<Fetched> {
    let exchange = async {
        let mut response = request.send().await.map_err(causes)?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let mut body = BytesMut::new();
        while let Some(part) = response.chunk().await.map_err(causes)? {
            if body.len() + part.len() > LONGEST_ANSWER {
                bail!("the answer is longer than {} MiB", LONGEST_ANSWER >> 20);
            }
            body.extend_from_slice(&part);
        }
        Ok(Fetched {
            status,
            headers,
            body: body.freeze(),
        })
    };
    let answered = tokio::time::timeout(deadline, exchange).await;
    answered.unwrap_or_else(|_elapsed| Err(anyhow!("no answer within {} s", deadline.as_secs())))
}

/// What went wrong, without what reqwest says first: that it sent a request, and where to, which the caller knows.
fn causes(error: reqwest::Error) -> Error {
    let causes = std::iter::successors(error.source(), |&it| it.source());
    let texts: Vec<_> = causes.map(ToString::to_string).collect();
    if texts.is_empty() {
        return error.without_url().into();
    }
    anyhow!(texts.join(": "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    /// A server that gives every request this answer; its URL, and how many connections it has accepted.
    async fn server(answer: Vec<u8>) -> (Url, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it listens");
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut asked = Vec::new();
                    while let Ok(1..) = stream.read_buf(&mut asked).await {
                        if asked.ends_with(b"\r\n\r\n") {
                            asked.clear();
                            // A client may hang up before the end of an answer.
                            _ = stream.write_all(&answer).await;
                        }
                    }
                });
            }
        });
        let url = format!("http://{address}/");
        (url.parse().expect("an address is sound"), accepted)
    }

    async fn refused(answer: Vec<u8>, deadline: Duration) -> String {
        let (url, _) = server(answer).await;
        let fetched = fetch(&url, &[], deadline).await;
        fetched.expect_err("it is refused").to_string()
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let answer = b"HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";
        let (url, _) = server(answer.to_vec()).await;
        let fetched = fetch(&url, &[], LONG).await.expect("it answers");
        assert_eq!(fetched.status, 302);
        let location = ("location".to_owned(), "/other".to_owned());
        assert!(fetched.headers.contains(&location));
    }

    #[tokio::test]
    async fn a_longer_answer_than_4_mib_is_refused() {
        let answer = |length: usize| {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            [head.into_bytes(), vec![b' '; length]].concat()
        };
        let (url, _) = server(answer(LONGEST_ANSWER)).await;
        let fetched = fetch(&url, &[], LONG).await.expect("it is read");
        assert_eq!(fetched.body.len(), LONGEST_ANSWER);
        assert_eq!(
            refused(answer(LONGEST_ANSWER + 1), LONG).await,
            "the answer is longer than 4 MiB"
        );
    }

    #[tokio::test]
    async fn an_answer_must_be_complete_within_its_deadline() {
        for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{"] {
            assert_eq!(
                refused(begun.into(), Duration::from_millis(50)).await,
                "no answer within 0 s"
            );
        }
    }

    #[tokio::test]
    async fn requests_share_a_connection() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let (url, accepted) = server(answer.to_vec()).await;
        let http = Http::new(url.as_str(), None);
        for _ in 0..3 {
            let answer = http.get("/", LONG).await.expect("it answers");
            assert_eq!(answer, (200, serde_json::json!({})));
        }
        assert_eq!(accepted.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_error_says_why_and_nothing_else() {
        let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = port.local_addr().expect("it listens");
        drop(port);
        let asked = Http::new(&format!("http://{address}"), None)
            .get("/", LONG)
            .await;
        let said = format!("{:#}", asked.expect_err("no server is there"));
        assert_eq!(
            said,
            "client error (Connect): tcp connect error: Connection refused (os error 111)"
        );
    }
}
