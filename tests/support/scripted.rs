//! A server on 127.0.0.1, in the test's own process, whose answers the test decides.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::server::{lock, serve};

type Script = dyn Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync;

/// A running server; dropping it closes its socket and all connections.
pub(crate) struct Scripted {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    script: Mutex<Box<Script>>,
    asked: Mutex<Vec<Request<Bytes>>>,
}

impl Scripted {
    /// Starts a server on a free port.
    pub(crate) async fn start(
        script: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> anyhow::Result<Scripted> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            script: Mutex::new(Box::new(script)),
            asked: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&state), respond));
        Ok(Scripted {
            address,
            state,
            server,
        })
    }

    /// Answers in another way from now on.
    pub(crate) fn answer(
        &self,
        script: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) {
        *lock(&self.state.script) = Box::new(script);
    }

    /// A URL of the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked, the oldest first.
    pub(crate) fn asked(&self) -> Vec<Request<Bytes>> {
        lock(&self.state.asked).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn respond(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A request that breaks off has asked nothing.
    let body = body
        .collect()
        .await
        .map_or_else(|_| Bytes::new(), |it| it.to_bytes());
    let request = Request::from_parts(head, body);
    let response = lock(&state.script)(&request).map(Full::new);
    lock(&state.asked).push(request);
    Ok(response)
}
