use std::ops::Deref;

use serde::de::DeserializeOwned;
use uuid::Uuid;

/// An item of the queue. It derefs to its data: `item.number` is the field `number` of what was enqueued.
#[derive(Debug, Clone)]
pub struct Item<T> {
    data: T,
    id: Uuid,
    attempt: i32,
    max_attempts: i32,
    key: Option<String>,
}

impl<T> Item<T> {
    /// Its id, which `baton.enqueue` returned.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Which try this is, from 1.
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// After how many tries it has failed.
    pub fn max_attempts(&self) -> i32 {
        self.max_attempts
    }

    /// The key under which it was enqueued, if it has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The same for each try of this item and for no other item. Every request of [`crate::Context`] carries it in the
    /// header field `Idempotency-Key`.
    pub fn idempotency_key(&self) -> String {
        self.id.to_string()
    }

    /// Its data.
    pub fn into_data(self) -> T {
        self.data
    }
}

impl<T: DeserializeOwned> Item<T> {
    /// Reads the data; the error names the field that is wrong.
    pub(crate) fn read(item: crate::contract::items::Item) -> Result<Self, String> {
        let data = serde_path_to_error::deserialize(item.data).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            match path.as_str() {
                "." => format!("data: {inner}"),
                _ => format!("data.{path}: {inner}"),
            }
        })?;
        Ok(Self {
            data,
            id: item.id,
            attempt: item.attempt,
            max_attempts: item.max_attempts,
            key: item.key,
        })
    }
}

impl<T> Deref for Item<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it is read matters")]
    struct Invoice {
        number: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it is read matters")]
    struct Line {
        cents: i64,
    }

    #[test]
    fn wrong_data_names_the_field() {
        let check = |data: Value, expected: &str| {
            let item = crate::contract::items::Item {
                id: Uuid::nil(),
                attempt: 1,
                max_attempts: 3,
                key: None,
                data,
            };
            let error = Item::<Invoice>::read(item).expect_err(expected);
            assert!(error.starts_with(expected), "{error}");
        };
        check(json!({ "number": "R-17" }), "data: missing field `lines`");
        check(
            json!({ "number": 17, "lines": [] }),
            "data.number: invalid type",
        );
        check(
            json!({ "number": "R-17", "lines": [{ "cents": 1 }, { "cents": "2" }] }),
            "data.lines[1].cents: invalid type",
        );
        check(json!(null), "data: invalid type: null");
    }
}
