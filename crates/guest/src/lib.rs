//! Glue for components: settings, credentials, the one way to call the database, heartbeat, answers, one log line.
//!
//! It decides nothing about any job, opens no transaction, and keeps nothing between requests.
//! The one entry point is [`serve`]: it checks the caller, then hands the parsed request to the component.

mod answer;
mod config;
mod credentials;
mod db;
mod error;
mod heartbeat;
mod http_out;

pub use answer::{Answer, Response};
pub use config::{Config, variable};
pub use db::Db;
pub use error::Error;
pub use heartbeat::with_heartbeat;
pub use http_out::{FetchError, Fetched, fetch, post_json};

use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::Value;
use spin_sdk::http::Request;

/// Answers one `POST`: checks key or signature, method and body, calls `run`, and logs one line.
/// A request that fails a check has changed nothing and learned nothing.
pub async fn serve<B, R>(
    component: &str,
    request: Request,
    run: impl FnOnce(Config, B) -> R,
) -> Response
where
    B: DeserializeOwned + Default,
    R: Future<Output = Result<Answer, Error>>,
{
    let result = async {
        let config = Config::load().await?;
        let body = credentials::admit(&config, request).await?;
        run(config, parse(&body)?).await
    };
    let answer = result.await.unwrap_or_else(Answer::from);
    answer.log(component);
    answer.into_response()
}

/// The fields of a JSON object; an empty body means the defaults.
fn parse<B: DeserializeOwned + Default>(body: &[u8]) -> Result<B, Error> {
    if body.is_empty() {
        return Ok(B::default());
    }
    let bad = |it: serde_json::Error| Error::BadRequest(format!("the body: {it}"));
    // By way of a map, because a struct would also be read from an array.
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(body).map_err(bad)?;
    serde_json::from_value(Value::Object(fields)).map_err(bad)
}

/// A name for this invocation, for the log of runs.
pub fn worker(component: &str) -> String {
    format!(
        "{component}-{:016x}",
        spin_sdk::wasip3::random::random::get_random_u64()
    )
}
