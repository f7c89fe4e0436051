//! Resend's `POST /emails`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::lock;
use crate::server::{Server, Withheld, any_port, json as answer};

/// The key that the stand-in for Resend knows.
pub const MAIL_KEY: &str = "re_a_key_for_tests";

/// A running stand-in for Resend; dropping it closes its socket and all connections.
pub struct LoopbackMail {
    account: Arc<Mutex<Account>>,
    server: Server,
}

/// An e-mail that the stand-in took, once, however often it was posted under its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Email {
    /// Its id, a UUID.
    pub id: String,
    /// Its `Idempotency-Key`; keys are remembered for as long as the stand-in runs.
    pub key: Option<String>,
    /// What was posted: `from`, `to`, `subject`, `text` and so on.
    pub payload: Value,
}

/// How every request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFault {
    /// The answer is an error, by its HTTP status and Resend's name of it, and no e-mail is kept.
    Error(StatusCode, &'static str),
    /// The e-mail is kept, and the connection closed without an answer.
    AcceptThenBreak,
}

#[derive(Default)]
struct Account {
    emails: Vec<Email>,
    fault: Option<MailFault>,
}

impl LoopbackMail {
    /// Starts a stand-in on a free port, inside the current tokio runtime.
    ///
    /// # Errors
    /// When no socket can be had.
    pub async fn start() -> std::io::Result<LoopbackMail> {
        LoopbackMail::listen(any_port()).await
    }

    /// Starts a stand-in on this address.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn listen(address: SocketAddr) -> std::io::Result<LoopbackMail> {
        let account = Arc::new(Mutex::new(Account::default()));
        let routes = Router::new()
            .route("/emails", post(send))
            .fallback(async || error(StatusCode::NOT_FOUND, "not_found"))
            .with_state(Arc::clone(&account));
        let server = Server::listen(address, routes).await?;
        Ok(LoopbackMail { account, server })
    }

    /// Its address, such as `http://127.0.0.1:<port>`, in place of `https://api.resend.com`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Makes every request go wrong from now on; `None` ends that.
    pub fn misbehave(&self, fault: Option<MailFault>) {
        lock(&self.account).fault = fault;
    }

    /// All e-mails that were kept, the oldest first.
    pub fn emails(&self) -> Vec<Email> {
        lock(&self.account).emails.clone()
    }
}

async fn send(
    State(account): State<Arc<Mutex<Account>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let sent = lock(&account).send(&headers, &body);
    sent.unwrap_or_else(|(status, name)| error(status, name))
}

fn error(status: StatusCode, name: &str) -> Response {
    let body = json!({ "statusCode": status.as_u16(), "name": name, "message": name });
    answer(status, &body)
}

impl Account {
    fn send(
        &mut self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response, (StatusCode, &'static str)> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        if header("authorization").and_then(|it| it.strip_prefix("Bearer ")) != Some(MAIL_KEY) {
            return Err((StatusCode::FORBIDDEN, "invalid_api_key"));
        }
        let hang_up = match self.fault {
            Some(MailFault::Error(status, name)) => return Err((status, name)),
            Some(MailFault::AcceptThenBreak) => true,
            None => false,
        };
        let payload: Value = serde_json::from_slice(body).unwrap_or_default();
        let get = |name: &str| payload.get(name);
        if get("from").and(get("to")).and(get("subject")).is_none() {
            return Err((StatusCode::UNPROCESSABLE_ENTITY, "missing_required_field"));
        }
        let key = header("idempotency-key").map(str::to_owned);
        let same = |it: &Email| key.is_some() && it.key == key;
        let known = self.emails.iter().position(same);
        let position = known.unwrap_or(self.emails.len());
        if known.is_none() {
            let id = format!("00000000-0000-4000-8000-{:012x}", position + 1);
            let payload = payload.clone();
            self.emails.push(Email { id, key, payload });
        }
        let email = &self.emails[position];
        if email.payload != payload {
            return Err((StatusCode::CONFLICT, "invalid_idempotent_request"));
        }
        Ok(match hang_up {
            true => Withheld::HangUp.into_response(),
            false => answer(StatusCode::OK, &json!({ "id": email.id })),
        })
    }
}
