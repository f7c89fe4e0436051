use std::future::Future;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Ctrl-C, a polite kill, or the end of the terminal, seen by whoever waits.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// The work was ended by [`Interrupt`]; what it had started is ended, too.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP from now on. A second one ends the process at once.
    pub fn listen() -> anyhow::Result<Self> {
        let mut interrupted = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
        let mut terminated = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        // Under nohup, the end of the terminal is to end nothing.
        let mut hung_up = match ignores_hangup() {
            true => None,
            false => Some(signal(SignalKind::hangup()).context("listening for SIGHUP")?),
        };
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            let mut times = 0;
            loop {
                let hang_up = async {
                    match &mut hung_up {
                        Some(it) => it.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = interrupted.recv() => {}
                    _ = terminated.recv() => {}
                    _ = hang_up => {}
                }
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
    pub async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|it| *it).await.is_err() {
            // The listening task lives as long as the runtime; without it no signal can come.
            std::future::pending::<()>().await;
        }
    }

    /// Does `work`, unless the signal comes first; then the work is dropped. Clean up after this call, not inside.
    pub async fn guard<T>(
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

/// Whether this process was started to ignore SIGHUP, as far as the system tells.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|it| it.strip_prefix("SigIgn:"))
        .is_some_and(|it| hangup_is_in(it.trim()))
}

/// SIGHUP is signal 1, the lowest bit.
fn hangup_is_in(mask: &str) -> bool {
    u64::from_str_radix(mask, 16).is_ok_and(|it| it & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_hangup_is_found_in_the_mask() {
        assert!(hangup_is_in("0000000000000001") && hangup_is_in("0000000000001001"));
        assert!(!hangup_is_in("0000000000001000") && !hangup_is_in(""));
    }
}
