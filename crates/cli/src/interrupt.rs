use std::future::Future;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Ctrl-C or a polite kill, seen by whoever waits.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

/// The work was ended by [`Interrupt`]; what it had started is ended, too.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from now on. A second one ends the process at once.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let mut interrupted = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
        let mut terminated = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            let mut times = 0;
            loop {
                tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
                times += 1;
                if times > 1 {
                    std::process::exit(130);
                }
                sender.send_replace(true);
            }
        });
        Ok(Self(receiver))
    }

    /// Returns when the signal has come.
    pub(crate) async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|it| *it).await.is_err() {
            // The listening task lives as long as the runtime; without it no signal can come.
            std::future::pending::<()>().await;
        }
    }

    /// Does `work`, unless the signal comes first; then the work is dropped. Clean up after this call, not inside.
    pub(crate) async fn guard<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            () = self.wait() => Err(Interrupted.into()),
            result = work => result,
        }
    }
}
