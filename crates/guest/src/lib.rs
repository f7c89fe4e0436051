//! Glue for components: settings, credentials, the one way to call the database, heartbeat, answers, one log line.
//!
//! It decides nothing about any job, opens no transaction, and keeps nothing between requests.
//! The one entry point is [`serve`]: it checks the caller, then hands the parsed request to the component.

mod answer;
mod config;
mod db;
mod error;
mod heartbeat;
mod http_out;

pub use answer::{Answer, Response};
pub use config::{Config, variable};
pub use db::Db;
pub use error::Error;
pub use heartbeat::with_heartbeat;
pub use http_out::{Fetched, fetch, post_json};

use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::Value;
use spin_sdk::http::{Method, Request};
use subtle::ConstantTimeEq;

/// A body longer than this is refused unread beyond it, in bytes.
const LONGEST_BODY: usize = 16 * 1024;

/// Answers one `POST`: checks method, key and body in this order, calls `run`, and logs one line.
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
        let body = admit(&config, request).await?;
        run(config, body).await
    };
    let answer = result.await.unwrap_or_else(Answer::from);
    answer.log(component);
    answer.into_response()
}

async fn admit<B: DeserializeOwned + Default>(
    config: &Config,
    request: Request,
) -> Result<B, Error> {
    let presented = request
        .headers()
        .get("authorization")
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.strip_prefix("Bearer "))
        .unwrap_or_default();
    if config.service_key.is_empty()
        || !bool::from(presented.as_bytes().ct_eq(config.service_key.as_bytes()))
    {
        return Err(Error::Unauthorized);
    }
    if request.method() != Method::POST {
        return Err(Error::MethodNotAllowed);
    }
    let body = http_out::read_at_most(request.into_body(), LONGEST_BODY)
        .await?
        .ok_or(Error::TooLarge(LONGEST_BODY))?;
    if body.is_empty() {
        return Ok(B::default());
    }
    let bad = |it: serde_json::Error| Error::BadRequest(format!("the body: {it}"));
    // By way of a map, because a struct would also be read from an array.
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(&body).map_err(bad)?;
    serde_json::from_value(Value::Object(fields)).map_err(bad)
}

/// A name for this invocation, for the log of runs.
pub fn worker(component: &str) -> String {
    format!(
        "{component}-{:016x}",
        spin_sdk::wasip3::random::random::get_random_u64()
    )
}
