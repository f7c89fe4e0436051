//! How Twilio tells that something went wrong, or fails to tell.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::Fault;
use crate::server::{self, Withheld};

/// An error as Twilio tells it.
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: u32,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn keeps(self) -> bool {
        match self {
            Fault::AcceptThenBreak | Fault::AcceptThen500 | Fault::AcceptThenHang => true,
            Fault::Error { .. }
            | Fault::Throttled { .. }
            | Fault::Unavailable { .. }
            | Fault::Hang
            | Fault::Break => false,
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, code, retry_after) = match self {
            Fault::AcceptThenHang | Fault::Hang => return Withheld::Silence.into_response(),
            Fault::AcceptThenBreak | Fault::Break => return Withheld::HangUp.into_response(),
            Fault::Error { status, code } => (status, code, None),
            Fault::Throttled { retry_after } => (429, 20429, Some(retry_after)),
            Fault::Unavailable { retry_after } => (503, 20503, retry_after),
            Fault::AcceptThen500 => (500, 20500, None),
        };
        let status = StatusCode::from_u16(status).expect("misbehave() takes statuses of HTTP only");
        let message = status.canonical_reason().unwrap_or("An error").to_owned();
        let refusal = Refusal {
            status,
            code,
            message,
        };
        let retry_after = retry_after.map(|seconds| [(RETRY_AFTER, seconds.to_string())]);
        (retry_after, refusal).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal {
            status,
            code,
            message,
        } = self;
        let body = json!({
            "code": code,
            "message": message,
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status.as_u16(),
        });
        server::json(status, &body)
    }
}

pub(crate) fn bad_request(code: u32, message: &str) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        code,
        message: message.to_owned(),
    }
}

pub(crate) fn not_found() -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        code: 20404,
        message: "The requested resource was not found".to_owned(),
    }
}

pub(crate) fn not_allowed() -> Refusal {
    Refusal {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: 20004,
        message: "Method not allowed".to_owned(),
    }
}
