//! What providers of messages tell by themselves: what became of a message, and who wants no more of them.
//!
//! It takes nothing that the provider has not signed. What news means is decided by `domain`, what follows from it by
//! the database. The one entry point is [`handle`].

mod news;
mod sender;

use guest::{Answer, Error, Response};
use spin_sdk::http::Request;

/// Routes: `POST /messages/sms/status?message={id}`, and `POST /messages/sms/inbound`.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/messages/sms/status" => {
            guest::serve_callback("message-callbacks", request, news::status).await
        }
        "/messages/sms/inbound" => {
            guest::serve_callback("message-callbacks", request, news::inbound).await
        }
        _ => Answer::from(Error::NotFound).into_response(),
    }
}
