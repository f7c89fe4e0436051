//! What people and other programs write around a phone number.

use icu_normalizer::ComposingNormalizerBorrowed;

use super::NotAPhone;

/// Between several numbers; a slash or a semicolon also stands inside one, so each part has to be as long as a number.
const SEPARATORS: [&str; 9] = [",", ";", "|", "/", "\n", " or ", " oder ", " and ", " und "];
/// The digits of the shortest number with its area that people write beside another one.
const SHORTEST: usize = 7;
/// Before an extension.
const EXTENSIONS: [&str; 6] = ["ext", "extension", "x", "durchwahl", "poste", "anexo"];

/// The number that a field holds, without scheme (RFC 3966 and the like), label and parameters.
pub(super) fn number_in(field: &str) -> Result<String, NotAPhone> {
    let field: String = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(field)
        .chars()
        .filter(|it| !is_left_out(*it))
        .collect();
    let field = field.trim();
    if holds_several(field) {
        return Err(NotAPhone::Several);
    }
    let (field, parameters) = match field.split_once(';') {
        Some((number, parameters)) => (number, parameters.to_lowercase()),
        None => (field, String::new()),
    };
    let number = without_label(field);
    if parameters.split(';').any(|it| it.starts_with("ext=")) || has_extension(number) {
        return Err(NotAPhone::Extension);
    }
    let context = parameters
        .split(';')
        .find_map(|it| it.strip_prefix("phone-context="))
        .filter(|it| it.starts_with('+'));
    let number = match (context, number.strip_prefix("00")) {
        (Some(context), _) if !number.starts_with('+') => format!("{context}{number}"),
        // The prefix that ITU-T E.123 recommends.
        (_, Some(rest)) => format!("+{rest}"),
        (_, None) => number.to_owned(),
    };
    Ok(without_old_prefix(number))
}

/// Marks of direction and of spreadsheets, and what some put between groups of digits.
fn is_left_out(it: char) -> bool {
    matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\'' | '\u{2019}' | '`')
}

fn digits(text: &str) -> usize {
    text.chars().filter(char::is_ascii_digit).count()
}

fn holds_several(field: &str) -> bool {
    let lower = field.to_lowercase();
    let is_split = SEPARATORS.iter().any(|separator| {
        let numbers = lower.split(separator).filter(|it| digits(it) >= SHORTEST);
        numbers.count() > 1
    });
    // The context of a number is no second one.
    let number = lower.split(";phone-context=").next().unwrap_or_default();
    is_split && !lower.contains(";phone-context=")
        || number.matches('+').count() > 1 && digits(number) >= 2 * SHORTEST
}

/// Without `tel:`, `p:`, `Mobile:` and the like.
fn without_label(field: &str) -> &str {
    match field.split_once(':') {
        Some((label, number))
            if label
                .chars()
                .all(|it| it.is_alphabetic() || " .-".contains(it)) =>
        {
            number.trim()
        }
        Some(_) | None => field.trim(),
    }
}

/// Whether a number is followed by a word for an extension, or its sign, and digits.
fn has_extension(number: &str) -> bool {
    let lower = number.to_lowercase();
    let before = lower.trim_end_matches(|it: char| it.is_ascii_digit() || " .:#".contains(it));
    let word = before.trim_start_matches(|it: char| !it.is_alphabetic());
    let is_marked = EXTENSIONS.contains(&word) || word.is_empty() && lower.contains('#');
    is_marked
        && digits(&lower[..before.len() - word.len()]) + usize::from(word.is_empty()) >= SHORTEST
        && lower.ends_with(|it: char| it.is_ascii_digit())
}

/// Mexico dropped the 1 of mobile phones in 2019; address books keep it.
fn without_old_prefix(number: String) -> String {
    let plain: String = number
        .chars()
        .filter(|it| it.is_ascii_digit() || *it == '+')
        .collect();
    match plain.strip_prefix("+521") {
        Some(rest) if rest.len() == 10 => format!("+52{rest}"),
        Some(_) | None => number,
    }
}
