mod call;
mod ready;
mod tick;

use baton::{Answer, Error, Response};
use spin_sdk::http::{Method, Request};

/// Routes: `POST /tick`, and `GET` or `HEAD` of `/healthz` and `/readyz` for anyone.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/healthz") => {
            Answer::ok(serde_json::json!({ "status": "ok" })).into_response()
        }
        (&Method::HEAD, "/healthz") => Answer::ok(serde_json::Value::Null).into_response(),
        (_, "/healthz") => Answer::from(Error::MethodNotAllowed(Method::GET)).into_response(),
        (&Method::GET, "/readyz") => ready::ask().await.into_response(),
        (&Method::HEAD, "/readyz") => ready::ask().await.without_body().into_response(),
        (_, "/readyz") => Answer::from(Error::MethodNotAllowed(Method::GET)).into_response(),
        (_, "/tick") => baton::serve("scheduler", request, tick::run).await,
        _ => Answer::from(Error::NotFound).into_response(),
    }
}
