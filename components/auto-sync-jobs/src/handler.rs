mod run;

use baton::Response;
use spin_sdk::http::Request;

/// Routes: `POST /jobs/auto-sync-jobs`, and `POST /functions/v1/process-auto-sync-jobs`, its name where it is not at home.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    baton::serve("auto-sync-jobs", request, run::run).await
}
