use bytes::Bytes;
use serde_json::{Value, json};
use spin_sdk::http::FullBody;

use crate::Error;

/// What [`crate::serve`] returns.
pub type Response = spin_sdk::http::Response<FullBody<Bytes>>;

/// A status and a JSON body.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    body: Value,
    /// What the log knows beyond the body.
    internal: Option<String>,
}

impl Answer {
    /// The request was served; the body says with what result.
    pub fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body,
            internal: None,
        }
    }

    /// The job is not free.
    pub fn conflict(body: Value) -> Self {
        Self {
            status: 409,
            body,
            internal: None,
        }
    }

    /// One line: who, what came of it, and every plain field of the answer.
    pub(crate) fn log(&self, component: &str) {
        let mut line = format!("component={component} http_status={}", self.status);
        for (key, value) in self.body.as_object().into_iter().flatten() {
            if !value.is_object() && !value.is_array() && !value.is_null() {
                line.push_str(&format!(" {key}={value}"));
            }
        }
        if let Some(internal) = &self.internal {
            line.push_str(&format!(" error={internal:?}"));
        }
        #[expect(
            clippy::print_stderr,
            reason = "a component's log is its standard error"
        )]
        {
            eprintln!("{line}");
        }
    }

    /// The HTTP response; [`crate::serve`] does this for what it answers.
    pub fn into_response(self) -> Response {
        let mut response = Response::new(FullBody::new(Bytes::from(self.body.to_string())));
        *response.status_mut() = self.status.try_into().expect("our own statuses are valid");
        let json = spin_sdk::http::HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", json);
        response
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        let internal =
            matches!(error, Error::Unavailable(_) | Error::Bug(_)).then(|| error.to_string());
        Self {
            status: error.status(),
            body: json!({ "code": error.code(), "message": error.message() }),
            internal,
        }
    }
}
