//! Works the queued jobs of auto-syncs: claims what is due, sends the messages that come of it, settles them, exits.
//!
//! What a queued job does is decided and done by the database, in the claim; this component sends messages, by `sender`.
//! The one entry point is `handle`, in `handler`.

pub mod calls;
// Clippy compiles it here too, with the dependencies for tests; nothing else of this machine does.
#[cfg(any(target_family = "wasm", all(clippy, test)))]
mod handler;
