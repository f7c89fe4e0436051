use serde_json::{Map, Value};

use super::Failure;

/// A setting of a source is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting {field}: {problem}")]
pub struct BadSetting {
    field: String,
    problem: String,
}

impl BadSetting {
    pub(super) fn new(field: &str, problem: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.into(),
        }
    }

    /// The name of the setting.
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl From<BadSetting> for Failure {
    fn from(bad: BadSetting) -> Self {
        Self::failed(bad.to_string())
    }
}

/// Settings by name; a setting that is null counts as absent.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// `max_parallel` belongs to every source and is the database's affair; a name that is in neither list is a mistake.
    pub(super) fn read(settings: &'a Value, names: &[&str]) -> Result<Self, BadSetting> {
        let fields = settings
            .as_object()
            .ok_or_else(|| BadSetting::new("settings", "not an object"))?;
        match fields
            .keys()
            .find(|it| !names.contains(&it.as_str()) && *it != "max_parallel")
        {
            Some(unknown) => Err(BadSetting::new(
                unknown,
                format!("there is no such setting; there are {}", names.join(", ")),
            )),
            None => Ok(Self(fields)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, BadSetting> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(BadSetting::new(name, "not a text")),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, BadSetting> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(it)) => Ok(*it),
            Some(_) => Err(BadSetting::new(name, "neither true nor false")),
        }
    }

    /// An object of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<(String, String)>, BadSetting> {
        let fields = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(value) => value.as_object(),
        };
        let texts = fields.and_then(|it| {
            it.iter()
                .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect()
        });
        texts.ok_or_else(|| BadSetting::new(name, "not an object of texts"))
    }

    pub(super) fn number(
        &self,
        name: &str,
        least: u32,
        most: u32,
    ) -> Result<Option<u32>, BadSetting> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|it| u32::try_from(it).ok())
                .filter(|it| (least..=most).contains(it))
                .map(Some)
                .ok_or_else(|| {
                    BadSetting::new(name, format!("not a whole number from {least} to {most}"))
                }),
        }
    }

    /// A JSON pointer (RFC 6901).
    pub(super) fn pointer(&self, name: &str) -> Result<Option<String>, BadSetting> {
        let pointer = self.text(name)?;
        if pointer
            .as_deref()
            .is_some_and(|it| !it.is_empty() && !it.starts_with('/'))
        {
            return Err(BadSetting::new(
                name,
                "not a JSON pointer, such as /data/items; it begins with a slash",
            ));
        }
        Ok(pointer)
    }
}
