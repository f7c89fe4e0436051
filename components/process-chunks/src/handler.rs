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
