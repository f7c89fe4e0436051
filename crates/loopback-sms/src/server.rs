//! A server on 127.0.0.1 that can hold its answers back, keep silent, or hang up.

use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use axum::{Extension, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The largest request that is read, in bytes.
const LARGEST: usize = 65_536;

pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}

/// Why there is no answer.
#[derive(Clone, Copy)]
pub(crate) enum Withheld {
    /// The client waits for as long as it likes.
    Silence,
    /// The connection ends.
    HangUp,
}

impl IntoResponse for Withheld {
    fn into_response(self) -> Response {
        (Extension(self), ()).into_response()
    }
}

/// A free port on 127.0.0.1.
pub(crate) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A running server; dropping it closes its socket and all connections.
pub(crate) struct Server {
    address: SocketAddr,
    /// Whether answers are held back. Its end is also the end of the server.
    pub(crate) held: watch::Sender<bool>,
    pub(crate) gate: Arc<Gate>,
}

impl Server {
    pub(crate) async fn listen(address: SocketAddr, routes: Router) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        // Without it, a small answer can wait 40 ms for the acknowledgement of the one before.
        let listener = listener.tap_io(|it| _ = it.set_nodelay(true));
        let held = watch::Sender::new(false);
        let gate = Arc::new(Gate {
            held: held.subscribe(),
            waiting: watch::Sender::new(0),
            under_way: watch::Sender::new(0),
            most: watch::Sender::new(0),
        });
        let routes = routes
            .layer(DefaultBodyLimit::max(LARGEST))
            .layer(from_fn_with_state(Arc::clone(&gate), pass));
        let mut stopped = held.subscribe();
        let server = axum::serve(listener, routes)
            .with_graceful_shutdown(async move { while stopped.changed().await.is_ok() {} });
        tokio::spawn(server.into_future());
        Ok(Server {
            address,
            held,
            gate,
        })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// What requests wait at for their answers.
pub(crate) struct Gate {
    held: watch::Receiver<bool>,
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

    async fn wait(&self, until: impl Fn(&bool) -> bool) {
        let _waiting = Counted::new(&self.waiting);
        if self.held.clone().wait_for(|it| until(it)).await.is_err() {
            hang_up(); // The server was dropped.
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

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let _under_way = gate.enter();
    let response = next.run(request).await;
    if *gate.held.borrow() {
        gate.wait(|held| !held).await;
    }
    match response.extensions().get() {
        None => response,
        Some(Withheld::Silence) => {
            gate.wait(|_| false).await;
            hang_up()
        }
        Some(Withheld::HangUp) => hang_up(),
    }
}

/// Unwinding closes the connection without an answer; this way of it prints nothing.
fn hang_up() -> ! {
    resume_unwind(Box::new("hung up on purpose"))
}
