//! Reminders through the component, with a stand-in for the provider.

mod admin;
mod answers;
mod crashes;
mod email;
mod outbox;
mod overlap;
mod scale;
