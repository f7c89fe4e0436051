use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// What a [`Server`] answers: `201.into()`, `(200, json).into()`, or with header fields.
#[derive(Debug, Clone)]
pub struct Reply(Response<Bytes>);

impl Reply {
    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        let value = HeaderValue::from_static(value);
        self.0
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
        self
    }
}

impl From<u16> for Reply {
    fn from(status: u16) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status has three digits");
        Self(response)
    }
}

impl From<(u16, Value)> for Reply {
    fn from((status, body): (u16, Value)) -> Self {
        let mut reply = Self::from(status).header("content-type", "application/json");
        *reply.0.body_mut() = body.to_string().into();
        reply
    }
}

/// A server on this machine, for the other side of a job. It ends with its test.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Server {
    /// Its address without a path, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked until now, in order.
    pub fn requests(&self) -> Vec<Request<Bytes>> {
        self.requests
            .lock()
            .expect("no handler of requests panicked")
            .clone()
    }
}

/// Starts a server that answers by this function.
pub fn server(answer: impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("this machine has a free port");
    let address = listener.local_addr().expect("it listens");
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("this machine gives a process timers and sockets");
        runtime.block_on(serve(listener, Arc::new(answer), kept))
    });
    Server { address, requests }
}

async fn serve(
    listener: TcpListener,
    answer: Arc<impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static>,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
) {
    listener
        .set_nonblocking(true)
        .expect("a listener can be made so");
    let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
    while let Ok((stream, _)) = listener.accept().await {
        let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
        let service = service_fn(move |request: Request<Incoming>| {
            let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map(|it| it.to_bytes());
                let request = Request::from_parts(head, body.unwrap_or_default());
                let Reply(reply) = answer(&request);
                requests
                    .lock()
                    .expect("no handler of requests panicked")
                    .push(request);
                Ok::<_, Infallible>(reply.map(Full::new))
            }
        });
        // A client that breaks off is no fault of the server.
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}
