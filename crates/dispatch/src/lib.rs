//! Messages to people: where they go, what they say, and what a provider's answers mean.
//!
//! Who may get one, and when, is for the database to decide; requests are made by `sender`. The entry point is
//! [`Provider`].

pub mod calls;
mod message;
pub mod phone;
mod provider;
pub mod resend;
mod segments;
mod template;
#[cfg(test)]
mod tests;
pub mod twilio;
pub mod webhook;

pub use message::{
    Ask, Channel, Delivery, Envelope, NotAnAddress, Outcome, Reply, Silence, Trouble,
    email_address, form,
};
pub use provider::Provider;
pub use segments::{Size, segments};
pub use template::{TemplateError, check_template, render};
