//! Does the whole thing turn, by its command line and through crashes?

mod chunks;
mod crashes;
mod deployment;
mod inputs;
mod items;
mod keep_up;
mod keys;
mod messages;
mod messages_command;
mod new_job;
mod one_host;
mod one_shot;
mod relay;
mod roles;
mod settings;
mod sync_command;
mod sync_discovery;
mod ticks;
mod wakes;
mod worker;
