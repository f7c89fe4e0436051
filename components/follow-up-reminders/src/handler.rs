mod correct;
mod run;

use baton::{Answer, Error, Response};
use spin_sdk::http::Request;

use crate::correction::assignment;

const NAME: &str = "follow-up-reminders";

/// Routes: `POST /jobs/follow-up-reminders`, and `PATCH /admin/assignments/{id}/last-contact-date`.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/jobs/") {
        return baton::serve(NAME, request, run::run).await;
    }
    match assignment(&path) {
        Some(id) => {
            baton::serve_patch(NAME, request, |config, body| {
                correct::correct(config, id, body)
            })
            .await
        }
        None => Answer::from(Error::NotFound).into_response(),
    }
}
