//! A receiver of webhooks on 127.0.0.1, in the test's own process; it keeps what it gets.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

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
}

impl Receiver {
    /// Starts a receiver on a free port, which answers 200 without a body.
    pub(crate) async fn start() -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::<Mutex<State>>::default();
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
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

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    // A connection that failed on its way in is the client's to try again.
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| respond(request, &state));
            // A client that hangs up in the middle is what tests do.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    state: &Mutex<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // Whoever breaks off has sent nothing that counts.
    let body = body
        .collect()
        .await
        .map_or_else(|_| Bytes::new(), |it| it.to_bytes());
    let mut state = lock(state);
    state.received.push(Request::from_parts(head, body));
    let mut response = Response::new(Full::default());
    *response.status_mut() = state.status;
    Ok(response)
}

/// A test that panicked with the lock must not hide its reason from the others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
