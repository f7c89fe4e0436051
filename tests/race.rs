//! What if two do it at once?

mod claims;
mod failover;
mod groups;
mod turns;
