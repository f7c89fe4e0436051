//! The scheduler: `POST /tick` from any cron finds what is due, sweeps what died, and calls the other components.
//!
//! It decides nothing that two of it could disagree about, so any number of ticks at once is harmless.
//! The one entry point is `handle`, in `handler`.

pub mod cron;
// Clippy compiles it here too, with the dependencies for tests; nothing else of this machine does.
#[cfg(any(target_family = "wasm", all(clippy, test)))]
mod handler;
