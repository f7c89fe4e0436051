//! What characters are, by the tables of Unicode.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether the character is invisible, or shows only in its effect on others: white space, controls, bidirectional
/// marks, joiners, fillers, and characters without a meaning.
pub(crate) fn is_invisible(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, SpaceSeparator};
    use GeneralCategory::{PrivateUse, Surrogate, Unassigned};
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    // The braille pattern without a dot is a symbol, and an empty one.
    c == '\u{2800}'
        || ignorable.contains(c)
        || matches!(
            category(c),
            Control
                | Format
                | LineSeparator
                | ParagraphSeparator
                | SpaceSeparator
                | PrivateUse
                | Surrogate
                | Unassigned
        )
}

/// Whether the character is punctuation outside of ASCII that no host name holds. Those that IDNA allows between
/// letters (RFC 5892, appendix A) and the full stops of other scripts are none here.
pub(crate) fn is_punctuation(c: char) -> bool {
    use GeneralCategory::{
        ClosePunctuation, ConnectorPunctuation, DashPunctuation, FinalPunctuation,
        InitialPunctuation, OpenPunctuation, OtherPunctuation,
    };
    let allowed = matches!(
        c,
        '\u{b7}'
            | '\u{5be}'
            | '\u{5f3}'
            | '\u{5f4}'
            | '\u{30fb}'
            | '\u{3002}'
            | '\u{ff0e}'
            | '\u{ff61}'
    );
    !c.is_ascii()
        && !allowed
        && matches!(
            category(c),
            ClosePunctuation
                | ConnectorPunctuation
                | DashPunctuation
                | FinalPunctuation
                | InitialPunctuation
                | OpenPunctuation
                | OtherPunctuation
        )
}

/// The text without invisible characters at its ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_invisible)
}

/// Canonical composition (NFC).
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Compatibility composition (NFKC): full-width letters become plain ones.
pub(crate) fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}
