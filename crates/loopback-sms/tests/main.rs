//! One binary; what every answer looks like on the wire.

mod connections;
mod mail;
mod sms;
mod wire;
