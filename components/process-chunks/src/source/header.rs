//! Header fields that a source wants beside those of every request.

use outbound::authorization;
use serde_json::Value;

use super::BadSetting;
use super::settings::Fields;

/// The setting that holds header fields and their values.
pub const HEADERS: &str = "headers";
/// The setting that names the header field that carries the password or token, where it is not `Authorization`.
pub const SECRET_HEADER: &str = "secret_header";

/// What a request is made of, or what the connection decides.
const OURS: [&str; 10] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "te",
    "upgrade",
    "keep-alive",
    "trailer",
    "proxy-authorization",
];

/// The header fields that a source's settings, user and secret add to a request.
pub fn headers(
    settings: &Value,
    username: Option<&str>,
    secret: Option<&str>,
) -> Vec<(String, String)> {
    let given = settings
        .get(HEADERS)
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let mut headers: Vec<(String, String)> = given
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    match (settings.get(SECRET_HEADER).and_then(Value::as_str), secret) {
        (Some(name), Some(secret)) => headers.push((name.to_owned(), secret.to_owned())),
        (Some(_), None) => {}
        (None, _) => {
            let credentials = authorization(username, secret);
            headers.extend(credentials.map(|it| ("authorization".to_owned(), it)));
        }
    }
    headers
}

/// Whether a text can be the name of a header field of a source (RFC 9110, section 5.1).
pub fn is_name(text: &str) -> bool {
    let is_token = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
    !text.is_empty()
        && text.bytes().all(is_token)
        && !OURS.contains(&text.to_ascii_lowercase().as_str())
}

pub(super) fn check(fields: &Fields) -> Result<(), BadSetting> {
    let bad = |name: &str| {
        BadSetting::new(
            HEADERS,
            format!("{name:?} cannot be sent as a header field"),
        )
    };
    for (name, value) in fields.texts(HEADERS)? {
        if !is_name(&name) || value.chars().any(char::is_control) {
            return Err(bad(&name));
        }
    }
    match fields.text(SECRET_HEADER)? {
        Some(name) if !is_name(&name) => Err(BadSetting::new(
            SECRET_HEADER,
            format!("{name:?} is no name of a header field"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::paged::Settings;

    #[test]
    fn the_secret_goes_into_the_header_field_that_the_source_wants() {
        let check = |settings: Value,
                     user: Option<&str>,
                     secret: Option<&str>,
                     expected: &[(&str, &str)]| {
            let headers = headers(&settings, user, secret);
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            assert_eq!(headers, expected);
        };
        check(json!({}), None, None, &[]);
        check(
            json!({}),
            None,
            Some("abc"),
            &[("authorization", "Bearer abc")],
        );
        let keyed =
            json!({ "secret_header": "X-API-Key", "headers": { "Notion-Version": "2022-06-28" } });
        check(
            keyed.clone(),
            None,
            Some("abc"),
            &[("Notion-Version", "2022-06-28"), ("X-API-Key", "abc")],
        );
        check(keyed, None, None, &[("Notion-Version", "2022-06-28")]);
    }

    #[test]
    fn header_fields_that_cannot_be_sent_are_refused() {
        for (bad, field) in [
            (json!({ "headers": { "Host": "x" } }), "headers"),
            (json!({ "headers": { "a b": "x" } }), "headers"),
            (json!({ "headers": { "X-A": "x\r\nX-B: y" } }), "headers"),
            (json!({ "headers": { "X-A": 7 } }), "headers"),
            (json!({ "headers": "X-A: 7" }), "headers"),
            (
                json!({ "secret_header": "X-API-Key: abc" }),
                "secret_header",
            ),
            (
                json!({ "secret_header": "Content-Length" }),
                "secret_header",
            ),
        ] {
            assert_eq!(Settings::parse(&bad).unwrap_err().field(), field, "{bad}");
        }
    }
}
