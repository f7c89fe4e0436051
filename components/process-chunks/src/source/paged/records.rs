use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Settings;
use crate::source::Failure;
use crate::source::answer::{Answer, server_error};
use crate::source::item::{is_id, item};

/// The records of a page, by their ids.
pub(super) struct Records {
    items: Vec<(String, Value)>,
    ids: String,
    last_id: Option<String>,
    count: usize,
}

impl Records {
    /// Takes the records out of the body, because there is no room for all of them twice; the rest of the body.
    pub(super) fn take(
        settings: &Settings,
        answer: &Answer,
        mut body: Value,
    ) -> Result<(Self, Value), Failure> {
        let refused = ["ok", "success"]
            .iter()
            .any(|it| body.get(it) == Some(&Value::Bool(false)))
            || ["error", "fail", "failed"]
                .iter()
                .any(|it| body["status"] == *it);
        let records = body
            .pointer_mut(&settings.records)
            .and_then(Value::as_array_mut)
            .filter(|_| !refused)
            .map(std::mem::take);
        let Some(records) = records else {
            return Err(Failure::failed(match server_error(&body, refused) {
                Some(error) => {
                    format!("the source answers with an error: {}", answer.words(&error))
                }
                None if refused => "the source says that the request did not succeed".to_owned(),
                None => format!(
                    "the answer has no array of records at {:?}{}",
                    settings.records,
                    arrays(&body)
                ),
            }));
        };
        let mut taken = Self {
            items: Vec::with_capacity(records.len()),
            ids: String::new(),
            last_id: None,
            count: records.len(),
        };
        // Of an id as text and as number only one could be kept.
        let mut kinds: BTreeMap<String, bool> = BTreeMap::new();
        for (n, record) in records.into_iter().enumerate() {
            let (id, is_text) = id(settings, n, &record)?;
            if *kinds.entry(id.clone()).or_insert(is_text) != is_text {
                return Err(Failure::failed(format!(
                    "the id {id:?} is a text in one record and a number in another"
                )));
            }
            taken.ids.push_str(&id);
            taken.ids.push('\0');
            taken.last_id = Some(id.clone());
            let fields = Map::from_iter([("payload".to_owned(), record)]);
            taken.items.push((id.clone(), item(&id, fields)));
        }
        Ok((taken, body))
    }

    /// How many there are, those that came twice included.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// All ids in one text.
    pub(super) fn ids(&self) -> &str {
        &self.ids
    }

    pub(super) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    pub(super) fn into_items(self) -> Vec<Value> {
        crate::source::item::distinct(self.items)
    }
}

/// The id of a record as text, with each digit as it came, and whether it is a text in the record.
fn id(settings: &Settings, n: usize, record: &Value) -> Result<(String, bool), Failure> {
    let wrong = |what: &str| {
        Failure::failed(format!(
            "record {} of the page has {what} at {:?}",
            n + 1,
            settings.id
        ))
    };
    let (id, is_text) = match record.pointer(&settings.id) {
        Some(Value::String(text)) => (text.clone(), true),
        Some(Value::Number(number)) => (number.to_string(), false),
        Some(Value::Null) => return Err(wrong("the id null")),
        Some(_) => return Err(wrong("an id that is neither a text nor a number")),
        None => return Err(wrong("no id")),
    };
    match id.as_str() {
        "" => Err(wrong("an empty id")),
        id if !is_id(id) => Err(wrong("an id that is too long, or has a NUL in it,")),
        _ => Ok((id, is_text)),
    }
}

/// Where else arrays are, for a person who looks for the records.
fn arrays(body: &Value) -> String {
    let mut found = Vec::new();
    let objects = |value: &Value| -> Vec<(String, bool)> {
        let fields = value.as_object().into_iter().flatten();
        fields
            .map(|(name, it)| (name.clone(), it.is_array()))
            .collect()
    };
    for (name, is_array) in objects(body) {
        if is_array {
            found.push(format!("/{name}"));
        }
        let inner = objects(&body[&name]).into_iter().filter(|it| it.1);
        found.extend(inner.map(|(inner, _)| format!("/{name}/{inner}")));
    }
    found.truncate(3);
    match found[..] {
        [] => String::new(),
        _ => format!("; there is one at {}: use --records", found.join(", ")),
    }
}
