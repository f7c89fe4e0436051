//! Validates contact addresses: claims a batch, checks it, settles it, exits.
//!
//! What an address is worth is decided by [`email`], [`doh`] and [`provider`], who may check it by the database. `handler` asks
//! the outside; its one entry point is `handle`.

pub mod calls;
pub mod doh;
pub mod email;
// Clippy compiles it here too, with the dependencies for tests; nothing else of this machine does.
#[cfg(any(target_family = "wasm", all(clippy, test)))]
mod handler;
pub mod provider;
mod special;
