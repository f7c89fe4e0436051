//! Twilio's Messages API, version 2010-04-01: <https://www.twilio.com/docs/messaging/api/message-resource>.

mod callback;
mod look;
#[cfg(test)]
mod tests;
mod words;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::message::{USER_AGENT, without};
use crate::{Ask, Delivery, Envelope, Outcome, Reply, Trouble};
pub use callback::{Inbound, inbound, signature_is_valid, signed_urls, status_callback};
use outbound::{authorization, wait};

pub(super) const NAME: &str = "twilio";
/// How long to hold back, in seconds, when Twilio does not say.
const DEFAULT_WAIT: u32 = 60;
const ACCOUNT: &str = "sms_account and sms_key";
const SENDER: &str = "sms_from";

/// Where and as whom to send.
pub struct Account {
    /// Where the API is, such as `https://api.twilio.com`.
    pub url: String,
    /// The account's SID.
    pub sid: String,
    /// Its token.
    pub token: String,
    /// A number by E.164, or the SID of a messaging service.
    pub from: String,
    /// Where Twilio reaches this deployment, to say what becomes of messages.
    pub public_url: Option<String>,
}

/// What is to be done about an error.
enum Remedy {
    /// Nothing: the message will not go out, for this reason.
    Leave(&'static str),
    /// Wait.
    Wait,
    /// See to these variables.
    SeeTo(&'static str),
}

impl Account {
    pub(super) fn send(&self, letter: &Envelope<'_>) -> Ask {
        let mut form = Serializer::new(String::new());
        form.append_pair("To", letter.address);
        let sender = if self.from.starts_with("MG") {
            "MessagingServiceSid"
        } else {
            "From"
        };
        form.append_pair(sender, &self.from);
        form.append_pair("Body", letter.body);
        if let Some(public_url) = &self.public_url {
            let public_url = public_url.trim_end_matches('/');
            let callback = format!("{public_url}/messages/sms/status?message={}", letter.id);
            form.append_pair("StatusCallback", &callback);
        }
        let mut headers = self.headers();
        headers.push((
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        ));
        Ask {
            method: "POST",
            url: self.messages(),
            headers,
            body: form.finish(),
        }
    }

    pub(super) fn read_sent(&self, reply: &Reply<'_>) -> Outcome {
        // What is not JSON has no fields.
        let answer = serde_json::from_slice::<Value>(reply.body).unwrap_or_default();
        match reply.status {
            200..=299 => match answer["sid"].as_str() {
                Some(sid) if !sid.is_empty() => {
                    let status = answer["status"].as_str().unwrap_or_default();
                    submitted(sid, self.delivery(status, &answer))
                }
                Some(_) | None => self.unknown(reply, &answer),
            },
            503 if reply.retry_after.is_some() => self.later("provider_trouble", reply, &answer),
            400..=407 | 409..=499 => self.read_error(reply, &answer),
            _ => self.unknown(reply, &answer),
        }
    }

    fn read_error(&self, reply: &Reply<'_>, answer: &Value) -> Outcome {
        let remedy = match (answer["code"].as_u64().and_then(remedy), reply.status) {
            (_, 429) => Remedy::Wait,
            (Some(remedy), _) => remedy,
            (None, 400) => Remedy::Leave("rejected"),
            (None, 401 | 403) => Remedy::SeeTo(ACCOUNT),
            (None, _) => return self.unknown(reply, answer),
        };
        match remedy {
            Remedy::Leave(reason) => Outcome::Failed(self.trouble(reason, reply, answer)),
            Remedy::Wait => self.later("throttled", reply, answer),
            Remedy::SeeTo(variables) => {
                let words = self.words(reply.status, answer);
                Outcome::Refused(Trouble::new(
                    "provider_refused",
                    &format!("look at {variables}; {words}"),
                ))
            }
        }
    }

    fn later(&self, reason: &'static str, reply: &Reply<'_>, answer: &Value) -> Outcome {
        Outcome::Retry {
            trouble: self.trouble(reason, reply, answer),
            wait: Some(wait(reply.retry_after, reply.date, DEFAULT_WAIT)),
        }
    }

    fn unknown(&self, reply: &Reply<'_>, answer: &Value) -> Outcome {
        Outcome::Unknown {
            trouble: self.trouble("provider_trouble", reply, answer),
            askable: true,
        }
    }

    fn trouble(&self, reason: &'static str, reply: &Reply<'_>, answer: &Value) -> Trouble {
        Trouble::new(reason, &self.words(reply.status, answer))
    }

    fn words(&self, status: u16, answer: &Value) -> String {
        match (answer["code"].as_u64(), answer["message"].as_str()) {
            (Some(code), Some(message)) => self.safe(&format!("{NAME} {code}: {message}")),
            (Some(code), None) => format!("{NAME} {code} (HTTP {status})"),
            (None, _) => {
                format!("{NAME} answers HTTP {status} in a form that it does not document")
            }
        }
    }

    /// What a status of a message means, none if it is no status of one that goes out.
    fn delivery(&self, status: &str, message: &Value) -> Option<Delivery> {
        let words = message["error_message"].as_str().unwrap_or_default();
        delivery(status, message["error_code"].as_u64(), &self.safe(words))
    }

    fn safe(&self, words: &str) -> String {
        let basic = self.authorization();
        without(&[&self.token, basic.trim_start_matches("Basic ")], words)
    }

    fn messages(&self) -> String {
        let url = self.url.trim_end_matches('/');
        let sid = utf8_percent_encode(&self.sid, NON_ALPHANUMERIC);
        format!("{url}/2010-04-01/Accounts/{sid}/Messages.json")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let (agent, name) = USER_AGENT;
        vec![
            (agent, name.to_owned()),
            ("authorization", self.authorization()),
        ]
    }

    fn authorization(&self) -> String {
        authorization(Some(&self.sid), Some(&self.token)).unwrap_or_default()
    }
}

fn submitted(sid: &str, delivery: Option<Delivery>) -> Outcome {
    Outcome::Submitted {
        provider: NAME,
        provider_id: Some(outbound::printable(sid)),
        delivery,
    }
}

/// What to do about an error, by its number in <https://www.twilio.com/docs/api/errors>; none if it is not listed here.
fn remedy(code: u64) -> Option<Remedy> {
    Some(match code {
        21211 | 21214 | 21217 | 21265 | 21266 => Remedy::Leave("invalid_number"),
        21614 | 21635 => Remedy::Leave("landline"),
        21610 => Remedy::Leave("opted_out"),
        21408 => Remedy::Leave("region_not_enabled"),
        // The number, not the account, is what a trial account may not send to.
        21608 | 21612 => Remedy::Leave("rejected"),
        14107 | 20429 | 21611 => Remedy::Wait,
        20003 | 20005 | 20403 | 20404 => Remedy::SeeTo(ACCOUNT),
        21212 | 21601 | 21603 | 21606 | 21659 | 21660 | 21661 | 21701 | 21703 => {
            Remedy::SeeTo(SENDER)
        }
        _ => return None,
    })
}

fn delivery(status: &str, code: Option<u64>, words: &str) -> Option<Delivery> {
    let trouble = |otherwise| {
        let reason = match code {
            Some(30003 | 30005) => "unreachable",
            Some(30004) => "blocked",
            Some(30007) => "filtered",
            Some(30006) => "landline",
            Some(code) => match remedy(code) {
                Some(Remedy::Leave(reason)) => reason,
                Some(Remedy::Wait | Remedy::SeeTo(_)) | None => otherwise,
            },
            None => otherwise,
        };
        let code = code.map(|it| format!(" {it}")).unwrap_or_default();
        let detail = format!("{NAME} says {status}{code}: {words}");
        Trouble::new(reason, detail.trim_end_matches(": "))
    };
    match status {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => Some(Delivery::Submitted),
        "delivered" | "read" => Some(Delivery::Delivered),
        "undelivered" => Some(Delivery::Undelivered(trouble("undelivered"))),
        "failed" | "canceled" => Some(Delivery::Failed(trouble("rejected"))),
        _ => None,
    }
}
