//! A receiver of webhooks on 127.0.0.1, in the test's own process; it keeps what it gets.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::LOCATION;
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::server::{lock, serve};

/// A running receiver; dropping it closes its socket and all connections.
pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    received: Vec<Request<Bytes>>,
    status: StatusCode,
    location: Option<String>,
    body: Bytes,
}

impl Receiver {
    /// Starts a receiver on a free port, which answers 200 without a body unless told otherwise.
    pub(crate) async fn start() -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::<Mutex<State>>::default();
        let server = tokio::spawn(serve(listener, Arc::clone(&state), respond));
        Ok(Receiver {
            address,
            state,
            server,
        })
    }

    /// Where it is, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers with this status from now on.
    pub(crate) fn answer_with(&self, status: StatusCode) {
        lock(&self.state).status = status;
    }

    /// Redirects there from now on.
    pub(crate) fn redirect_to(&self, location: &str) {
        let mut state = lock(&self.state);
        state.status = StatusCode::FOUND;
        state.location = Some(location.to_owned());
    }

    /// Answers 200 with this body from now on.
    pub(crate) fn answer_body(&self, body: impl Into<Bytes>) {
        let mut state = lock(&self.state);
        state.status = StatusCode::OK;
        state.location = None;
        state.body = body.into();
    }

    /// What it got, the oldest first.
    pub(crate) fn received(&self) -> Vec<Request<Bytes>> {
        lock(&self.state).received.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn respond(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // Whoever breaks off has sent nothing that counts.
    let body = body
        .collect()
        .await
        .map_or_else(|_| Bytes::new(), |it| it.to_bytes());
    let mut state = lock(&state);
    state.received.push(Request::from_parts(head, body));
    let mut response = Response::new(Full::from(state.body.clone()));
    *response.status_mut() = state.status;
    if let Some(location) = state.location.as_deref().and_then(|it| it.parse().ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}
