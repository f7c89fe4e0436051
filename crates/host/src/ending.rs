use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use futures::task::AtomicWaker;

/// How an instance comes to its end, when not by itself.
#[derive(Default)]
pub(crate) struct Ending {
    /// One of its requests was cut off by the deadline.
    pub(crate) expired: AtomicBool,
    /// It was stopped from outside because its time was over.
    pub(crate) stopped: AtomicBool,
    /// The text of a trap that has to be inflicted from outside.
    pub(crate) trap: OnceLock<String>,
    pub(crate) waker: AtomicWaker,
}

impl Ending {
    /// Ends the instance as if it had trapped; never returns to it.
    pub(crate) async fn trap<T>(&self, trap: &wasmtime::Error) -> T {
        // Of two traps the first one counts.
        _ = self.trap.set(trap.to_string());
        self.waker.wake();
        std::future::pending().await
    }
}
