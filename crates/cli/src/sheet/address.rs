/// No address is longer than 254 octets; of what is longer by far, this much shows that it is no address.
const LONGEST: usize = 4_096;

/// The text of a field as an address: trimmed, its domain in lower case, so that equal addresses are equal texts.
/// None when nothing is left.
pub(crate) fn address(field: &[u8]) -> Option<String> {
    // PostgreSQL's text has no NUL, and no address has one.
    let text = String::from_utf8_lossy(field).replace('\0', "\u{fffd}");
    let text = text.trim();
    let end = text
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| *at >= LONGEST)
        .unwrap_or(text.len());
    let text = &text[..end];
    match text.rsplit_once('@') {
        _ if text.is_empty() => None,
        Some((local, domain)) => Some(format!("{local}@{}", domain.to_lowercase())),
        None => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_addresses_are_equal_texts() {
        let check = |field: &[u8], expected: Option<&str>| {
            assert_eq!(address(field).as_deref(), expected, "{field:?}")
        };
        check(b"ann@Example.COM", Some("ann@example.com"));
        check(b"  ann@example.com\t", Some("ann@example.com"));
        check(
            "\u{a0}ann@M\u{dc}NCHEN.de".as_bytes(),
            Some("ann@m\u{fc}nchen.de"),
        );
        check(b"Ann@example.com", Some("Ann@example.com"));
        check(b"\"a@b\"@Example.com", Some("\"a@b\"@example.com"));
        check(b"no address", Some("no address"));
        check(b"a\0b@example.com", Some("a\u{fffd}b@example.com"));
        check(b"j\xf6rg@example.com", Some("j\u{fffd}rg@example.com"));
        check(b"", None);
        check(b" \t\r\n", None);
    }

    #[test]
    fn a_text_without_end_is_cut_between_characters() {
        let long = "\u{fc}".repeat(10_000);
        assert_eq!(address(long.as_bytes()).map(|it| it.len()), Some(LONGEST));
    }
}
