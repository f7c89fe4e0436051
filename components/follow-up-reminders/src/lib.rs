//! Reminds of assignments that nobody followed up: claims a batch of reminders, sends them, settles them, exits;
//! and corrects, for an operator, when an assignment was last followed up.
//!
//! Who is reminded, and when, is decided by the database; this component sends messages, by `dispatch`.
//! The one entry point is [`handle`].

mod correct;
mod run;

use baton::{Answer, Error, Response};
use domain::correction::assignment;
use spin_sdk::http::Request;

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
