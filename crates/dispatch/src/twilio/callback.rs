//! What Twilio posts: <https://www.twilio.com/docs/usage/webhooks/messaging-webhooks>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use outbound::printable;
use sha1::Sha1;

use super::delivery;
use super::words::opts_out;
use crate::Delivery;

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

/// The addresses over which Twilio may have signed a request for `target`, the path with its query. It may call an address with
/// a port and sign it without, and the other way round where the port is the scheme's own.
#[must_use]
pub fn signed_urls(public_url: &str, target: &str) -> Vec<String> {
    let public_url = public_url.trim_end_matches('/');
    let (scheme, rest) = public_url.split_once("://").unwrap_or_default();
    let (authority, path) = match rest.find('/') {
        Some(start) => rest.split_at(start),
        None => (rest, ""),
    };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    let other = match scheme {
        _ if host.len() < authority.len() => host.to_owned(),
        _ if scheme.eq_ignore_ascii_case("https") => format!("{host}:443"),
        _ => format!("{host}:80"),
    };
    vec![
        format!("{public_url}{target}"),
        format!("{scheme}://{other}{path}{target}"),
    ]
}

/// The SID of a message and what became of it; none if the form says neither, or nothing of a message that goes out.
#[must_use]
pub fn status_callback(params: &[(String, String)]) -> Option<(String, Delivery)> {
    let sid = value(params, "MessageSid").or_else(|| value(params, "SmsSid"))?;
    let status = value(params, "MessageStatus").or_else(|| value(params, "SmsStatus"))?;
    let code = value(params, "ErrorCode").and_then(|it| it.parse().ok());
    Some((printable(sid), delivery(status, code, "")?))
}

/// What a recipient replied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The number of the recipient, as Twilio gives it.
    pub from: String,
    /// Whether the recipient wants no more messages (true) or wants them again (false); none for anything else.
    pub out: Option<bool>,
    /// Twilio's id of the reply.
    pub sid: Option<String>,
}

/// Reads a reply; none if the form names no sender.
#[must_use]
pub fn inbound(params: &[(String, String)]) -> Option<Inbound> {
    let out = match value(params, "OptOutType") {
        Some("STOP") => Some(true),
        Some("START") => Some(false),
        Some(_) | None => opts_out(value(params, "Body").unwrap_or_default()),
    };
    let sid = value(params, "MessageSid").or_else(|| value(params, "SmsSid"));
    Some(Inbound {
        from: value(params, "From")?.to_owned(),
        out,
        sid: sid.map(printable),
    })
}

fn value<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|(it, value)| it == name && !value.is_empty())
        .map(|(_, value)| value.as_str())
}
