//! Reads JSON from outside, within a budget of memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The most that an answer may weigh. A unit takes some 64 bytes once it is read, while a component has 128 MiB in all:
/// 8 MiB of `0,0,0,…` are 4 million values, which would take 256 MiB.
const MOST: u32 = 500_000;
/// What an object weighs beside its fields: its first node has room for eleven.
const OBJECT: u32 = 10;
/// What the name of a field weighs beside its value.
const NAME: u32 = 2;

/// The name by which serde_json hands over the digits of a number as they are.
const NUMBER_FIELD: &str = "$serde_json::private::Number";
/// The longest number that is taken, in characters: PostgreSQL keeps 16,383 digits after the point.
const LONGEST_NUMBER: usize = 16_000;
/// The largest exponent, because `jsonb` writes its zeros out.
const LARGEST_EXPONENT: u32 = 400;

/// Why an answer cannot be read.
#[derive(Debug)]
pub enum BadJson {
    /// It has too many values.
    TooLarge,
    /// It has a number that the database does not take; its beginning.
    Number(String),
    /// It is not JSON.
    Invalid(serde_json::Error),
}

/// Reads JSON. Of surrogates that stand alone, which Rust and PostgreSQL refuse, each becomes U+FFFD.
pub fn json(body: &[u8]) -> Result<Value, BadJson> {
    let body = without_lone_surrogates(body);
    let mut budget = Budget {
        left: Some(MOST),
        bad_number: None,
    };
    let mut reader = serde_json::Deserializer::from_slice(&body);
    match Weigh(&mut budget).deserialize(&mut reader) {
        Err(_) if budget.left.is_none() => return Err(BadJson::TooLarge),
        Err(error) => {
            let number = budget.bad_number.map(BadJson::Number);
            return Err(number.unwrap_or(BadJson::Invalid(error)));
        }
        Ok(()) => {}
    }
    serde_json::from_slice(&body).map_err(BadJson::Invalid)
}

struct Budget {
    /// What is left; none once that was too little.
    left: Option<u32>,
    bad_number: Option<String>,
}

/// Reads a value, keeps nothing of it, and takes its weight from the budget.
struct Weigh<'a>(&'a mut Budget);

impl Weigh<'_> {
    fn take<E: Error>(&mut self, weight: u32) -> Result<(), E> {
        self.0.left = self.0.left.and_then(|it| it.checked_sub(weight));
        match self.0.left {
            Some(_) => Ok(()),
            None => Err(E::custom("too large")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Weigh<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weigh<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.take(1)
    }

    fn visit_bool<E: Error>(mut self, _: bool) -> Result<(), E> {
        self.take(1)
    }

    fn visit_i64<E: Error>(mut self, _: i64) -> Result<(), E> {
        self.take(1)
    }

    fn visit_u64<E: Error>(mut self, _: u64) -> Result<(), E> {
        self.take(1)
    }

    fn visit_f64<E: Error>(mut self, _: f64) -> Result<(), E> {
        self.take(1)
    }

    fn visit_str<E: Error>(mut self, _: &str) -> Result<(), E> {
        self.take(1)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        self.take(1)?;
        while values.next_element_seed(Weigh(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let mut key = fields.next_key::<Key>()?;
        if matches!(key, Some(Key::Number)) {
            let digits: String = fields.next_value()?;
            self.take(1)?;
            if !is_kept(&digits) {
                self.0.bad_number = Some(digits.chars().take(40).collect());
                return Err(A::Error::custom("a number of too many digits"));
            }
            return Ok(());
        }
        self.take(OBJECT)?;
        while key.is_some() {
            self.take(NAME)?;
            fields.next_value_seed(Weigh(self.0))?;
            key = fields.next_key()?;
        }
        Ok(())
    }
}

/// Whether PostgreSQL keeps a number, and takes no more room for it than its text.
fn is_kept(digits: &str) -> bool {
    let exponent = digits.split_once(['e', 'E']).map_or("0", |(_, it)| it);
    let exponent = exponent.trim_start_matches(['+', '-']).parse::<u32>();
    digits.len() <= LONGEST_NUMBER && exponent.is_ok_and(|it| it <= LARGEST_EXPONENT)
}

/// The name of a field, as far as it matters here.
enum Key {
    Number,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    NUMBER_FIELD => Key::Number,
                    _ => Key::Other,
                })
            }
        }
        reader.deserialize_str(Name)
    }
}

