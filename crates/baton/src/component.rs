//! What a component is made of: settings, credentials, the one way to call the database, heartbeat, answers, one log line.
//!
//! The entry points are [`serve`] and [`serve_job`]: they check the caller, then hand the parsed request on;
//! [`serve_patch`] and [`serve_callback`] do so for requests of other kinds.

mod answer;
mod batches;
mod config;
mod credentials;
mod db;
mod error;
mod heartbeat;
mod http_out;
mod job;

pub use answer::{Answer, Response, claimed};
pub use batches::{Worked, work_batches};
pub use config::{Config, variable};
pub use db::Db;
pub use error::Error;
pub use heartbeat::with_heartbeat;
pub use http_out::{fetch, post_json};
pub use job::serve_job;

use std::future::Future;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use spin_sdk::http::{HeaderMap, Method, Request};

/// Answers one `POST`: checks key or signature, method and body, calls `run`, and logs one line.
/// A request that fails a check has changed nothing and learned nothing. An empty body means the defaults.
pub async fn serve<B, R>(
    component: &str,
    request: Request,
    run: impl FnOnce(Config, B) -> R,
) -> Response
where
    B: DeserializeOwned + Default,
    R: Future<Output = Result<Answer, Error>>,
{
    respond(component, async {
        let config = Config::load().await?;
        let body = credentials::admit(&config, Method::POST, request).await?;
        let body = match body.is_empty() {
            true => B::default(),
            false => read(fields(&body)?).map_err(Error::BadRequest)?,
        };
        run(config, body).await
    })
    .await
}

/// Answers one `PATCH` like [`serve`], but by the service key alone, and with 422 for fields that do not fit.
pub async fn serve_patch<B, R>(
    component: &str,
    request: Request,
    run: impl FnOnce(Config, B) -> R,
) -> Response
where
    B: DeserializeOwned,
    R: Future<Output = Result<Answer, Error>>,
{
    respond(component, async {
        let config = Config::load().await?;
        let body = credentials::admit(&config, Method::PATCH, request).await?;
        run(config, read(fields(&body)?).map_err(Error::Unacceptable)?).await
    })
    .await
}

/// A request as it came, from whoever it came.
pub struct Callback {
    /// Its method.
    pub method: Method,
    /// Its path, with its query.
    pub target: String,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, 16 KiB at most; none where it is longer or broke off.
    pub body: Option<Bytes>,
}

/// Answers one call of a stranger whom `run` has to recognise before it does anything, and logs one line.
/// A body that is too long comes as none: what it says cannot be recognised.
pub async fn serve_callback<R>(
    component: &str,
    request: Request,
    run: impl FnOnce(Config, Callback) -> R,
) -> Response
where
    R: Future<Output = Result<Answer, Error>>,
{
    respond(component, async {
        let config = Config::load().await?;
        let (head, body) = request.into_parts();
        let callback = Callback {
            method: head.method,
            target: head
                .uri
                .path_and_query()
                .map_or("/", |it| it.as_str())
                .to_owned(),
            headers: head.headers,
            body: credentials::read_unknown(body).await.ok(),
        };
        run(config, callback).await
    })
    .await
}

async fn respond(component: &str, result: impl Future<Output = Result<Answer, Error>>) -> Response {
    let answer = result.await.unwrap_or_else(Answer::from);
    answer.log(component);
    answer.into_response()
}

/// By way of a map, because a struct would also be read from an array.
fn fields(body: &[u8]) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(body).map_err(|it| Error::BadRequest(format!("the body: {it}")))
}

fn read<B: DeserializeOwned>(fields: Map<String, Value>) -> Result<B, String> {
    serde_json::from_value(Value::Object(fields)).map_err(|it| format!("the body: {it}"))
}

/// A name for this invocation, for the log of runs.
pub fn worker(component: &str) -> String {
    format!(
        "{component}-{:016x}",
        spin_sdk::wasip3::random::random::get_random_u64()
    )
}
