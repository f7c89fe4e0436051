use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Longest id, in bytes; an index of PostgreSQL holds no key of more than some 2,700.
const LONGEST_ID: usize = 1000;

/// Whether an id can be the key of an item.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && !id.contains('\0')
}

/// Makes an item of its fields; PostgreSQL takes no NUL, neither in `text` nor in `jsonb`.
pub(super) fn item(id: &str, mut fields: Map<String, Value>) -> Value {
    fields.insert("id".to_owned(), Value::from(id));
    let mut item = Value::Object(fields);
    without_nul(&mut item);
    item
}

/// One item of each id, the last one.
pub(super) fn distinct(items: Vec<(String, Value)>) -> Vec<Value> {
    BTreeMap::from_iter(items).into_values().collect()
}

fn without_nul(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            if text.contains('\0') {
                *text = outbound::text(text);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(without_nul),
        Value::Object(fields) => {
            if fields.keys().any(|it| it.contains('\0')) {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(key, value)| (outbound::text(&key), value))
                    .collect();
            }
            fields.values_mut().for_each(without_nul);
        }
    }
}
