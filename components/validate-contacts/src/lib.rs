//! Validates contact addresses: claims a batch, checks it, settles it, exits.
//!
//! What an address is worth is decided by `domain`, who may check it by the database; this component asks the outside.
//! The one entry point is [`handle`].

mod judge;
mod resolve;
mod run;
mod settings;
mod verify;

use baton::Response;
use spin_sdk::http::Request;

/// Route: `POST /jobs/validate-contacts`.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    baton::serve("validate-contacts", request, run::run).await
}
