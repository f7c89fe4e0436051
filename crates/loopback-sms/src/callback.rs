//! What Twilio posts to us, signed as it signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::resource::VERSION;
use crate::{ACCOUNT, AUTH_TOKEN, Message, NUMBER};

/// A request of Twilio's, for a test to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Where to; the signature covers all of it.
    pub url: String,
    /// The form.
    pub body: String,
    /// The value of `X-Twilio-Signature`.
    pub signature: String,
}

impl Post {
    /// The part of the URL after the host, with the query.
    pub fn path(&self) -> &str {
        let (_, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        rest.find('/').map_or("/", |start| &rest[start..])
    }

    /// All headers that matter.
    pub fn headers(&self) -> [(&'static str, &str); 2] {
        [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", &self.signature),
        ]
    }

    fn new(url: &str, fields: &[(&str, &str)]) -> Post {
        Post {
            url: url.to_owned(),
            body: Serializer::new(String::new()).extend_pairs(fields).finish(),
            signature: sign(AUTH_TOKEN, url, fields),
        }
    }
}

/// The report of a message's status, if its sender wants one.
pub(crate) fn status(message: &Message) -> Option<Post> {
    let url = message.status_callback.as_deref()?;
    let mut fields = vec![
        ("MessageSid", message.sid.as_str()),
        ("MessageStatus", &message.status),
        ("SmsSid", &message.sid),
        ("SmsStatus", &message.status),
        ("To", &message.to),
        ("From", message.from.as_deref().unwrap_or(NUMBER)),
        ("AccountSid", ACCOUNT),
        ("ApiVersion", VERSION),
    ];
    if let Some(service) = &message.messaging_service {
        fields.push(("MessagingServiceSid", service));
    }
    let code = message.error_code.map(|it| it.to_string());
    if let Some(code) = &code {
        fields.push(("ErrorCode", code));
    }
    Some(Post::new(url, &fields))
}

/// The report of an incoming message.
pub(crate) fn incoming(url: &str, sid: &str, from: &str, body: &str) -> Post {
    let fields = [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("SmsMessageSid", sid),
        ("SmsStatus", "received"),
        ("AccountSid", ACCOUNT),
        ("ApiVersion", VERSION),
        ("From", from),
        // Empty when nothing is known about the place, and signed all the same.
        ("FromCity", ""),
        ("FromCountry", ""),
        ("To", NUMBER),
        ("Body", body),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
    ];
    Post::new(url, &fields)
}

/// HMAC-SHA1 by the auth token over the URL, then names and values of all fields, sorted by name.
fn sign(auth_token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let mut code =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes keys of any length");
    code.update(url.as_bytes());
    for (name, value) in fields {
        code.update(name.as_bytes());
        code.update(value.as_bytes());
    }
    STANDARD.encode(code.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Post, sign};

    #[test]
    fn the_documented_example_has_its_signature_in_any_order() {
        let mut fields = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("From", "+12349013030"),
            ("To", "+18005551212"),
        ];
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        for _ in 0..2 {
            assert_eq!(sign("12345", url, &fields), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
            fields.reverse();
        }
    }

    #[test]
    fn the_path_begins_after_the_host() {
        for (url, path) in [
            (
                "https://baton.example/messages?message=1",
                "/messages?message=1",
            ),
            ("http://127.0.0.1:80/", "/"),
            ("https://baton.example", "/"),
        ] {
            assert_eq!(Post::new(url, &[]).path(), path);
        }
    }
}
