//! A DNS-over-HTTPS resolver (RFC 8484, POST, without TLS) on 127.0.0.1 for tests and benchmarks.
//!
//! It makes its answers up, asks nobody, and is no part of what Baton deploys. It can be told to hold its answers
//! back or to fail, so that a test decides when a slow resolver answers.
//!
//! The one entry point is [`LoopbackResolver::start`].

mod answer;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

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
    state: Arc<Resolver>,
    /// Its end is also the end of the server.
    held: watch::Sender<bool>,
}

struct Resolver {
    held: watch::Receiver<bool>,
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
        // Without it, a small answer can wait 40 ms for the acknowledgement of the one before.
        let listener = listener.tap_io(|it| _ = it.set_nodelay(true));
        let held = watch::Sender::new(false);
        let state = Arc::new(Resolver {
            held: held.subscribe(),
            waiting: watch::Sender::new(0),
            status: Mutex::new(None),
            asked: Mutex::new(HashMap::new()),
        });
        let routes = Router::new()
            .route("/dns-query", post(answer))
            .layer(DefaultBodyLimit::max(LARGEST_MESSAGE))
            .with_state(Arc::clone(&state));
        let mut stopped = held.subscribe();
        let server = axum::serve(listener, routes)
            .with_graceful_shutdown(async move { while stopped.changed().await.is_ok() {} });
        tokio::spawn(server.into_future());
        Ok(LoopbackResolver {
            address,
            state,
            held,
        })
    }

    /// `http://127.0.0.1:<port>`, without the path, which is `/dns-query`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds back the answer to every request that arrives from now on.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Answers what was held back, and everything after it, at once.
    pub fn release(&self) {
        self.held.send_replace(false);
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

async fn answer(
    State(state): State<Arc<Resolver>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, StatusCode> {
    if headers.get(CONTENT_TYPE).is_none_or(|it| it != DNS_MESSAGE) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = body.map_err(|_too_large_or_cut_off| StatusCode::BAD_REQUEST)?;
    let question = answer::Question::parse(&body).ok_or(StatusCode::BAD_REQUEST)?;
    *lock(&state.asked).entry(question.name()).or_default() += 1;

    if *state.held.borrow() {
        let _waiting = Waiting::new(&state.waiting);
        if state.held.clone().wait_for(|held| !held).await.is_err() {
            // The resolver was dropped. Unwinding closes the connection without an answer.
            resume_unwind(Box::new("dropped"));
        }
    }
    if let Some(status) = *lock(&state.status) {
        return Err(status);
    }
    let message = question.answer().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    // RFC 8484, section 5.1: no longer than the smallest TTL.
    let cached = (CACHE_CONTROL, answer::CACHE_CONTROL);
    Ok(([(CONTENT_TYPE, DNS_MESSAGE), cached], message))
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
