//! What Twilio posts: <https://www.twilio.com/docs/usage/webhooks/messaging-webhooks>.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use icu_normalizer::DecomposingNormalizerBorrowed;
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

/// Words that opt out wherever a reply begins with them. The English ones are those of 47 CFR 64.1200(a)(10) and of Twilio that
/// mean nothing else; the others are what carriers of these languages act on.
const STOPS: &[&str] = &[
    "STOP",
    "STOPALL",
    "STOPP",
    "UNSUBSCRIBE",
    "OPTOUT",
    "REVOKE",
    "ARRET",
    "ARRETER",
    "ARRETEZ",
    "DESABONNER",
    "DESINSCRIRE",
    "ABMELDEN",
    "ABBESTELLEN",
    "AFMELDEN",
    "AVBRYT",
    "AVSLUTA",
    "CANCELAR",
    "CANCELLAMI",
    "DISISCRIVI",
    "REMOVER",
];
/// Words that opt out when they are all that is said, because they begin other sentences, too.
const STOPS_ALONE: &[&str] = &[
    "CANCEL",
    "END",
    "QUIT",
    "OPT OUT",
    "ALTO",
    "BAJA",
    "PARAR",
    "PARE",
    "SAIR",
    "BASTA",
    "ENDE",
    "FIN",
    "REMOVE",
    "REMOVE ME",
    "NO MORE",
    "DO NOT TEXT ME",
    "DONT TEXT ME",
    "LEAVE ME ALONE",
];
/// Words that opt in again, when they are all that is said.
const STARTS: &[&str] = &["START", "YES", "UNSTOP"];
/// What people add without another meaning.
const COURTESIES: &[&str] = &[
    "PLEASE", "PLS", "PLZ", "THANKS", "THANK", "YOU", "NOW", "THX", "MERCI", "SVP", "BITTE",
    "DANKE", "GRACIAS", "GRAZIE",
];

/// The combining marks that accents decompose into.
const ACCENTS: RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// Whether a reply asks for no more messages (true) or for messages again (false).
/// "Any reasonable means" counts as a revocation by 47 CFR 64.1200(a)(10), so case, accents, punctuation and courtesies don't matter.
fn opts_out(body: &str) -> Option<bool> {
    let plain: String = DecomposingNormalizerBorrowed::new_nfd()
        .normalize(body)
        .chars()
        .filter(|it| !ACCENTS.contains(it) && !"'\u{2019}".contains(*it))
        .map(|it| if it.is_alphanumeric() { it } else { ' ' })
        .collect();
    let plain = plain.to_uppercase();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let first = words.first()?;
    let said: Vec<&str> = words
        .iter()
        .copied()
        .filter(|it| !COURTESIES.contains(it))
        .collect();
    let said = said.join(" ");
    if STOPS.contains(first)
        || STOPS_ALONE.contains(&said.as_str())
        || STOPS.contains(&said.as_str())
    {
        return Some(true);
    }
    STARTS.contains(&words.join(" ").as_str()).then_some(false)
}

fn value<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|(it, value)| it == name && !value.is_empty())
        .map(|(_, value)| value.as_str())
}
