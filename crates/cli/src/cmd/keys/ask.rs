use std::time::Duration;

use anyhow::Result;
use baton::webhook;
use driver::http::Http;
use stack::key::Key;

/// How long a host may take to notice that a key has changed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked meanwhile.
const EVERY: Duration = Duration::from_millis(200);
/// How long one answer may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// No route can read it, so whoever is let in is told so, and nothing happens.
const UNREADABLE: &str = "?";

/// Whether a deployment takes this value of a key: yes, no, or that cannot be told.
pub(super) async fn accepts(url: &str, key: Key, value: &str) -> Option<bool> {
    match status(url, key, value).await {
        Ok(400) => Some(true),
        Ok(401) => Some(false),
        Ok(_) | Err(_) => None,
    }
}

/// Asks until the deployment takes the value, or refuses it, as `wanted`; false when it does not in time.
pub(super) async fn until(url: &str, key: Key, value: &str, wanted: bool) -> bool {
    let asking = async {
        while accepts(url, key, value).await != Some(wanted) {
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.is_ok()
}

async fn status(url: &str, key: Key, value: &str) -> Result<u16> {
    let (bearer, headers) = match key {
        Key::Service => (Some(value), Vec::new()),
        Key::Webhook => {
            let secrets = webhook::secrets(value)?;
            (None, driver::signed(&secrets, UNREADABLE)?.to_vec())
        }
    };
    let (status, _) = Http::new(url, bearer)
        .send("/tick", &headers, UNREADABLE.into(), DEADLINE)
        .await?;
    Ok(status)
}
