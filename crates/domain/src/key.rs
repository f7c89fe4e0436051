//! Keys and tokens of which two are live while one replaces the other.

/// Shorter ones, in bytes, are no service keys of their own beside others.
const SHORTEST: usize = 16;

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
}
