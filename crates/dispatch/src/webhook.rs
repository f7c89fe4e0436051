//! E-mail by a receiver of our own webhooks, signed by Standard Webhooks.

use baton::webhook::{ID, SIGNATURE, Secret, TIMESTAMP, sign};
use outbound::wait;
use serde::Serialize;

use crate::message::USER_AGENT;
use crate::{Ask, Envelope, Outcome, Reply, Trouble};

pub(super) const NAME: &str = "webhook";
/// How long to hold back, in seconds, when the receiver does not say.
const DEFAULT_WAIT: u32 = 60;

/// Who sends the e-mail for us.
pub struct Endpoint {
    /// The URL to post to.
    pub url: String,
    /// What to sign with, all of them.
    pub secrets: Vec<Secret>,
}

#[derive(Serialize)]
struct Email<'a> {
    id: &'a str,
    channel: &'static str,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
}

impl Endpoint {
    pub(super) fn send(&self, letter: &Envelope<'_>) -> Ask {
        let email = Email {
            id: letter.id,
            channel: letter.channel.as_str(),
            to: letter.address,
            subject: letter.subject.unwrap_or_default(),
            text: letter.body,
        };
        let body = serde_json::to_string(&email).expect("texts are JSON");
        let signature = sign(&self.secrets, letter.id, letter.sent_at, body.as_bytes());
        let (agent, name) = USER_AGENT;
        Ask {
            method: "POST",
            url: self.url.clone(),
            headers: vec![
                (agent, name.to_owned()),
                ("content-type", "application/json".to_owned()),
                (ID, letter.id.to_owned()),
                (TIMESTAMP, letter.sent_at.to_string()),
                (SIGNATURE, signature),
            ],
            body,
        }
    }
}

/// What an answer means. Its body is not read: what it says is nobody's documented business.
pub(super) fn read_sent(reply: &Reply<'_>) -> Outcome {
    let status = reply.status;
    let trouble = |reason, advice: &str| {
        Trouble::new(reason, &format!("{NAME} answers HTTP {status}{advice}"))
    };
    let later = |reason| Outcome::Retry {
        trouble: trouble(reason, ""),
        wait: Some(wait(reply.retry_after, reply.date, DEFAULT_WAIT)),
    };
    match status {
        200..=299 => Outcome::Submitted {
            provider: NAME,
            provider_id: None,
            delivery: None,
        },
        401 | 403 => Outcome::Refused(trouble("provider_refused", ": look at email_key")),
        429 => later("throttled"),
        503 if reply.retry_after.is_some() => later("provider_trouble"),
        400..=407 | 409..=499 => Outcome::Failed(trouble("rejected", "")),
        _ => Outcome::Unknown {
            trouble: trouble("provider_trouble", ""),
            askable: false,
        },
    }
}
