//! The whole of Baton on this machine, for the programs that start it: the folder that it lives in, its keys, its database,
//! and the host with the components in it, with what calls them.
//!
//! It decides nothing about a job. It reads the environment, because where things are is said there. The one entry point is
//! [`start()`]; [`context::Context`] is what every program is given.

pub mod api;
pub mod context;
pub mod database;
pub mod home;
pub mod key;
pub mod lock;
pub mod roles;
pub mod running;
pub mod scratch;
pub mod secret;
pub mod service_address;
pub mod source_key;
mod start;
pub mod variables;

pub use start::{
    MAX_CONNECTIONS, Options, Stack, WAKE_CHANNEL, check_listen, database_variables, migrate,
    resolvers, start, wakes_of,
};
