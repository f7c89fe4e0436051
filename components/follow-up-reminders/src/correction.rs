//! Corrections, by a person, of when an assignment was last followed up.

use baton::instant;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer};

/// The longest key of an assignment, in characters.
const LONGEST_ID: usize = 200;
/// The longest text about a correction, in characters.
const LONGEST_TEXT: usize = 500;

/// A correction; all of it has to be there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// When, RFC 3339; null for never.
    #[serde(deserialize_with = "text_or_null")]
    pub last_contact_date: Option<String>,
    /// Who says so.
    pub who: String,
    /// Why.
    pub why: String,
}

/// Without this, a field that is absent would count as null.
fn text_or_null<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(field)
}

/// Whose date a path `/admin/assignments/{id}/last-contact-date` is about; none for any other path.
#[must_use]
pub fn assignment(path: &str) -> Option<String> {
    let id = path
        .strip_prefix("/admin/assignments/")?
        .strip_suffix("/last-contact-date")?;
    if id.contains('/') {
        return None;
    }
    let id = percent_decode_str(id).decode_utf8().ok()?;
    // PostgreSQL takes no NUL in a text.
    let is_one = (1..=LONGEST_ID).contains(&id.chars().count()) && !id.contains('\0');
    is_one.then(|| id.into_owned())
}

impl Correction {
    /// Whether it can be recorded.
    ///
    /// # Errors
    /// When a field cannot; the text names it and says what to give.
    pub fn check(&self) -> Result<(), String> {
        for (field, text) in [("who", &self.who), ("why", &self.why)] {
            let length = text.chars().count();
            if text.trim().is_empty() || length > LONGEST_TEXT || text.contains('\0') {
                return Err(format!("{field}: give 1 to {LONGEST_TEXT} characters"));
            }
        }
        match self.last_contact_date.as_deref().map(instant::seconds) {
            Some(None) => Err(
                "last_contact_date: give an instant since 1970 by RFC 3339, such as 2026-11-20T10:00:00Z, or null"
                    .to_owned(),
            ),
            Some(Some(_)) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_assignment() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(assignment(path).as_deref(), expected, "{path}");
        };
        let long = "x".repeat(LONGEST_ID);
        check("/admin/assignments/7/last-contact-date", Some("7"));
        check(
            "/admin/assignments/a%2Fb%20c/last-contact-date",
            Some("a/b c"),
        );
        check("/admin/assignments/%C3%BC/last-contact-date", Some("ü"));
        check(
            &format!("/admin/assignments/{long}/last-contact-date"),
            Some(&long),
        );
        check(
            &format!("/admin/assignments/{long}x/last-contact-date"),
            None,
        );
        check("/admin/assignments/%FF/last-contact-date", None);
        check("/admin/assignments/a%00/last-contact-date", None);
        check("/admin/assignments//last-contact-date", None);
        check("/admin/assignments/7/8/last-contact-date", None);
        check("/admin/assignments/7/last-contact-date/", None);
        check("/admin/assignments/last-contact-date", None);
        check("/admin/assignments/7", None);
        check("/admin/assignments", None);
    }

    #[test]
    fn a_correction_has_a_date_a_name_and_a_reason() {
        let check = |date: Option<&str>, who: &str, why: &str, expected: Option<&str>| {
            let correction = Correction {
                last_contact_date: date.map(str::to_owned),
                who: who.to_owned(),
                why: why.to_owned(),
            };
            let checked = correction.check();
            let field = checked
                .err()
                .and_then(|it| it.split(':').next().map(str::to_owned));
            assert_eq!(field.as_deref(), expected, "{date:?} {who} {why}");
        };
        let long = "x".repeat(LONGEST_TEXT + 1);
        check(Some("2026-11-20T10:00:00Z"), "Ada", "logged by phone", None);
        check(None, "Ada", "never happened", None);
        check(Some("2026-11-20"), "Ada", "y", Some("last_contact_date"));
        check(Some(""), "Ada", "y", Some("last_contact_date"));
        check(None, " ", "y", Some("who"));
        check(None, &long, "y", Some("who"));
        check(None, "Ada", "", Some("why"));
        check(None, "Ada", "a\0b", Some("why"));
        check(None, "Ada", &long, Some("why"));
    }

    #[test]
    fn every_field_has_to_be_there_and_no_other() {
        let check = |text: &str, expected: bool| {
            let read = serde_json::from_str::<Correction>(text);
            assert_eq!(read.is_ok(), expected, "{text}");
        };
        check(
            r#"{"last_contact_date": null, "who": "a", "why": "b"}"#,
            true,
        );
        check(
            r#"{"last_contact_date": "x", "who": "a", "why": "b"}"#,
            true,
        );
        check(r#"{"who": "a", "why": "b"}"#, false);
        check(r#"{"last_contact_date": null, "why": "b"}"#, false);
        check(
            r#"{"last_contact_date": null, "who": "a", "why": "b", "by": "c"}"#,
            false,
        );
        check(r#"{"last_contact_date": 7, "who": "a", "why": "b"}"#, false);
    }
}
