use crate::contract::{Claim, RunAnswer};
use bytes::Bytes;
use serde_json::{Value, json};
use spin_sdk::http::{FullBody, HeaderValue, Method};

use super::Error;

/// What [`crate::serve`] returns.
pub type Response = spin_sdk::http::Response<FullBody<Bytes>>;

/// A status and a JSON body, which is null where there is none.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    body: Value,
    /// What the log knows beyond the body.
    internal: Option<String>,
    /// The methods that would be served, where this one is not.
    allow: Option<Method>,
}

impl Answer {
    /// The request was served; the body says with what result.
    pub fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body,
            internal: None,
            allow: None,
        }
    }

    /// The request was served, and there is nothing to say.
    pub fn empty() -> Self {
        Self {
            status: 204,
            body: Value::Null,
            internal: None,
            allow: None,
        }
    }

    /// The deployment doesn't do its work at present; the body says why.
    pub fn not_ready(body: Value) -> Self {
        Self {
            status: 503,
            body,
            internal: None,
            allow: None,
        }
    }

    /// What the request needs from elsewhere cannot be reached; the body says why.
    pub fn unreachable(body: Value) -> Self {
        Self {
            status: 502,
            body,
            internal: None,
            allow: None,
        }
    }

    /// The same answer to HEAD: without its body.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self {
            body: Value::Null,
            ..self
        }
    }

    /// What a run of a job came to: 200 when it ran or had nothing to do, 409 when the job is not free, or no longer, 502 when
    /// the outside refuses more of its work.
    pub fn run(answer: &RunAnswer) -> Self {
        Self {
            status: match answer {
                RunAnswer::Ran { .. } | RunAnswer::Idle { .. } => 200,
                RunAnswer::Skipped { .. } | RunAnswer::Lost { .. } => 409,
                RunAnswer::Failed { .. } => 502,
            },
            body: serde_json::to_value(answer).expect("its keys are strings"),
            internal: None,
            allow: None,
        }
    }

    /// A late attempt is normal: its work is another's now, and nothing of it counted.
    pub fn lost(reason: &str) -> Self {
        let reason = reason.to_owned();
        Self::run(&RunAnswer::Lost { reason })
    }

    /// One line: who, what came of it, and every plain field of the answer.
    /// None for wrong credentials: strangers would decide how long the log gets, so the host counts those.
    pub(crate) fn log(&self, component: &str) {
        if self.status == 401 {
            return;
        }
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
        let mut response = Response::new(FullBody::new(Bytes::new()));
        *response.status_mut() = self.status.try_into().expect("our own statuses are valid");
        if !self.body.is_null() {
            let body = Bytes::from(self.body.to_string());
            response
                .headers_mut()
                .insert("content-length", body.len().into());
            *response.body_mut() = FullBody::new(body);
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert("content-type", json);
        }
        if let Some(allow) = self
            .allow
            .and_then(|it| HeaderValue::from_str(it.as_str()).ok())
        {
            response.headers_mut().insert("allow", allow);
        }
        response
    }
}

/// What was claimed; the error is the answer when nothing was.
pub fn claimed<A>(claim: Claim<A>) -> Result<A, Answer> {
    match claim {
        Claim::Claimed(attempt) => Ok(attempt),
        Claim::Skipped { reason, until } => Err(Answer::run(&RunAnswer::Skipped { reason, until })),
        Claim::Idle { reason, until } => Err(Answer::run(&RunAnswer::Idle {
            reason,
            until,
            again: false,
        })),
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        let is_internal = matches!(
            error,
            Error::Unavailable(_) | Error::Misconfigured(_) | Error::Bug(_)
        );
        Self {
            status: error.status(),
            body: json!({ "code": error.code(), "message": error.message() }),
            internal: is_internal.then(|| error.to_string()),
            allow: match error {
                Error::MethodNotAllowed(method) => Some(method),
                _ => None,
            },
        }
    }
}
