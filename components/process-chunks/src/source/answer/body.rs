use std::borrow::Cow;
use std::io::{Read as _, Result};

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use outbound::{BadJson, json};
use serde_json::Value;

use super::Answer;
use crate::source::{Failure, LONGEST_ANSWER};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The body as JSON, whatever it was packed in.
pub(super) fn read(answer: &Answer) -> std::result::Result<Value, Failure> {
    let body = unpacked(answer)?;
    let body = body.strip_prefix(BOM).unwrap_or(&body);
    if body.trim_ascii().is_empty() {
        return Err(Failure::failed(format!(
            "the answer is empty ({})",
            answer.status
        )));
    }
    json(body).map_err(|it| {
        Failure::failed(match it {
            BadJson::TooLarge => {
                "the answer is too large to read; ask for smaller pages, by the address or by --page-size".to_owned()
            }
            BadJson::Number(number) => {
                format!("the answer has a number of too many digits: {number}…")
            }
            BadJson::Invalid(error) => match kind(answer, body) {
                Some(kind) => format!("the answer is {kind}, not JSON; is the address that of an API?"),
                None => format!("the answer is not JSON: {error}"),
            },
        })
    })
}

/// What the body is, where that says more than the parser of JSON does.
fn kind(answer: &Answer, body: &[u8]) -> Option<String> {
    if body.starts_with(b"\xff\xfe") || body.starts_with(b"\xfe\xff") {
        return Some("text in UTF-16".to_owned());
    }
    let media_type = answer.header("content-type")?.split(';').next()?.trim();
    let says_json = media_type.to_ascii_lowercase().contains("json");
    match (says_json, std::str::from_utf8(body)) {
        (false, _) if !media_type.is_empty() => Some(answer.words(media_type)),
        (_, Err(_)) => Some("text in another encoding than UTF-8".to_owned()),
        (_, Ok(_)) => None,
    }
}

/// The body as it was before the server packed it. None of these encodings was asked for.
fn unpacked<'a>(answer: &Answer<'a>) -> std::result::Result<Cow<'a, [u8]>, Failure> {
    let mut body = Cow::Borrowed(answer.body);
    let codings: Vec<&str> = answer
        .all("content-encoding")
        .flat_map(|it| it.split(','))
        .map(str::trim)
        .filter(|it| !it.is_empty() && !it.eq_ignore_ascii_case("identity"))
        .collect();
    for coding in codings.iter().rev() {
        let unpacked = match coding.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => bounded(GzDecoder::new(&*body)),
            "deflate" => {
                bounded(ZlibDecoder::new(&*body)).or_else(|_| bounded(DeflateDecoder::new(&*body)))
            }
            other => {
                return Err(Failure::failed(format!(
                    "the answer is packed by {:?}, which was not asked for and cannot be read",
                    answer.words(other)
                )));
            }
        };
        let unpacked = unpacked
            .map_err(|it| Failure::failed(format!("the answer is no valid {coding}: {it}")))?;
        if unpacked.len() > LONGEST_ANSWER {
            return Err(Failure::too_long());
        }
        body = unpacked.into();
    }
    Ok(body)
}

/// One byte more than is taken at most, lest a small answer fill the memory.
fn bounded(packed: impl std::io::Read) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    packed
        .take(LONGEST_ANSWER as u64 + 1)
        .read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

/// The names under which servers tell errors.
const ERRORS: [&str; 5] = [
    "error_description",
    "error_message",
    "error",
    "errors",
    "fault",
];
/// Names that tell of an error in an answer that is one, and of something else in others.
const WORDS: [&str; 4] = ["message", "detail", "msg", "title"];

/// What a server says of an error. `is_error`: whether the answer is known to be one.
pub(in crate::source) fn server_error(body: &Value, is_error: bool) -> Option<String> {
    let body = body.as_object()?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()).filter(|it| !it.trim().is_empty()),
        Value::Object(fields) => ["message", "detail", "reason", "title", "type", "code"]
            .into_iter()
            .find_map(|it| fields.get(it)?.as_str())
            .map(str::to_owned),
        _ => None,
    };
    let words = WORDS.iter().filter(|_| is_error);
    let names = ERRORS.iter().chain(words);
    names.into_iter().find_map(|it| match body.get(*it)? {
        Value::Array(errors) => text(errors.first()?),
        error => text(error),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use serde_json::json;

    use super::*;

    fn read_as(headers: &[(&str, &str)], body: &[u8]) -> std::result::Result<Value, String> {
        let answer = Answer {
            status: 200,
            headers: headers.to_vec(),
            body,
            ..Answer::default()
        };
        read(&answer).map_err(|it| it.message)
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(body).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn a_byte_order_mark_and_packing_are_taken_off() {
        let body = b"{\"a\":1}";
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(body).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(body).unwrap();
        let check = |coding: &str, body: &[u8]| {
            let read = read_as(&[("Content-Encoding", coding)], body);
            assert_eq!(read, Ok(json!({ "a": 1 })), "{coding}");
        };
        check("", body);
        check("identity", body);
        check("gzip", &gzip(body));
        check("X-GZIP", &gzip(body));
        check("gzip, gzip", &gzip(&gzip(body)));
        check("deflate", &zlib.finish().unwrap());
        check("deflate", &raw.finish().unwrap());
        check("", b"\xef\xbb\xbf{\"a\":1}");
        check("gzip", &gzip(b"\xef\xbb\xbf{\"a\":1}"));
    }

    #[test]
    fn what_is_no_json_is_named() {
        let check = |headers: &[(&str, &str)], body: &[u8], expected: &str| {
            let message = read_as(headers, body).unwrap_err();
            assert!(message.contains(expected), "{message}");
        };
        let html = ("content-type", "text/html; charset=utf-8");
        let json = ("content-type", "application/problem+json");
        check(&[html], b"<html>", "the answer is text/html, not JSON");
        check(&[json], b"<html>", "not JSON: expected value");
        check(&[json], b"\"J\xf6rg\"", "another encoding than UTF-8");
        check(&[], b"\xff\xfe{\0", "UTF-16");
        check(&[], b"", "empty (200)");
        check(&[], b" \n", "empty (200)");
        check(&[("content-encoding", "br")], b"x", "packed by \"br\"");
        check(&[("content-encoding", "gzip")], b"x", "no valid gzip");
        check(&[], b"[1e999]", "too many digits: 1e+999");
        let bomb = gzip(&vec![b' '; LONGEST_ANSWER + 1]);
        check(&[("content-encoding", "gzip")], &bomb, "longer than 8 MiB");
    }

    #[test]
    fn an_error_in_a_body_is_found() {
        let check = |body: Value, expected: Option<&str>| {
            assert_eq!(server_error(&body, true).as_deref(), expected, "{body}");
        };
        check(
            json!({ "ok": false, "error": "invalid_auth" }),
            Some("invalid_auth"),
        );
        check(
            json!({ "error": { "code": 7, "message": "no" } }),
            Some("no"),
        );
        check(
            json!({ "errors": [{ "message": "no field x" }], "data": null }),
            Some("no field x"),
        );
        check(json!({ "errors": ["a", "b"] }), Some("a"));
        check(json!({ "message": "Not Found" }), Some("Not Found"));
        check(json!({ "title": "Bad", "detail": "worse" }), Some("worse"));
        check(json!({ "error": null, "items": [] }), None);
        check(json!([{ "error": "x" }]), None);
    }
}
