//! Reminds of assignments that nobody followed up: claims a batch of reminders, sends them, settles them, exits;
//! and corrects, for an operator, when an assignment was last followed up.
//!
//! Who is reminded, and when, is decided by the database; this component sends messages, by `sender`.
//! The one entry point is `handle`, in `handler`.

pub mod calls;
pub mod correction;
// Clippy compiles it here too, with the dependencies for tests; nothing else of this machine does.
#[cfg(any(target_family = "wasm", all(clippy, test)))]
mod handler;
