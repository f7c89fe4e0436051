//! Calls jobs from outside: ticks, wakes, and the HTTP client with which programs do so.
//!
//! It is not allowed to know a job, or to run one: what it calls is a path, in the host of this process or of another one.
//! Every call is `POST {"trigger": …}`. The entry points are [`start()`] for a host in this process, [`relay()`] and
//! [`post_signed`] for one elsewhere, and [`http::Http`] for single requests.
//!
//! The path of a wake goes one way through these files: `listen` hears a notification and passes on its payload as a hint;
//! `deliver` asks `calls` which call it starts, if any, and has that posted; what the answer asks for is the next hint.
//! `relay` joins the two, and `start` adds `tick`, which has its own path posted.

mod answer;
mod calls;
mod deliver;
pub mod http;
mod listen;
mod post;
mod relay;
mod start;
mod tick;

pub use answer::Answer;
pub use listen::Source;
pub use post::{body, post_signed, signed};
pub use relay::relay;
pub use start::{Driver, start};
pub use tick::Tick;
