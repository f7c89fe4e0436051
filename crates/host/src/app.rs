//! The loaded application: finds the component for a request and calls it, whoever asks.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tokio::sync::watch;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};
use wasmtime_wasi_http::{Error, WasiBody};
use wasmtime_wasi_http::{p2, p3};

use crate::counters::{Counters, InFlight};
use crate::instance::Factory;
use crate::routes::{Match, Routes};

/// Added to the deadline before the caller stops waiting for an instance to end.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether refused requests are to be logged.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(crate) struct App {
    pub(crate) routes: Routes,
    pub(crate) handlers: BTreeMap<String, ProxyHandler<Factory>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) deadline: Duration,
}

impl App {
    /// Makes the application known to its components, for calls among them.
    pub(crate) fn connect(self) -> Arc<Self> {
        let app = Arc::new(self);
        for handler in app.handlers.values() {
            // Weak, because the application owns what holds this.
            let this: Weak<Self> = Arc::downgrade(&app);
            let chain = move |component: String, request| {
                let this = this.clone();
                // Boxed, because the other component may call on in turn.
                Box::pin(async move {
                    let app = this.upgrade().ok_or(Error::DestinationUnavailable)?;
                    app.chain(&component, request).await
                }) as _
            };
            // Connected once, right after loading.
            _ = handler.state().context.chain.set(Box::new(chain));
        }
        app
    }

    /// Answers a request by its path.
    pub(crate) async fn handle(
        &self,
        request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let answer = match self.routes.find(request.uri().path()) {
            Some(matched) => self.call(matched, request, client).await,
            None => None,
        };
        answer.unwrap_or_else(|| plain(StatusCode::NOT_FOUND))
    }

    /// Answers a request of a component to another one.
    async fn chain(
        &self,
        component: &str,
        mut request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        if !self.routes.has_trigger(component) {
            return Err(Error::DestinationNotFound);
        }
        request.headers_mut().remove(header::HOST);
        let matched = Match::chained(component, request.uri().path());
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let answer = self.call(matched, request, nobody).await;
        answer.ok_or(Error::DestinationNotFound)
    }

    /// Calls a component; none if there is no such component.
    pub(crate) async fn call(
        &self,
        matched: Match,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Option<Response<WasiBody>> {
        let component = &matched.component;
        let handler = self.handlers.get(component)?;
        describe(&mut request, &matched, client);
        let in_flight = InFlight::new(&self.counters);
        let start = tokio::time::Instant::now();
        let answer = handler.handle(in_flight, request);
        let err = match tokio::time::timeout(self.deadline + PATIENCE, answer).await {
            Ok(Ok(response)) => {
                if response.status() == StatusCode::UNAUTHORIZED {
                    let context = &handler.state().context;
                    context.refusals.count();
                    context.refusals.log(&context.log, component);
                }
                return Some(response);
            }
            Ok(Err(err)) => Some(err),
            Err(_) => None,
        };
        let expired = err.as_ref().is_none_or(|it| it.is::<ExpirationError>());
        if expired || start.elapsed() >= self.deadline {
            self.counters.cut_off();
            tracing::warn!(component, "cut off at the deadline of {:?}", self.deadline);
            return Some(plain(StatusCode::GATEWAY_TIMEOUT));
        }
        // A trap is logged once, where the instance ends, and not for each of its requests.
        if let Some(reason) = err.as_ref().and_then(reason) {
            tracing::warn!(component, "no answer: {reason}");
        }
        Some(plain(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// Logs refused requests that are not logged yet, until told to stop.
pub(crate) async fn log_refusals(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let contexts = || app.handlers.values().map(|it| &it.state().context);
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => break,
        }
        for it in contexts() {
            it.refusals.log(&it.log, &it.component);
        }
    }
    for it in contexts() {
        it.refusals.log_rest(&it.log, &it.component);
    }
}

fn reason(err: &wasmtime::Error) -> Option<String> {
    if let Some(failed) = err.downcast_ref::<InstantiationError<InFlight>>() {
        return Some(format!("instantiation failed: {:#}", failed.error));
    }
    let p3_error = err.downcast_ref::<p3::bindings::http::types::ErrorCode>();
    let p2_error = err.downcast_ref::<p2::bindings::http::types::ErrorCode>();
    let text = p3_error.map(|it| format!("{it:?}"));
    text.or_else(|| p2_error.map(|it| format!("{it:?}")))
}

/// A response without a body.
pub(crate) fn plain(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(body(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// A body that is there at once.
pub(crate) fn body(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(Into::into).boxed_unsync()
}

/// Sets the headers by which Spin tells a component about the request.
fn describe(request: &mut Request<WasiBody>, matched: &Match, client: SocketAddr) {
    let uri = request.uri();
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|it| it.to_str().ok());
    let host = host
        .or(uri.authority().map(|it| it.as_str()))
        .unwrap_or("localhost");
    let scheme = uri.scheme_str().unwrap_or("http");
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let values = [
        ("spin-full-url", format!("{scheme}://{host}{path}")),
        ("spin-path-info", matched.path_info.clone()),
        ("spin-matched-route", matched.raw_route.clone()),
        ("spin-raw-component-route", matched.raw_route.clone()),
        ("spin-component-route", matched.route_or_prefix().to_owned()),
        ("spin-base-path", "/".to_owned()),
        ("spin-client-addr", client.to_string()),
    ];
    for (name, value) in values {
        // All parts come from a parsed request or the manifest; a route with control characters is left out.
        if let Ok(value) = HeaderValue::from_str(&value) {
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    request.headers_mut().remove(header::CONNECTION);
}
