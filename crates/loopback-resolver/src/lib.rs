//! A DNS-over-HTTPS resolver (RFC 8484, POST, without TLS) on 127.0.0.1 for tests and benchmarks.
//!
//! It makes its answers up, asks nobody, and is no part of what Baton deploys. It can be told to hold its answers
//! back or to fail, so that a test decides when a slow resolver answers.
//!
//! The one entry point is [`LoopbackResolver::start`].

mod answer;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The media type of a DNS message (RFC 8484, section 6).
const DNS_MESSAGE: &str = "application/dns-message";
/// The largest DNS message there can be, in bytes.
const LARGEST_MESSAGE: usize = 65_535;

/// A running resolver; dropping it closes its socket and all connections.
///
/// What it answers depends on how the name begins: `nx` NXDOMAIN, `servfail` SERVFAIL, `null` a null MX (RFC 7505),
/// `noa` nothing of any type; every other name has one MX record `10 mail.<name>` and one address, 192.0.2.1.
/// All answers have a TTL of 300 s.
pub struct LoopbackResolver {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    held: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
    status: Mutex<Option<StatusCode>>,
    asked: Mutex<HashMap<String, u64>>,
}

impl LoopbackResolver {
    /// Starts a resolver on a free port, inside the current tokio runtime.
    ///
    /// # Errors
    /// When no socket can be had.
    pub async fn start() -> std::io::Result<LoopbackResolver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            held: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
            status: Mutex::new(None),
            asked: Mutex::new(HashMap::new()),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(LoopbackResolver {
            address,
            state,
            server,
        })
    }

    /// `http://127.0.0.1:<port>`, without the path, which is `/dns-query`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds back the answer to every request that arrives from now on.
    pub fn hold(&self) {
        self.state.held.send_replace(true);
    }

    /// Answers what was held back, and everything after it, at once.
    pub fn release(&self) {
        self.state.held.send_replace(false);
    }

    /// How many requests are held back now; one whose client went away no longer counts.
    pub fn waiting(&self) -> usize {
        *self.state.waiting.borrow()
    }

    /// Returns once at least `n` requests are held back at the same time. It waits forever otherwise: give it a time-out.
    pub async fn until_waiting(&self, n: usize) {
        let mut waiting = self.state.waiting.subscribe();
        // The sender lives in `self`, so it cannot close meanwhile.
        let _ = waiting.wait_for(|it| *it >= n).await;
    }

    /// Answers with this HTTP status and no DNS message from now on; `None` ends that.
    ///
    /// # Panics
    /// When the status is not within 100 to 999.
    pub fn fail_with(&self, status: Option<u16>) {
        let status =
            status.map(|it| StatusCode::from_u16(it).expect("the caller gives a status of HTTP"));
        *lock(&self.state.status) = status;
    }

    /// How many questions were asked about `name` (any case, no dot at the end), of all types together,
    /// those that were held back or failed included.
    pub fn asked(&self, name: &str) -> u64 {
        let asked = lock(&self.state.asked);
        asked.get(&name.to_ascii_lowercase()).copied().unwrap_or(0)
    }

    /// How many questions were asked in all.
    pub fn asked_in_all(&self) -> u64 {
        lock(&self.state.asked).values().sum()
    }
}

impl Drop for LoopbackResolver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed on its way in is the client's to try again.
                let Ok((stream, _)) = accepted else { continue };
                // Without it, a small answer can wait 40 ms for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                let state = Arc::clone(&state);
                connections.spawn(async move {
                    let service = service_fn(|request| respond(request, Arc::clone(&state)));
                    // A client that hangs up in the middle is what tests do.
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn respond(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match answer(request, &state).await {
        Ok(message) => Response::builder()
            .header(CONTENT_TYPE, DNS_MESSAGE)
            // RFC 8484, section 5.1: no longer than the smallest TTL.
            .header(CACHE_CONTROL, answer::CACHE_CONTROL)
            .body(Full::from(message))
            .unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR)),
        Err(status) => empty(status),
    })
}

async fn answer(request: Request<Incoming>, state: &State) -> Result<Vec<u8>, StatusCode> {
    if request.uri().path() != "/dns-query" {
        return Err(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    if request
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|it| it != DNS_MESSAGE)
    {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = Limited::new(request.into_body(), LARGEST_MESSAGE)
        .collect()
        .await
        .map_err(|_too_large_or_cut_off| StatusCode::BAD_REQUEST)?
        .to_bytes();
    let question = answer::Question::parse(&body).ok_or(StatusCode::BAD_REQUEST)?;
    *lock(&state.asked).entry(question.name()).or_default() += 1;

    if *state.held.borrow() {
        let _waiting = Waiting::new(&state.waiting);
        // The sender lives in `state`, so it cannot close meanwhile.
        let _ = state.held.subscribe().wait_for(|held| !held).await;
    }
    if let Some(status) = *lock(&state.status) {
        return Err(status);
    }
    question.answer().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// Counts a request that is held back until it is dropped, by an answer or by its client's end.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Waiting<'a> {
        count.send_modify(|it| *it += 1);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|it| *it -= 1);
    }
}

/// The values behind our locks are whole after every statement, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
