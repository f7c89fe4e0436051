//! What tests stand on: databases, servers of other projects, the application on our own host.

pub(crate) mod app;
pub(crate) mod baton;
pub(crate) mod bouncer;
pub(crate) mod daemon;
pub(crate) mod db;
pub(crate) mod http;
pub(crate) mod jmap;
pub(crate) mod pages;
pub(crate) mod proxy;
pub(crate) mod receiver;
pub(crate) mod resolver;
pub(crate) mod scripted;
pub(crate) mod server;
pub(crate) mod settling;
pub(crate) mod sms;
pub(crate) mod tls;
pub(crate) mod variant;

use std::path::PathBuf;
use std::time::Duration;

/// The folder of the workspace.
pub(crate) fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Waits for a fact, at most 20 s; `what` names it when it does not come true.
pub(crate) async fn until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(it) = look().await? {
            return Ok(it);
        }
        anyhow::ensure!(
            tokio::time::Instant::now() < deadline,
            "waited in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
