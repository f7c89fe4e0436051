//! Pure decisions: what an e-mail address, a DNS answer, a provider's answer, a mail server's answer or a cron expression means.
//!
//! Nothing in here does I/O, reads a clock, draws a random number or waits; what a decision needs comes in as a value,
//! the time included. It builds for `wasm32-wasip2` and for the host, and knows nothing of SQL, HTTP clients or Spin.
//!
//! The one entry point is [`email::examine`]: it decides what can be decided from the text, and
//! [`email::conclude`] the rest, from a [`doh::Route`] and a [`provider::ProviderAnswer`]. Syncs start at [`sync::Work`],
//! and messages to people at [`message::Provider`].

pub mod address;
pub mod budget;
pub mod correction;
pub mod cron;
pub mod database;
pub mod doh;
pub mod email;
pub mod instant;
pub mod key;
pub mod message;
pub mod provider;
pub mod special;
pub mod sync;
pub mod webhook;

pub use email::cache_key;
