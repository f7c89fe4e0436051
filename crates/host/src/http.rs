//! The HTTP trigger: a plain HTTP/1.1 listener.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Parts, Scheme};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use wasmtime_wasi_http::WasiBody;

use crate::app::{App, body, plain};

/// Larger request headers are refused with 431.
const MAX_HEADERS: usize = 64 << 10;
/// How long a client may take to send the headers of a request, or to send none.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a body that is too large is read and thrown away, so that the client gets to read the 413.
const DISCARDED: usize = 4 << 20;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What strangers may take.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Clients that are connected at once; others wait until one leaves.
    pub(crate) clients: usize,
    /// Bytes of a request body; a larger one is refused with 413.
    pub(crate) body: usize,
}

/// Accepts connections until told to stop, then lets the ones under way finish.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.clients));
    loop {
        let accept = async {
            let place = places.clone().acquire_owned().await;
            let place = place.expect("the semaphore is never closed");
            listener.accept().await.map(|it| (it, place))
        };
        let accepted = tokio::select! {
            it = accept => it,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok(((stream, client), place)) => {
                serve_connection(&app, stream, client, place, limits.body, &graceful);
            }
            Err(err) => {
                // Out of file descriptors, most likely: others must finish first.
                tracing::warn!("cannot accept a connection: {err}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

fn serve_connection(
    app: &Arc<App>,
    stream: TcpStream,
    client: SocketAddr,
    place: OwnedSemaphorePermit,
    most_body: usize,
    graceful: &GracefulShutdown,
) {
    if let Err(err) = stream.set_nodelay(true) {
        tracing::debug!("the connection is gone already: {err}");
        return;
    }
    let app = app.clone();
    let service = service_fn(move |request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(&app, request, client, most_body).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(err) = connection.await {
            tracing::debug!("connection of {client}: {err}");
        }
        drop(place);
    });
}

async fn answer(
    app: &App,
    request: Request<Incoming>,
    client: SocketAddr,
    most_body: usize,
) -> Response<WasiBody> {
    let (mut parts, incoming) = request.into_parts();
    match absolute(&parts.uri, parts.headers.get(header::HOST)) {
        Some(uri) => parts.uri = uri,
        None => return plain(StatusCode::BAD_REQUEST),
    }
    // A client that asks first is told before it sends anything.
    let asks = parts.headers.contains_key(header::EXPECT);
    if asks && incoming.size_hint().lower() > most_body as u64 {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    }
    // Taken in whole before the component starts, so that a slow client holds no instance.
    let patience = app.deadline.min(BODY_TIMEOUT);
    let bytes = match tokio::time::timeout(patience, read(incoming, most_body)).await {
        Ok(Ok(Some(bytes))) => bytes,
        Ok(Ok(None)) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT),
    };
    app.handle(Request::from_parts(parts, body(bytes)), client)
        .await
}

/// Reads a body; none if it is larger than `most`, of which nothing is kept.
async fn read(mut incoming: Incoming, most: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut is_too_large = incoming.size_hint().lower() > most as u64;
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length += data.len();
        if length > most {
            is_too_large = true;
            kept = BytesMut::new();
        }
        if !is_too_large {
            kept.extend_from_slice(&data);
        } else if length > DISCARDED {
            break;
        }
    }
    Ok((!is_too_large).then(|| kept.freeze()))
}

/// Completes the target of a request with the authority of its `Host` header; none if that is missing or contradicts.
fn absolute(target: &Uri, host: Option<&header::HeaderValue>) -> Option<Uri> {
    let host: Option<Authority> = match host {
        Some(host) => Some(host.to_str().ok()?.parse().ok()?),
        None => None,
    };
    let mut parts: Parts = target.clone().into_parts();
    parts.authority = match (host, parts.authority.take()) {
        (Some(host), Some(authority)) if host != authority => return None,
        (host, authority) => Some(host.or(authority)?),
    };
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_completed_by_the_host_header() {
        let check = |target: &'static str, host: Option<&'static str>, expected: Option<&str>| {
            let host = host.map(header::HeaderValue::from_static);
            let uri = absolute(&Uri::from_static(target), host.as_ref());
            assert_eq!(uri.map(|it| it.to_string()).as_deref(), expected);
        };
        check("/a?b", Some("x:1"), Some("http://x:1/a?b"));
        check("http://x/a", Some("x"), Some("http://x/a"));
        check("http://x/a", Some("y"), None);
        check("/a", None, None);
    }
}
