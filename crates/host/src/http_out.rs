//! Outgoing HTTP of components: to allowed hosts only, over kept-alive connections, and to `<component>.spin.internal` without the network.

mod resolver;

use std::error::Error as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use self::resolver::{Prohibited, Resolver};
use crate::allowed_hosts::Reach;
use crate::context::Context;
use crate::faults::Passage;
use crate::instance::Ending;
use crate::pg::Trust;
use crate::routes::Match;

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

    async fn send(
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

/// The hooks of one instance into outgoing HTTP.
pub(crate) struct Outbound {
    pub(crate) context: Arc<Context>,
    pub(crate) ending: Arc<Ending>,
}

type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        // How the guest fares with the response is of no use to a pooled connection.
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let context = self.context.clone();
        let ending = self.ending.clone();
        Box::new(async move {
            let response = match pass(&context, request, options.unwrap_or_default()).await {
                Ok(result) => result?,
                // This interface has no way to trap, so the instance is ended from outside.
                Err(trap) => ending.trap(&trap).await,
            };
            let done: Box<dyn Future<Output = _> + Send> = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}

/// The outer error is a trap, the inner one is the guest's.
async fn pass(
    context: &Context,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> wasmtime::Result<Result<Response<WasiBody>, Error>> {
    let uri = request.uri();
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().map(|it| format!(":{it}"));
    let address = format!("{scheme}://{host}{}", port.unwrap_or_default());
    // Without a host, and by this one, Spin lets a component call its own application; this host does not support that.
    let is_to_self = host.is_empty() || host == "self.alt";
    let reach = context.allowed_hosts.reach(&address, scheme);
    if is_to_self || reach == Reach::Nowhere {
        tracing::debug!(
            component = context.component,
            address,
            "outgoing request denied"
        );
        return Ok(Err(Error::HttpRequestDenied));
    }
    let passage = context.enter().await?;
    if passage == Passage::Fail {
        return Ok(Err(Error::ConnectionRefused));
    }
    let result = match chained_component(request.uri()) {
        Some(component) => chain(context, &component, request).await,
        None => context.client.send(request, options, reach).await,
    };
    passage.leave()?;
    Ok(result)
}

fn chained_component(uri: &Uri) -> Option<String> {
    let (component, domain) = uri.host()?.split_once('.')?;
    (domain == "spin.internal").then(|| component.to_owned())
}

async fn chain(
    context: &Context,
    component: &str,
    mut request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let app = context.app.get().and_then(std::sync::Weak::upgrade);
    let app = app.ok_or(Error::DestinationUnavailable)?;
    if !app.routes.has_trigger(component) {
        return Err(Error::DestinationNotFound);
    }
    request.headers_mut().remove(header::HOST);
    let matched = Match::chained(component, request.uri().path());
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    // Boxed, because the other component may call on in turn.
    let call = Box::pin(app.call(matched, request, nobody));
    call.await.ok_or(Error::DestinationNotFound)
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
