//! Waiting, and how much time is left. The time of coordination is the database's; here only durations count.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use futures::future::{Either, select};

/// When work has to have ended.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// As long as this from now.
    pub(crate) fn after(patience: Duration) -> Self {
        Self(now() + patience)
    }

    /// Zero once it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(now())
    }

    /// Whether work that begins now has about all the time that a call has. If that is not enough, it never will be.
    pub fn is_whole(self) -> bool {
        self.left() + crate::budget::CONNECT > crate::budget::WORK
    }
}

fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long work took is measured where it is done; no instant leaves this process"
    )]
    Instant::now()
}

/// The wall clock in seconds since 1970, for what is no matter of coordination between workers: that is the database's.
pub fn wall_clock() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a signature is checked before the database is asked, and a suspended sender must not ask"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        // Before 1970 no signature is recent.
        .map_or(0, |it| it.as_secs())
}

/// What the work comes to, or none when it takes longer.
pub async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(sleep(patience))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}

#[cfg(target_family = "wasm")]
pub(crate) use spin_sdk::time::sleep;
#[cfg(not(target_family = "wasm"))]
pub(crate) use tokio::time::sleep;
