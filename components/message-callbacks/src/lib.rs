//! What providers of messages tell by themselves: what became of a message, and who wants no more of them.
//!
//! It takes nothing that the provider has not signed, and counts what it refuses. What news
//! means is decided by `dispatch`, what follows from it by the database. The one entry point is `handle`, in `handler`.

pub mod calls;
// Clippy compiles it here too, with the dependencies for tests; nothing else of this machine does.
#[cfg(any(target_family = "wasm", all(clippy, test)))]
mod handler;
