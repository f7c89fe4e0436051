//! Whether Twilio has a message, by its list of messages to the number.

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{Account, submitted};
use crate::{Ask, Envelope, Outcome, Reply, Trouble};

/// How many messages one answer lists; each is about a kilobyte.
const PAGE: &str = "100";
/// How much earlier than our request the message may have come to be, as clocks differ.
const BEFORE: TimeDelta = TimeDelta::seconds(5);
/// How much later, as requests linger.
const AFTER: TimeDelta = TimeDelta::minutes(15);

/// The fields that matter of a list.
#[derive(Deserialize)]
struct List {
    messages: Vec<Listed>,
    // Null on the last page; without it, nobody knows which page is the last.
    #[serde(deserialize_with = "Option::deserialize")]
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    sid: String,
    to: Option<String>,
    body: Option<String>,
    direction: String,
    date_created: String,
    status: String,
    #[serde(flatten)]
    others: Value,
}

impl Account {
    /// Asks by number alone: the list can be narrowed by when messages were sent only, and those that wait were not.
    pub(crate) fn look(&self, letter: &Envelope<'_>) -> Ask {
        let query = Serializer::new(String::new())
            .append_pair("To", letter.address)
            .append_pair("PageSize", PAGE)
            .finish();
        Ask {
            method: "GET",
            url: format!("{}?{query}", self.messages()),
            headers: self.headers(),
            body: String::new(),
        }
    }

    pub(crate) fn read_look(
        &self,
        reply: &Reply<'_>,
        letter: &Envelope<'_>,
        submitting_at: &str,
        others: &[String],
    ) -> Outcome {
        let unknown = |reason, detail: &str| Outcome::Unknown {
            trouble: Trouble::new(reason, detail),
            askable: true,
        };
        if reply.status != 200 {
            let answer = serde_json::from_slice::<Value>(reply.body).unwrap_or_default();
            let reason = match reply.status {
                401 | 403 => "provider_refused",
                429 => "throttled",
                _ => "provider_trouble",
            };
            return unknown(reason, &self.words(reply.status, &answer));
        }
        let unclear = |detail| unknown("provider_trouble", detail);
        let Ok(list) = serde_json::from_slice::<List>(reply.body) else {
            return unclear("twilio lists messages in a form that it does not document");
        };
        let Ok(submitting_at) = DateTime::parse_from_rfc3339(submitting_at) else {
            return unclear("nobody knows when the message was sent");
        };
        let mut candidates = Vec::new();
        for listed in &list.messages {
            let to_them = listed.to.as_deref() == Some(letter.address);
            if !to_them || !listed.direction.starts_with("outbound") || others.contains(&listed.sid)
            {
                continue;
            }
            let Ok(created) = DateTime::parse_from_rfc2822(&listed.date_created) else {
                return unclear("twilio lists a message with a date that it does not document");
            };
            if (submitting_at - BEFORE..=submitting_at + AFTER).contains(&created) {
                candidates.push((created, listed));
            }
        }
        // Of several, the earliest is the one that was sent first.
        candidates.sort_by_key(|(created, _)| *created);
        let ours = candidates.iter().find(|(_, it)| has(it, letter.body));
        if let Some((_, listed)) = ours {
            return submitted(&listed.sid, self.delivery(&listed.status, &listed.others));
        }
        if candidates.iter().any(|(_, it)| letters(it).is_empty()) {
            return unclear("twilio has a message of that time whose text it does not keep");
        }
        if list.next_page_uri.is_some() {
            return unclear("twilio has more messages to this number than one answer lists");
        }
        Outcome::Absent
    }
}

/// Whether a message ends with a text; trial accounts have a text of Twilio's before it.
/// Punctuation and spaces do not count, because Twilio may replace them by cheaper ones.
fn has(listed: &Listed, body: &str) -> bool {
    let body_letters = significant(body);
    if body_letters.is_empty() {
        return listed.body.as_deref().is_some_and(|it| it.ends_with(body));
    }
    letters(listed).ends_with(&body_letters)
}

fn letters(listed: &Listed) -> String {
    significant(listed.body.as_deref().unwrap_or_default())
}

fn significant(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).collect()
}
