//! `{{ name }}` in component variables and allowed hosts.

use std::collections::BTreeMap;

/// True for a lower-case letter followed by lower-case letters, digits and underscores.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|it: char| it.is_ascii_lowercase())
        && text
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

/// Replaces every `{{ name }}` by its value; the error names what is undefined or malformed.
pub(super) fn fill(text: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inner, after)) = after.split_once("}}") else {
            return Err(format!("`{text}` has a `{{{{` without `}}}}`"));
        };
        let name = inner.trim();
        if !is_name(name) {
            return Err(format!("`{name}` is not a variable name"));
        }
        let Some(value) = values.get(name) else {
            return Err(format!("the variable {name} is undefined"));
        };
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}
