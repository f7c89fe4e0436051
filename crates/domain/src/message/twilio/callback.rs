//! What Twilio posts: <https://www.twilio.com/docs/usage/webhooks/messaging-webhooks>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::delivery;
use crate::foreign::printable;
use crate::message::Delivery;

/// Whether the signature (`X-Twilio-Signature`) is by the token, over the URL as Twilio knows it, with its query, and the
/// fields of the form: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>.
#[must_use]
pub fn signature_is_valid(
    token: &str,
    url: &str,
    params: &[(String, String)],
    signature: &str,
) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    let mut params: Vec<_> = params.iter().collect();
    params.sort();
    params.dedup();
    let mut code =
        Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    code.update(url.as_bytes());
    for (name, value) in params {
        code.update(name.as_bytes());
        code.update(value.as_bytes());
    }
    // Compares in constant time.
    code.verify_slice(&signature).is_ok()
}

/// The SID of a message and what became of it; none if the form says neither, or nothing of a message that goes out.
#[must_use]
pub fn status_callback(params: &[(String, String)]) -> Option<(String, Delivery)> {
    let sid = value(params, "MessageSid").or_else(|| value(params, "SmsSid"))?;
    let status = value(params, "MessageStatus").or_else(|| value(params, "SmsStatus"))?;
    let code = value(params, "ErrorCode").and_then(|it| it.parse().ok());
    Some((printable(sid), delivery(status, code, "")?))
}

/// Who wrote, and whether they want no more messages (true) or want them again (false); none for anything else.
#[must_use]
pub fn inbound(params: &[(String, String)]) -> Option<(String, Option<bool>)> {
    let from = value(params, "From")?.to_owned();
    let said = match value(params, "OptOutType") {
        Some("STOP") => Some(true),
        Some("START") => Some(false),
        Some(_) | None => keyword(value(params, "Body").unwrap_or_default()),
    };
    Some((from, said))
}

/// The words that Twilio and phone companies act on, if they are all that is said.
fn keyword(body: &str) -> Option<bool> {
    let word = body
        .trim()
        .trim_end_matches(|it: char| !it.is_alphanumeric())
        .to_ascii_uppercase();
    match word.as_str() {
        "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE" | "OPTOUT" => {
            Some(true)
        }
        "START" | "YES" | "UNSTOP" => Some(false),
        _ => None,
    }
}

fn value<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|(it, value)| it == name && !value.is_empty())
        .map(|(_, value)| value.as_str())
}
