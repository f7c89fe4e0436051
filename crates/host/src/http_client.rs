//! Connections that components make by HTTP: pooled and kept alive, with the time-outs of Spin.

mod resolver;

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;

use http::{Request, Response, header};
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use self::resolver::{Prohibited, Resolver};
use crate::allowed_hosts::Reach;
use crate::pg::Trust;

/// The longest wait for a connection; a guest can only shorten it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than any request deadline, which is what ends a wait without a time-out of its own.
const NO_TIMEOUT: Duration = Duration::from_secs(3600);

type Pool = legacy::Client<HttpsConnector<HttpConnector<Resolver>>, WasiBody>;

/// The pooled connections of all components. Those to public addresses are apart, because a request that may go no
/// further must not find a connection that another component opened to a private address.
#[derive(Clone)]
pub(crate) struct Client {
    public: Pool,
    anywhere: Pool,
}

impl Client {
    pub(crate) fn new(trust: &Trust) -> Self {
        Self {
            public: Self::pool(trust, Resolver::public()),
            anywhere: Self::pool(trust, Resolver::any()),
        }
    }

    fn pool(trust: &Trust, resolver: Resolver) -> Pool {
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(trust.client_config())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(connector);
        legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(connector)
    }

    /// Sends a request as far as it may reach.
    pub(crate) async fn send(
        &self,
        mut request: Request<WasiBody>,
        options: RequestOptions,
        reach: Reach,
    ) -> Result<Response<WasiBody>, Error> {
        let pool = match reach {
            Reach::Nowhere => return Err(Error::HttpRequestDenied),
            Reach::Public => &self.public,
            Reach::Anywhere => &self.anywhere,
        };
        // HTTP/2 servers object to a host header beside the authority; the client adds it for HTTP/1.1.
        request.headers_mut().remove(header::HOST);
        let connect = options
            .connect_timeout
            .unwrap_or(CONNECT_TIMEOUT)
            .min(CONNECT_TIMEOUT);
        // A pooled connection needs no connecting, so the two waits are bounded together.
        let limit = options
            .first_byte_timeout
            .unwrap_or(NO_TIMEOUT)
            .saturating_add(connect);
        match tokio::time::timeout(limit, pool.request(request)).await {
            Ok(Ok(response)) => Ok(response.map(|it| it.map_err(Error::from).boxed_unsync())),
            Ok(Err(err)) => Err(translate(&err)),
            Err(_) => Err(Error::HttpResponseTimeout),
        }
    }
}

/// Like Spin, it names what went wrong while connecting only: then the other side has not seen the request.
fn translate(err: &legacy::Error) -> Error {
    tracing::debug!("outgoing request failed: {err:?}");
    if !err.is_connect() {
        return Error::ConnectionTerminated;
    }
    if Prohibited::is_behind(err) {
        return Error::DestinationIpProhibited;
    }
    let mut source = err.source();
    while let Some(cause) = source {
        if cause.to_string().starts_with("dns error") {
            return Error::DnsError {
                rcode: None,
                info_code: None,
            };
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                ErrorKind::ConnectionRefused => return Error::ConnectionRefused,
                ErrorKind::TimedOut => return Error::ConnectionTimeout,
                _ => {}
            }
            let tls = io
                .get_ref()
                .and_then(|it| it.downcast_ref::<rustls::Error>());
            match tls {
                Some(rustls::Error::InvalidCertificate(_)) => return Error::TlsCertificateError,
                Some(_) => return Error::TlsProtocolError,
                None => {}
            }
        }
        source = cause.source();
    }
    Error::DestinationUnavailable
}
