//! Reads JSON from outside, within a budget of memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The most that an answer may weigh. A unit takes some 64 bytes once it is read, while a component has 128 MiB in all:
/// 8 MiB of `0,0,0,…` are 4 million values, which would take 256 MiB.
const MOST: u32 = 500_000;
/// What an object weighs beside its fields: its first node has room for eleven.
const OBJECT: u32 = 10;
/// What the name of a field weighs beside its value.
const NAME: u32 = 2;

/// Why an answer cannot be read.
#[derive(Debug)]
pub(crate) enum BadJson {
    /// It has too many values.
    TooLarge,
    /// It is not JSON.
    Invalid(serde_json::Error),
}

/// Reads JSON. Of surrogates that stand alone, which Rust and PostgreSQL refuse, each becomes U+FFFD.
pub(crate) fn json(body: &[u8]) -> Result<Value, BadJson> {
    let body = without_lone_surrogates(body);
    let mut left = Some(MOST);
    let mut reader = serde_json::Deserializer::from_slice(&body);
    match Weigh(&mut left).deserialize(&mut reader) {
        Err(_) if left.is_none() => return Err(BadJson::TooLarge),
        Err(error) => return Err(BadJson::Invalid(error)),
        Ok(()) => {}
    }
    serde_json::from_slice(&body).map_err(BadJson::Invalid)
}

/// Reads a value, keeps nothing of it, and takes its weight from what is left; none once that was too little.
struct Weigh<'a>(&'a mut Option<u32>);

impl Weigh<'_> {
    fn take<E: Error>(&mut self, weight: u32) -> Result<(), E> {
        *self.0 = self.0.and_then(|it| it.checked_sub(weight));
        match self.0 {
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
        self.take(OBJECT)?;
        while fields.next_key::<IgnoredAny>()?.is_some() {
            self.take(NAME)?;
            fields.next_value_seed(Weigh(self.0))?;
        }
        Ok(())
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
