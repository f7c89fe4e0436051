//! A server on 127.0.0.1 that can hold its answers back, keep silent, or hang up.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The largest request that is read, in bytes.
const LARGEST: usize = 65_536;

/// What becomes of a request.
pub(crate) enum Reply {
    Answer(Response<Full<Bytes>>),
    /// Nothing, for as long as the client waits.
    Silence,
    /// The end of the connection, without an answer.
    HangUp,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Reply::Answer(response)
    }
}

/// A free port on 127.0.0.1.
pub(crate) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A running server; dropping it closes its socket and all connections.
pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) gate: Arc<Gate>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn listen(
        address: SocketAddr,
        handle: impl Fn(&Request<Bytes>) -> Reply + Clone + Send + Sync + 'static,
    ) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let gate = Arc::new(Gate::default());
        let task = tokio::spawn(serve(listener, Arc::clone(&gate), handle));
        Ok(Server {
            address,
            gate,
            task,
        })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What requests wait at for their answers.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) held: watch::Sender<bool>,
    pub(crate) waiting: watch::Sender<usize>,
    under_way: watch::Sender<usize>,
    most: watch::Sender<usize>,
}

impl Gate {
    /// The most requests that were under way at once.
    pub(crate) fn most_at_once(&self) -> usize {
        *self.most.borrow()
    }

    fn enter(&self) -> Counted<'_> {
        let under_way = Counted::new(&self.under_way);
        self.most
            .send_modify(|it| *it = (*it).max(*self.under_way.borrow()));
        under_way
    }

    async fn pass(&self) {
        if *self.held.borrow() {
            let _waiting = Counted::new(&self.waiting);
            // The sender lives in `self`, so it cannot close meanwhile.
            let _ = self.held.subscribe().wait_for(|held| !held).await;
        }
    }
}

/// Counts a request until it is dropped, by an answer or by its client's end.
struct Counted<'a>(&'a watch::Sender<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Counted<'a> {
        count.send_modify(|it| *it += 1);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|it| *it -= 1);
    }
}

async fn serve(
    listener: TcpListener,
    gate: Arc<Gate>,
    handle: impl Fn(&Request<Bytes>) -> Reply + Clone + Send + Sync + 'static,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed on its way in is the client's to try again.
                let Ok((stream, _)) = accepted else { continue };
                // Without it, a small answer can wait 40 ms for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                let (gate, handle) = (Arc::clone(&gate), handle.clone());
                connections.spawn(async move {
                    let service = service_fn(|request| respond(request, &gate, &handle));
                    // A client that hangs up in the middle is what tests do, and so do we.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// An error makes hyper close the connection without an answer.
async fn respond(
    request: Request<Incoming>,
    gate: &Gate,
    handle: &impl Fn(&Request<Bytes>) -> Reply,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let _under_way = gate.enter();
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST)
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let reply = handle(&Request::from_parts(head, body));
    gate.pass().await;
    match reply {
        Reply::Answer(response) => Ok(response),
        Reply::Silence => {
            let _waiting = Counted::new(&gate.waiting);
            pending().await
        }
        Reply::HangUp => Err(std::io::Error::other("hung up on purpose")),
    }
}
