use std::time::Duration;

use baton::fetch;
use bytes::Bytes;
use spin_sdk::http::{FullBody, Request};

use super::settings::Provider;
use crate::calls::Throttle;
use crate::provider::{Outcome, ProviderAnswer, parse, request_path};

/// How long the provider may take for one address.
const PATIENCE: Duration = Duration::from_secs(6);
/// The longest answer read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Asks the provider about one address. The error is its wish that everybody wait.
pub(crate) async fn ask(provider: &Provider, email: &str) -> Result<ProviderAnswer, Throttle> {
    let unavailable = |reason: &str| Ok(ProviderAnswer::unavailable(provider.shape, reason));
    let path = request_path(provider.shape, email, &provider.key);
    let Ok(request) =
        Request::get(format!("{}{path}", provider.url)).body(FullBody::new(Bytes::new()))
    else {
        return unavailable("the provider's URL is not valid");
    };
    let answer = match fetch(request, PATIENCE, LONGEST).await {
        Ok(it) => it,
        Err(error) => return unavailable(&error.to_string()),
    };
    let header = |name| answer.headers.get(name).and_then(|it| it.to_str().ok());
    match parse(
        provider.shape,
        answer.status,
        header("retry-after"),
        header("date"),
        &answer.body,
    ) {
        Outcome::Answer(it) => Ok(it),
        Outcome::Throttled { seconds } => Err(Throttle {
            seconds,
            reason: "provider_throttled",
        }),
        Outcome::Failed { message, .. } => unavailable(&message),
    }
}
