//! Names in a manifest: words of one case, joined by one delimiter.

const VARIABLE_HELP: &str = "rename it to lower-case words that begin with a letter and are joined by `_`, such as `pg_host` or `resolver1`";
const COMPONENT_HELP: &str = "rename it to words that begin with a letter and are joined by `-`, such as `validate-contacts`";
const LABEL_HELP: &str = "rename it to words that begin with a letter and are joined by `-` or by `_`, such as `default`";

/// Checks the name of a variable of the application or of a component: lower snake_case.
pub(super) fn variable_name(text: &str) -> Result<(), String> {
    check_words(text, '_')
        .and_then(|()| match text.chars().find(char::is_ascii_uppercase) {
            Some(letter) => Err(format!("`{letter}` is in upper case")),
            None => Ok(()),
        })
        .map_err(|err| format!("`{text}`: {err}; {VARIABLE_HELP}"))
}

/// Checks the id of a component: kebab-case; whole words may be in upper case.
pub(super) fn component_id(text: &str) -> Result<(), String> {
    check_words(text, '-').map_err(|err| format!("`{text}`: {err}; {COMPONENT_HELP}"))
}

/// Checks the label of a store or a database: kebab-case or snake_case.
pub(super) fn label(text: &str) -> Result<(), String> {
    let delimiter = if text.contains('_') { '_' } else { '-' };
    check_words(text, delimiter).map_err(|err| format!("`{text}`: {err}; {LABEL_HELP}"))
}

/// True if a component may ask for a variable of this name.
/// This rule is wider than the one for the manifest: `a_1` is a name that is merely undefined.
pub(crate) fn is_variable_key(text: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    text.starts_with(|it: char| it.is_ascii_lowercase())
        && text.chars().all(is_plain)
        && !text.ends_with('_')
        && !text.contains("__")
}

fn check_words(text: &str, delimiter: char) -> Result<(), String> {
    if text.is_empty() {
        return Err("the name is empty".to_owned());
    }
    text.split(delimiter)
        .try_for_each(|word| check_word(word, delimiter))
}

fn check_word(word: &str, delimiter: char) -> Result<(), String> {
    let Some(first) = word.chars().next() else {
        return Err(format!("a word before or after `{delimiter}` is empty"));
    };
    if !first.is_ascii_alphabetic() {
        return Err(format!("the word `{word}` does not begin with a letter"));
    }
    if let Some(other) = word.chars().find(|it| !it.is_ascii_alphanumeric()) {
        return Err(format!("`{other}` is neither an ASCII letter nor a digit"));
    }
    let is_mixed = |it: char| {
        it.is_ascii_alphabetic() && it.is_ascii_uppercase() != first.is_ascii_uppercase()
    };
    match word.contains(is_mixed) {
        true => Err(format!("the word `{word}` mixes upper and lower case")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: fn(&str) -> Result<(), String>, table: &[(&str, Option<&str>)]) {
        for (id, refusal) in table {
            match (rule(id), refusal) {
                (Ok(()), None) => {}
                (Err(err), Some(reason)) => {
                    assert!(err.contains(reason), "{id:?}: {err}");
                    assert!(
                        err.contains(&format!("`{id}`")),
                        "the value is named: {err}"
                    );
                    assert!(err.contains("rename it"), "the remedy is named: {err}");
                }
                (result, _) => panic!("{id:?}: {result:?}"),
            }
        }
    }

    const NO_LETTER: Option<&str> = Some("does not begin with a letter");
    const EMPTY_WORD: Option<&str> = Some("is empty");
    const MIXED: Option<&str> = Some("mixes upper and lower case");
    const OTHER: Option<&str> = Some("is neither an ASCII letter nor a digit");

    /// Rule: spinframework/spin crates/serde/src/id.rs, `LowerSnakeId` in crates/serde/src/lib.rs.
    #[test]
    fn variable_names_are_lower_snake_case() {
        check(
            variable_name,
            &[
                ("a", None),
                ("resolver1", None),
                ("pg_host", None),
                ("a1b2_c3", None),
                ("resolver_1", NO_LETTER),
                ("1x", NO_LETTER),
                ("a__b", EMPTY_WORD),
                ("x_", EMPTY_WORD),
                ("_x", EMPTY_WORD),
                ("_", EMPTY_WORD),
                ("", EMPTY_WORD),
                ("a-b", OTHER),
                ("bad+name", OTHER),
                ("a b", OTHER),
                ("é", NO_LETTER),
                ("aé", OTHER),
                ("aB", MIXED),
                ("Foo", MIXED),
                ("FOO", Some("is in upper case")),
                ("a_FOO", Some("is in upper case")),
            ],
        );
    }

    /// Rule: spinframework/spin crates/serde/src/id.rs, `KebabId` in crates/serde/src/lib.rs.
    #[test]
    fn component_ids_are_kebab_case() {
        check(
            component_id,
            &[
                ("a", None),
                ("validate-contacts", None),
                ("v2-api", None),
                ("my-API", None),
                ("API", None),
                ("1-2-3", NO_LETTER),
                ("a-1", NO_LETTER),
                ("a--b", EMPTY_WORD),
                ("a-", EMPTY_WORD),
                ("-a", EMPTY_WORD),
                ("", EMPTY_WORD),
                ("bad_id", OTHER),
                ("a.b", OTHER),
                ("a-Bc", MIXED),
            ],
        );
    }

    /// Rule: spinframework/spin crates/manifest/src/schema/v2.rs, `kebab_or_snake_case`.
    #[test]
    fn labels_are_kebab_or_snake_case() {
        check(
            label,
            &[
                ("default", None),
                ("my-store", None),
                ("my_store", None),
                ("MY_STORE", None),
                ("a-b_c", OTHER),
                ("store 1", OTHER),
                ("store-1", NO_LETTER),
                ("store_1", NO_LETTER),
                ("", EMPTY_WORD),
                ("Store", MIXED),
            ],
        );
    }

    /// Rule: spinframework/spin crates/expressions/src/lib.rs, `Key::validate`.
    #[test]
    fn a_component_may_ask_for_a_wider_set_of_names() {
        for key in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            assert!(is_variable_key(key), "{key:?}");
        }
        for key in ["", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y", "é"] {
            assert!(!is_variable_key(key), "{key:?}");
        }
    }
}
