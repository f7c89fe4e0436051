//! Write a background job as one async function; Baton runs it once for each item of its queue, never twice at a time.
//!
//! ```
//! use baton::{Context, Item, Outcome, job};
//!
//! #[derive(serde::Deserialize)]
//! struct Invoice {
//!     number: String,
//!     cents: i64,
//! }
//!
//! /// Hands one invoice to the bank. May run again after a crash: the bank knows an invoice by its number.
//! #[job("invoice-export")]
//! async fn export(invoice: Item<Invoice>, cx: &Context) -> Outcome {
//!     let bank = cx.var("bank_url").await?;
//!     let answer = cx
//!         .post(format!("{bank}/invoices/{}", invoice.number))
//!         .json(&serde_json::json!({ "cents": invoice.cents }))
//!         .await?; // no answer, or 5xx: retried with backoff
//!     match answer.status() {
//!         200 | 201 | 409 => Outcome::done(), // 409: the bank has it already
//!         429 => Outcome::retry_after(answer.retry_after()),
//!         status => Outcome::failed(format!("the bank answered {status}")),
//!     }
//! }
//!
//! # fn main() {
//! let bank = baton::test::server(|request| match request.uri().path() {
//!     "/invoices/R-17" => 201.into(),
//!     _ => 404.into(),
//! });
//! let setup = baton::test::var("bank_url", bank.url());
//! let outcome = setup.run(export, serde_json::json!({ "number": "R-17", "cents": 4200 }));
//! assert_eq!(outcome, Outcome::done());
//! # }
//! ```
//!
//! The entry point is [`job`]; [`test`] runs the same function without Spin and without a database.
//! Below it lies what Baton's own components and programs use: `serve`, `Db`, `with_heartbeat`, the calls of the engine
//! ([`contract`]), and what the engine decides without asking anyone: [`budget`], [`database`], [`instant`], [`key`] and
//! [`webhook`] do no I/O and read no clock. Nothing in here decides about a job, opens a transaction, or keeps anything
//! between requests.

pub mod budget;
mod clock;
#[cfg(any(target_family = "wasm", feature = "spin"))]
mod component;
mod context;
pub mod contract;
pub mod database;
pub mod http;
pub mod instant;
mod item;
pub mod key;
mod outcome;
#[cfg(any(target_family = "wasm", feature = "spin", test))]
mod slice;
#[cfg(not(target_family = "wasm"))]
pub mod test;
mod trace;
pub mod webhook;

pub use baton_macros::job;
pub use clock::{Deadline, wall_clock, within};
#[cfg(any(target_family = "wasm", feature = "spin"))]
pub use component::*;
pub use context::{Context, VariableError};
pub use http::{FetchError, Fetched};
pub use item::Item;
pub use outcome::{Done, NotDone, Outcome, Outcomes};

/// What [`job`] expands to; no part of the interface.
#[doc(hidden)]
pub mod private {
    #[cfg(target_family = "wasm")]
    pub use spin_sdk;
}

/// Exports a job as the HTTP entry point of the component; [`job`] expands to it.
#[doc(hidden)]
#[macro_export]
macro_rules! export_job {
    ($name:literal, $work:ident) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::private::spin_sdk::{http, wasip3};

            struct Component;
            wasip3::http::service::export!(Component);

            impl wasip3::exports::http::handler::Guest for Component {
                async fn handle(
                    request: wasip3::http::types::Request,
                ) -> Result<wasip3::http::types::Response, wasip3::http::types::ErrorCode> {
                    let request = <http::Request as http::FromRequest>::from_request(request)?;
                    http::IntoResponse::into_response(
                        $crate::serve_job($name, request, $work).await,
                    )
                }
            }
        };
    };
}