/// Backslashes are found in strings alone, if the body is JSON at all.
fn without_lone_surrogates(body: &[u8]) -> Cow<'_, [u8]> {
    let mut body = Cow::Borrowed(body);
    let mut at = 0;
    while let Some(found) = body
        .get(at..)
        .and_then(|it| it.iter().position(|it| *it == b'\\'))
    {
        at += found;
        let follows = escaped(&body, at + 6);
        match escaped(&body, at) {
            Some(0xd800..=0xdbff) if matches!(follows, Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                body.to_mut()[at..at + 6].copy_from_slice(b"\\ufffd");
                at += 6;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    body
}

/// The number of an escape such as `\u00e9` at this place, if there is one.
fn escaped(body: &[u8], at: usize) -> Option<u16> {
    let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    #[test]
    fn an_answer_of_too_many_values_is_refused() {
        let check = |body: String, is_too_large: bool| {
            let read = json(body.as_bytes());
            let refused = matches!(read, Err(BadJson::TooLarge));
            assert_eq!(refused, is_too_large, "{}…", &body[..20]);
            assert_eq!(read.is_ok(), !is_too_large, "{}…", &body[..20]);
        };
        let list =
            |value: &str, n: usize| format!("[{}{value}]", format!("{value},").repeat(n - 1));
        check(list("0", 499_999), false);
        check(list("0", 500_000), true);
        check(list("0.25", 499_999), false);
        check(list("18446744073709551616", 500_000), true);
        check(list("\"a\"", 4_000_000), true);
        check(list("[]", 600_000), true);
        check(list("{}", 49_999), false);
        check(list("{}", 50_000), true);
        check(list("{\"a\":0}", 39_000), true);
        check(list(&format!("\"{}\"", "x".repeat(1000)), 8000), false);
        let record = format!("{{{}\"id\":1}}", "\"name\":\"value\",".repeat(9));
        check(list(&record, 10_000), false);
    }

    #[test]
    fn what_is_not_json_is_invalid() {
        for body in [
            "",
            "{",
            "[1,]",
            "1 2",
            "{\"a\"}",
            "\"\\x\"",
            "\"\\ud8\"",
            "\\",
        ] {
            let read = json(body.as_bytes());
            assert!(matches!(read, Err(BadJson::Invalid(_))), "{body} {read:?}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(json(deep.as_bytes()), Err(BadJson::Invalid(_))));
    }

    #[test]
    fn numbers_keep_every_digit() {
        for text in [
            "18446744073709551617",
            "123456789012345678901234567890",
            "12345678901234567.89",
            "1.10",
            "-0.0",
            "1e+300",
            "6.02214076e+23",
        ] {
            let body = format!("{{\"a\":[{text}]}}");
            assert_eq!(json(body.as_bytes()).unwrap().to_string(), body);
        }
    }

    #[test]
    fn a_number_that_the_database_does_not_take_is_named() {
        let long = format!("0.{}", "3".repeat(16_000));
        for text in ["1e401", "-1.5E-20000", "1e99999999999", &long] {
            let body = format!("[{text}]");
            let Err(BadJson::Number(named)) = json(body.as_bytes()) else {
                panic!("{text} is taken");
            };
            let same = |it: &str| it.replace('+', "").to_ascii_lowercase();
            assert!(same(text).starts_with(&same(&named)), "{named}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_replaced() {
        for (body, expected) in [
            (r#""a\ud800b""#, value!("a\u{fffd}b")),
            (r#""\uDC00""#, value!("\u{fffd}")),
            (r#""\ud83d\ude00""#, value!("\u{1f600}")),
            (r#""\ud83d\ud83d\ude00""#, value!("\u{fffd}\u{1f600}")),
            (r#""\ud83dx\ude00""#, value!("\u{fffd}x\u{fffd}")),
            (r#""\\ud800""#, value!("\\ud800")),
            (
                r#"{"\ud800":"\u00e9\n"}"#,
                value!({ "\u{fffd}": "\u{e9}\n" }),
            ),
        ] {
            assert_eq!(json(body.as_bytes()).ok(), Some(expected), "{body}");
        }
    }
}
