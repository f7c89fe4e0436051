//! A receiver of webhooks on 127.0.0.1, in the test's own process; it keeps what it gets.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::header::LOCATION;
use hyper::{Request, Response, StatusCode};

use super::scripted::Scripted;
use super::server::lock;

/// A running receiver; dropping it closes its socket and all connections.
pub(crate) struct Receiver {
    server: Scripted,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    status: StatusCode,
    location: Option<String>,
    body: Bytes,
}

impl Receiver {
    /// Starts a receiver on a free port, which answers 200 without a body unless told otherwise.
    pub(crate) async fn start() -> anyhow::Result<Receiver> {
        let state = Arc::<Mutex<State>>::default();
        let answer = Arc::clone(&state);
        let server = Scripted::start(move |_| lock(&answer).response()).await?;
        Ok(Receiver { server, state })
    }

    /// Where it is, without a path.
    pub(crate) fn url(&self) -> String {
        self.server.url("")
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
        self.server.asked()
    }
}

impl State {
    fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        if let Some(location) = self.location.as_deref().and_then(|it| it.parse().ok()) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}
