mod news;
mod sender;

use std::future::Future;

use baton::{Answer, Callback, Config, Db, Error, Response};
use spin_sdk::http::Request;

use crate::calls::RecordRefusedCallback;

/// Routes: `POST /messages/sms/status?message={id}`, and `POST /messages/sms/inbound`.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/messages/sms/status" => serve(request, "status", news::status).await,
        "/messages/sms/inbound" => serve(request, "inbound", news::inbound).await,
        _ => Answer::from(Error::NotFound).into_response(),
    }
}

/// Answers a callback of this route, and counts one that is signed, but not as it should be. What is not signed at all does
/// not come from the provider, and costs the database nothing.
async fn serve<R>(
    request: Request,
    route: &'static str,
    run: impl FnOnce(Config, Callback) -> R,
) -> Response
where
    R: Future<Output = Result<Answer, Error>>,
{
    let is_signed = request.headers().contains_key(sender::SIGNATURE);
    baton::serve_callback(
        "message-callbacks",
        request,
        async |config: Config, callback| {
            let answer = run(config.clone(), callback).await;
            if is_signed && matches!(answer, Err(Error::WrongSignature(_))) {
                // The count is for people; without it the answer is the same.
                let _ = Db::once(&config, RecordRefusedCallback { route }).await;
            }
            answer
        },
    )
    .await
}
