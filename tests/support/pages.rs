//! A source that serves numbered pages of JSON on 127.0.0.1, in the test's own process, and misbehaves when told.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::server::{lock, serve};

/// How many records a page has.
pub(crate) const RECORDS: i64 = 5;

/// What a page does in place of bringing its records.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// Answers 500.
    Broken,
    /// Answers 429 with `Retry-After`, in seconds.
    Patience(u32),
    /// Answers 401.
    Refused,
}

/// A running server; dropping it closes its socket and all connections.
pub(crate) struct Pages {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    pages: u32,
    trouble: Mutex<HashMap<u32, Trouble>>,
    asked: Mutex<HashMap<u32, usize>>,
    most_at_once: Mutex<usize>,
    under_way: watch::Sender<usize>,
    held: watch::Sender<bool>,
}

impl Pages {
    /// Starts a server of so many pages on a free port.
    pub(crate) async fn start(pages: u32) -> anyhow::Result<Pages> {
        Pages::listen((Ipv4Addr::LOCALHOST, 0).into(), pages).await
    }

    /// The same on this address.
    pub(crate) async fn listen(address: SocketAddr, pages: u32) -> anyhow::Result<Pages> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            pages,
            trouble: Mutex::default(),
            asked: Mutex::default(),
            most_at_once: Mutex::default(),
            under_way: watch::Sender::new(0),
            held: watch::Sender::new(false),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&state), respond));
        Ok(Pages {
            address,
            state,
            server,
        })
    }

    /// Where the pages are.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/records", self.address)
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What a source of this server needs to know.
    pub(crate) fn settings() -> Value {
        json!({ "records": "/records", "page_param": "page", "pages": "/pages" })
    }

    /// Makes a page misbehave from now on.
    pub(crate) fn break_page(&self, page: u32, trouble: Trouble) {
        lock(&self.state.trouble).insert(page, trouble);
    }

    /// Makes all pages well again.
    pub(crate) fn heal(&self) {
        lock(&self.state.trouble).clear();
    }

    /// Holds back the answer to every request that arrives from now on; without an end, the server hangs.
    pub(crate) fn hold(&self) {
        self.state.held.send_replace(true);
    }

    /// Answers what was held back, and everything after it.
    pub(crate) fn release(&self) {
        self.state.held.send_replace(false);
    }

    /// How many requests are under way now; one whose client went away no longer counts.
    pub(crate) fn under_way(&self) -> usize {
        *self.state.under_way.borrow()
    }

    /// How many requests were under way at once at most.
    pub(crate) fn most_at_once(&self) -> usize {
        *lock(&self.state.most_at_once)
    }

    /// How often a page was asked for.
    pub(crate) fn asked(&self, page: u32) -> usize {
        lock(&self.state.asked).get(&page).copied().unwrap_or(0)
    }

    /// How many requests there were in all.
    pub(crate) fn asked_in_all(&self) -> usize {
        lock(&self.state.asked).values().sum()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn respond(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let page = request
        .uri()
        .query()
        .and_then(|it| it.strip_prefix("page="))
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    *lock(&state.asked).entry(page).or_default() += 1;
    let _call = Call::enter(&state);
    // The sender lives as long as the server.
    let _ = state.held.subscribe().wait_for(|it| !it).await;
    let trouble = lock(&state.trouble).get(&page).copied();
    let mut response = Response::new(Full::default());
    *response.status_mut() = match trouble {
        Some(Trouble::Broken) => StatusCode::INTERNAL_SERVER_ERROR,
        Some(Trouble::Patience(seconds)) => {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            StatusCode::TOO_MANY_REQUESTS
        }
        Some(Trouble::Refused) => StatusCode::UNAUTHORIZED,
        None if (1..=state.pages).contains(&page) => {
            *response.body_mut() = Full::from(body(&state, page).to_string());
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    };
    Ok(response)
}

fn body(state: &State, page: u32) -> Value {
    let records: Vec<Value> = (1..=RECORDS)
        .map(|it| json!({ "id": format!("{page}-{it}"), "name": format!("record {it} of page {page}") }))
        .collect();
    json!({ "pages": state.pages, "records": records })
}

/// A request under way, counted until it is dropped.
struct Call<'a>(&'a State);

impl Call<'_> {
    fn enter(state: &State) -> Call<'_> {
        state.under_way.send_modify(|it| {
            *it += 1;
            let mut most = lock(&state.most_at_once);
            *most = (*most).max(*it);
        });
        Call(state)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|it| *it -= 1);
    }
}
