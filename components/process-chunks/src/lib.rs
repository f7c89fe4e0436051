//! Syncs mailboxes and other collections: claims chunks of sync jobs, does them, settles them, exits.
//!
//! What to ask a source and what its answer means is decided by `domain`, which chunk is whose by the database; this
//! component asks the source. The one entry point is [`handle`].

mod ask;
mod jmap;
mod paged;
mod run;
mod sync;

use baton::Response;
use spin_sdk::http::Request;

/// Route: `POST /jobs/process-chunks`.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    baton::serve("process-chunks", request, run::run).await
}
