//! Keys and tokens of which two are live while one replaces the other.

use sha2::{Digest as _, Sha256};

/// A shorter service key, in bytes, can be guessed and admits nobody.
pub const SHORTEST: usize = 16;

/// A service key can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service key is shorter than {SHORTEST} bytes, so it admits nobody")]
pub struct TooShort;

/// The live values of a secret, separated by spaces or commas: two while one replaces the other.
pub fn live(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| it == ',' || it.is_whitespace())
        .filter(|it| !it.is_empty())
}

/// The service keys in a text. A phrase of several words is one key, or each of its words would be one.
#[must_use]
pub fn service_keys(text: &str) -> Vec<String> {
    let keys: Vec<String> = live(text).map(str::to_owned).collect();
    if keys.iter().all(|it| it.len() >= SHORTEST) {
        return keys;
    }
    vec![text.trim().to_owned()]
}

/// The service keys in a text, none of which is too short; an empty text has none.
///
/// # Errors
/// If one is too short; then none is to admit anybody.
pub fn safe_service_keys(text: &str) -> Result<Vec<String>, TooShort> {
    let keys = service_keys(text);
    match keys.iter().all(|it| it.is_empty() || it.len() >= SHORTEST) {
        true => Ok(keys),
        false => Err(TooShort),
    }
}

/// What to compare in place of a key: of one length for all, so that the time taken tells nothing of a key's own.
#[must_use]
pub fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_long_keys_are_two_and_a_phrase_is_one() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(service_keys(text), expected, "{text:?}");
        };
        check("", &[]);
        check(" ", &[]);
        check("short", &["short"]);
        check("0123456789abcdef", &["0123456789abcdef"]);
        check(
            "0123456789abcdef fedcba9876543210",
            &["0123456789abcdef", "fedcba9876543210"],
        );
        check(
            "0123456789abcdef,\nfedcba9876543210\n",
            &["0123456789abcdef", "fedcba9876543210"],
        );
        check(
            "correct horse battery staple",
            &["correct horse battery staple"],
        );
        check("0123456789abcdef short", &["0123456789abcdef short"]);
    }

    #[test]
    fn a_short_service_key_is_refused() {
        let check = |text: &str, expected: Result<usize, TooShort>| {
            let keys = safe_service_keys(text).map(|it| it.len());
            assert_eq!(keys, expected, "{text:?}");
        };
        check("", Ok(0));
        check("x", Err(TooShort));
        check("0123456789abcde", Err(TooShort));
        check("0123456789abcdef", Ok(1));
        check("0123456789abcdef fedcba9876543210", Ok(2));
        check("a b c", Err(TooShort));
    }

    #[test]
    fn digests_of_keys_differ_and_have_one_length() {
        assert_eq!(digest("a key"), digest("a key"));
        assert_ne!(digest("a key"), digest("another"));
    }
}
