//! The HTTP trigger: a plain HTTP/1.1 listener.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Parts, Scheme};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use wasmtime_wasi_http::WasiBody;

use crate::app::{App, body, plain};

/// A larger request body is refused with 413.
const MAX_BODY: usize = 1 << 20;
/// Larger request headers are refused with 431.
const MAX_HEADERS: usize = 64 << 10;
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until told to stop, then lets the ones under way finish.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            it = listener.accept() => it,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, client)) => serve_connection(&app, stream, client, &graceful),
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
    graceful: &GracefulShutdown,
) {
    if let Err(err) = stream.set_nodelay(true) {
        tracing::debug!("the connection is gone already: {err}");
        return;
    }
    let app = app.clone();
    let service = service_fn(move |request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(&app, request, client).await) }
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
    });
}

async fn answer(app: &App, request: Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
    let (mut parts, incoming) = request.into_parts();
    match absolute(&parts.uri, parts.headers.get(header::HOST)) {
        Some(uri) => parts.uri = uri,
        None => return plain(StatusCode::BAD_REQUEST),
    }
    // Taken in whole before the component starts, so that a slow client holds no instance.
    let bytes = match tokio::time::timeout(app.deadline, Limited::new(incoming, MAX_BODY).collect())
        .await
    {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(err)) if err.is::<LengthLimitError>() => {
            return plain(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT),
    };
    app.handle(Request::from_parts(parts, body(bytes)), client)
        .await
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
