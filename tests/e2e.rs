//! Does the whole thing turn, by its command line and through crashes?

mod chunks;
mod crashes;
mod one_shot;
mod relay;
mod sync_command;
mod wakes;
