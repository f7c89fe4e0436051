use chrono::{DateTime, Datelike, SecondsFormat};
use serde_json::{Map, Value};

use crate::source::item::{is_id, item};

/// The properties of an Email (RFC 8621, section 4.1) that are synced; bodies are not among them.
pub(super) const PROPERTIES: [&str; 14] = [
    "id",
    "threadId",
    "blobId",
    "mailboxIds",
    "keywords",
    "messageId",
    "subject",
    "preview",
    "from",
    "to",
    "receivedAt",
    "sentAt",
    "size",
    "hasAttachment",
];

/// The item of an Email, with its id; none when it has no id. What is absent or not of the promised type is left out.
pub(super) fn email_item(email: &Value) -> Option<(String, Value)> {
    let id = email["id"].as_str().filter(|it| is_id(it))?;
    let fields = [
        ("thread_id", text(&email["threadId"])),
        ("blob_id", text(&email["blobId"])),
        ("mailbox_ids", members(&email["mailboxIds"])),
        ("keywords", members(&email["keywords"])),
        ("message_id", texts(&email["messageId"])),
        ("subject", text(&email["subject"])),
        ("preview", text(&email["preview"])),
        ("sender", list(&email["from"])),
        ("recipients", list(&email["to"])),
        ("received_at", instant(&email["receivedAt"])),
        ("sent_at", instant(&email["sentAt"])),
        ("size", size(&email["size"])),
        (
            "has_attachment",
            email["hasAttachment"].as_bool().map(Value::from),
        ),
    ];
    let fields: Map<String, Value> = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Some((id.to_owned(), item(id, fields)))
}

fn text(value: &Value) -> Option<Value> {
    value.is_string().then(|| value.clone())
}

fn list(value: &Value) -> Option<Value> {
    value.is_array().then(|| value.clone())
}

fn texts(value: &Value) -> Option<Value> {
    let texts = value.as_array()?.iter().filter(|it| it.is_string());
    Some(texts.cloned().collect())
}

/// The keys of a set, which JMAP writes as an object of `true`s.
fn members(value: &Value) -> Option<Value> {
    let members = value.as_object()?.iter().filter(|(_, is)| **is == true);
    Some(members.map(|(name, _)| name.as_str()).collect())
}

/// In UTC, because senders write offsets and years into their mail that PostgreSQL does not take.
fn instant(value: &Value) -> Option<Value> {
    let instant = DateTime::parse_from_rfc3339(value.as_str()?).ok()?.to_utc();
    (1..=9999)
        .contains(&instant.year())
        .then(|| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true).into())
}

fn size(value: &Value) -> Option<Value> {
    value.as_i64().filter(|it| *it >= 0).map(Value::from)
}
