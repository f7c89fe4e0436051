/// No address is longer than 254 octets; of what is longer by far, this much shows that it is no address.
const LONGEST: usize = 4_096;

/// What a field says of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address alone where it can be read, else the field: trimmed, the domain in lower case, so that equal addresses
    /// are equal texts.
    pub text: String,
    /// Whether the field says more than the address, such as a name.
    pub is_decorated: bool,
}

impl Address {
    /// Reads a field; none when nothing is in it.
    pub(super) fn read(field: &[u8]) -> Option<Self> {
        // PostgreSQL's text has no NUL, and no address has one.
        let text = String::from_utf8_lossy(field).replace('\0', " ");
        let text = text.trim();
        // What `export` puts before what a spreadsheet would take for a formula.
        let text = match text.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
            _ => text,
        };
        let end = text
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| *at >= LONGEST)
            .unwrap_or(text.len());
        let text = &text[..end];
        if text.is_empty() {
            return None;
        }
        let framed = email_address::framed_address(text);
        let is_decorated = framed.is_some();
        let text = framed.unwrap_or_else(|| match text.rsplit_once('@') {
            Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
            None => text.to_owned(),
        });
        Some(Self { text, is_decorated })
    }

    /// Whether characters were lost before the file came here.
    pub fn is_damaged(&self) -> bool {
        self.text.contains(char::REPLACEMENT_CHARACTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_addresses_are_equal_texts() {
        let check = |field: &[u8], expected: Option<&str>| {
            let read = Address::read(field).map(|it| it.text);
            assert_eq!(read.as_deref(), expected, "{field:?}")
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
        check(b"a\0b@example.com", Some("a b@example.com"));
        check(b"'+1@example.com", Some("+1@example.com"));
        check(b"'t@example.com", Some("'t@example.com"));
        check(b"", None);
        check(b" \t\r\n", None);
    }

    #[test]
    fn a_name_beside_an_address_is_left_out() {
        let read = Address::read(b"Lund, Bo (bo@FIRMA.de)").expect("it is not empty");
        assert_eq!(
            (read.text.as_str(), read.is_decorated),
            ("bo@firma.de", true)
        );
        let several = Address::read(b"a@firma.de; b@firma.de").expect("it is not empty");
        assert_eq!(several.text, "a@firma.de; b@firma.de");
    }

    #[test]
    fn a_text_without_end_is_cut_between_characters() {
        let long = "\u{fc}".repeat(10_000);
        assert_eq!(
            Address::read(long.as_bytes()).map(|it| it.text.len()),
            Some(LONGEST)
        );
    }
}
