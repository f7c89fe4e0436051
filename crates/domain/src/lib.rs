//! What the engine decides without asking anyone: time budgets, keys, signatures, addresses of databases.
//!
//! Nothing in here does I/O, reads a clock, draws a random number or waits; what a decision needs comes in as a value,
//! the time included. What a job decides is in its own folder below `components/`.

pub mod budget;
pub mod database;
pub mod instant;
pub mod key;
pub mod webhook;
