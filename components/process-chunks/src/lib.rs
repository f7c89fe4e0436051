//! Syncs mailboxes and other collections: claims chunks of sync jobs, does them, settles them, exits.
//!
//! What to ask a source and what its answer means is decided by [`source`], which chunk is whose by the database.
//! `handler` asks the source; its one entry point is `handle`.

pub mod calls;
// Clippy compiles it here too, with the dependencies for tests; nothing else of this machine does.
#[cfg(any(target_family = "wasm", all(clippy, test)))]
mod handler;
pub mod source;
pub mod sources;
