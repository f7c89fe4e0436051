//! Segments of text messages: 3GPP TS 23.038 (alphabets) and TS 23.040, section 9.2.3.24.1 (concatenation).

/// The default alphabet.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension: each takes an escape before it.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Providers take no text message of more characters (Twilio's error 21617).
const MOST_CHARACTERS: usize = 1_600;

/// How long a text message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Its characters.
    pub characters: usize,
    /// What it is paid for as.
    pub segments: u32,
    /// Whether the default alphabet has all its characters.
    pub is_basic: bool,
}

impl Size {
    /// Of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self {
            characters: text.chars().count(),
            segments: segments(text),
            is_basic: text
                .chars()
                .all(|it| BASIC.contains(it) || EXTENDED.contains(it)),
        }
    }

    /// Whether providers refuse it.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.characters > MOST_CHARACTERS
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let alphabet = if self.is_basic { "GSM-7" } else { "UCS-2" };
        write!(
            f,
            "{} characters, {} segments in {alphabet}",
            self.characters, self.segments
        )
    }
}

/// In how many segments a text goes out, each of which is paid for. 160 characters of the default alphabet, or 70 UTF-16 units,
/// are one segment; each part of a longer text has 7 characters, or 3 units, less for what joins them.
#[must_use]
pub fn segments(text: &str) -> u32 {
    let septets: Option<usize> = text
        .chars()
        .map(|it| match it {
            it if BASIC.contains(it) => Some(1),
            it if EXTENDED.contains(it) => Some(2),
            _ => None,
        })
        .sum();
    let (units, alone, joined) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    let n = if units <= alone {
        1
    } else {
        units.div_ceil(joined)
    };
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_names_length_segments_and_alphabet() {
        let check = |text: &str, expected: &str, too_long| {
            let size = Size::of(text);
            assert_eq!(
                (size.to_string().as_str(), size.is_too_long()),
                (expected, too_long)
            );
        };
        check("Hello", "5 characters, 1 segments in GSM-7", false);
        check("Hello 🙂", "7 characters, 1 segments in UCS-2", false);
        check(
            &"a".repeat(1_600),
            "1600 characters, 11 segments in GSM-7",
            false,
        );
        check(
            &"a".repeat(1_601),
            "1601 characters, 11 segments in GSM-7",
            true,
        );
        check(
            &"ж".repeat(1_601),
            "1601 characters, 24 segments in UCS-2",
            true,
        );
    }

    #[test]
    fn a_text_is_as_many_segments_as_its_alphabet_needs() {
        let check = |text: &str, expected| {
            let shown: String = text.chars().take(3).collect();
            assert_eq!(segments(text), expected, "{shown} …");
        };
        check("", 1);
        check(&"a".repeat(160), 1);
        check(&"a".repeat(161), 2);
        check(&"a".repeat(306), 2);
        check(&"a".repeat(307), 3);
        check(&"€".repeat(80), 1);
        check(&"€".repeat(81), 2);
        check(&"ç".repeat(70), 1);
        check(&"ç".repeat(71), 2);
        check(&"😀".repeat(35), 1);
        check(&"😀".repeat(36), 2);
        check(&format!("{}ж", "a".repeat(67)), 1);
        check(&format!("{}ж", "a".repeat(134)), 3);
    }
}
