//! Outgoing HTTP of components: to allowed hosts only, and to `<component>.spin.internal` without the network.

use std::sync::Arc;

use http::{Request, Response, Uri};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::allowed_hosts::Reach;
use crate::context::Context;
use crate::ending::Ending;
use crate::faults::Passage;

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
        Some(component) => context.chain(component, request).await,
        None => context.client.send(request, options, reach).await,
    };
    passage.leave()?;
    Ok(result)
}

fn chained_component(uri: &Uri) -> Option<String> {
    let (component, domain) = uri.host()?.split_once('.')?;
    (domain == "spin.internal").then(|| component.to_owned())
}
