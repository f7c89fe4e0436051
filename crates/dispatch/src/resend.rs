//! Resend's API: <https://resend.com/docs/api-reference/emails/send-email>.

use chrono::DateTime;
use outbound::{authorization, printable, wait};
use serde::Serialize;
use serde_json::Value;

use crate::message::{USER_AGENT, without};
use crate::{Ask, Envelope, Outcome, Reply, Trouble};

pub(super) const NAME: &str = "resend";
/// How long to hold back, in seconds, when Resend does not say.
const DEFAULT_WAIT: u32 = 60;
/// The same when a quota of a day or a month is spent.
const QUOTA_WAIT: u32 = 3600;
/// For how many seconds the same request is harmless: Resend keeps idempotency keys for 24 hours, and clocks differ.
const SAFE_AGAIN: i64 = 23 * 3600;

/// Where and as whom to send.
pub struct Account {
    /// Where the API is, such as `https://api.resend.com`.
    pub url: String,
    /// The API key.
    pub key: String,
    /// The sender, an address with or without a name.
    pub from: String,
}

#[derive(Serialize)]
struct Email<'a> {
    from: &'a str,
    to: [&'a str; 1],
    subject: &'a str,
    text: &'a str,
}

impl Account {
    pub(super) fn send(&self, letter: &Envelope<'_>) -> Ask {
        let email = Email {
            from: &self.from,
            to: [letter.address],
            subject: letter.subject.unwrap_or_default(),
            text: letter.body,
        };
        let (agent, name) = USER_AGENT;
        Ask {
            method: "POST",
            url: format!("{}/emails", self.url.trim_end_matches('/')),
            headers: vec![
                (agent, name.to_owned()),
                (
                    "authorization",
                    authorization(None, Some(&self.key)).unwrap_or_default(),
                ),
                ("content-type", "application/json".to_owned()),
                ("idempotency-key", letter.id.to_owned()),
            ],
            body: serde_json::to_string(&email).expect("texts are JSON"),
        }
    }

    /// The same request again: Resend answers it as it did before.
    pub(super) fn look(&self, letter: &Envelope<'_>, submitting_at: &str) -> Option<Ask> {
        let submitting_at = DateTime::parse_from_rfc3339(submitting_at).ok()?;
        let now = i64::try_from(letter.sent_at).ok()?;
        (now.checked_sub(submitting_at.timestamp())? < SAFE_AGAIN).then(|| self.send(letter))
    }

    pub(super) fn read_sent(&self, reply: &Reply<'_>) -> Outcome {
        let answer = answer(reply);
        let trouble = |reason| Trouble::new(reason, &self.words(reply.status, &answer));
        let name = answer["name"].as_str().unwrap_or_default();
        let later = |reason, default| Outcome::Retry {
            trouble: trouble(reason),
            wait: Some(wait(reply.retry_after, reply.date, default)),
        };
        let refused = |variable: &str| {
            let words = self.words(reply.status, &answer);
            let detail = format!("look at {variable}; {words}");
            Outcome::Refused(Trouble::new("provider_refused", &detail))
        };
        match (reply.status, name) {
            (200..=299, _) if id(&answer).is_some() => submitted(&answer),
            (401 | 403, _) => refused("email_key and email_from"),
            (400 | 422, _) if blames_sender(&answer) => refused("email_from"),
            (409, "invalid_idempotent_request") | (400 | 422 | 451, _) => {
                Outcome::Failed(trouble(fault(&answer)))
            }
            (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => {
                later("throttled", QUOTA_WAIT)
            }
            (429, _) => later("throttled", DEFAULT_WAIT),
            (503, _) if reply.retry_after.is_some() => later("provider_trouble", DEFAULT_WAIT),
            _ => Outcome::Unknown {
                trouble: trouble("provider_trouble"),
                askable: true,
            },
        }
    }

    pub(super) fn read_look(&self, reply: &Reply<'_>) -> Outcome {
        let answer = answer(reply);
        let trouble = |reason| Trouble::new(reason, &self.words(reply.status, &answer));
        let (reason, askable) = match (reply.status, answer["name"].as_str()) {
            (200..=299, _) if id(&answer).is_some() => return submitted(&answer),
            (400 | 422, _) if blames_sender(&answer) => ("provider_refused", true),
            (400 | 422 | 451, _) => return Outcome::Failed(trouble(fault(&answer))),
            // It has another message under this key, so it may well be an earlier form of this one.
            (409, Some("invalid_idempotent_request")) => ("rejected", false),
            (401 | 403, _) => ("provider_refused", true),
            (429, _) => ("throttled", true),
            _ => ("provider_trouble", true),
        };
        Outcome::Unknown {
            trouble: trouble(reason),
            askable,
        }
    }

    fn words(&self, status: u16, answer: &Value) -> String {
        match (answer["name"].as_str(), answer["message"].as_str()) {
            (Some(name), Some(message)) => {
                without(&[&self.key], &format!("{NAME} {name}: {message}"))
            }
            _ => format!("{NAME} answers HTTP {status} in a form that it does not document"),
        }
    }
}

fn answer(reply: &Reply<'_>) -> Value {
    // What is not JSON has no fields.
    serde_json::from_slice(reply.body).unwrap_or_default()
}

fn id(answer: &Value) -> Option<&str> {
    answer["id"].as_str().filter(|it| !it.is_empty())
}

fn submitted(answer: &Value) -> Outcome {
    Outcome::Submitted {
        provider: NAME,
        provider_id: id(answer).map(printable),
        delivery: None,
    }
}

/// Whether a request fails because of its sender, as every other one would, too.
fn blames_sender(answer: &Value) -> bool {
    answer["name"] == "invalid_from_address" || names_field(answer, "`from`")
}

/// What is wrong with a request that fails validation.
fn fault(answer: &Value) -> &'static str {
    if names_field(answer, "`to`") {
        "invalid_address"
    } else {
        "rejected"
    }
}

fn names_field(answer: &Value, field: &str) -> bool {
    answer["message"]
        .as_str()
        .is_some_and(|it| it.contains(field))
}
