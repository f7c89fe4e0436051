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
