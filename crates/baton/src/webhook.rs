//! Signatures by [Standard Webhooks](https://www.standardwebhooks.com), symmetric scheme `v1`, for both sides.
//!
//! A signature covers the id, the time and every byte of the body. It does not keep a request from being sent
//! twice within [`TOLERANCE`], so it suits requests that are harmless when repeated.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the time of a signature may be from the receiver's, in seconds, before or after.
pub const TOLERANCE: u64 = 300;
/// The header with the id of the message.
pub const ID: &str = "webhook-id";
/// The header with the time of sending, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// The fewest bytes of a secret, as the specification has it.
const WEAKEST: usize = 24;

/// A secret that sender and receiver share.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a text holds no secret; it never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not marked as a secret.
    #[error("a webhook secret begins with whsec_")]
    Prefix,
    /// It is no base64.
    #[error("a webhook secret is base64 after whsec_")]
    Base64,
    /// It is too easy to guess.
    #[error("a webhook secret has at least {WEAKEST} bytes")]
    TooShort,
}

/// The headers of a signed request, as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The value of [`ID`].
    pub id: &'a str,
    /// The value of [`TIMESTAMP`].
    pub timestamp: &'a str,
    /// The value of [`SIGNATURE`].
    pub signatures: &'a str,
}

/// The text of a secret made of these bytes, which should be random.
#[must_use]
pub fn secret_text(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// Reads secrets separated by spaces, line ends or commas; while one replaces another, both count. An empty text holds none.
///
/// # Errors
/// When one of them is malformed or weak.
pub fn secrets(text: &str) -> Result<Vec<Secret>, SecretError> {
    crate::key::live(text)
        .map(|it| {
            let encoded = it.strip_prefix(PREFIX).ok_or(SecretError::Prefix)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| SecretError::Base64)?;
            match bytes.len() {
                WEAKEST.. => Ok(Secret(bytes)),
                _ => Err(SecretError::TooShort),
            }
        })
        .collect()
}

/// The value of [`SIGNATURE`]: one signature by each secret.
#[must_use]
pub fn sign(secrets: &[Secret], id: &str, timestamp: u64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let signatures = secrets.iter().map(|it| {
        let code = code(it, id, &timestamp, body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(code))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// Whether one of the signatures is by one of the secrets, and was made around `now`, in seconds since 1970.
#[must_use]
pub fn verify(secrets: &[Secret], signed: Signed<'_>, body: &[u8], now: u64) -> bool {
    let Signed {
        id,
        timestamp,
        signatures,
    } = signed;
    let Ok(sent) = timestamp.parse::<u64>() else {
        return false;
    };
    if sent.abs_diff(now) > TOLERANCE {
        return false;
    }
    // Signatures of other versions are for other receivers.
    let signatures: Vec<Vec<u8>> = signatures
        .split(' ')
        .filter_map(|it| STANDARD.decode(it.strip_prefix("v1,")?).ok())
        .collect();
    secrets.iter().any(|secret| {
        let code = code(secret, id, timestamp, body);
        signatures
            .iter()
            // Compares in constant time.
            .any(|it| code.clone().verify_slice(it).is_ok())
    })
}

fn code(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut code = Hmac::new_from_slice(&secret.0).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        code.update(part);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vector that the reference implementations of the specification share.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SENT: u64 = 1_614_265_330;
    const SIGNED: Signed<'_> = Signed {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn read(text: &str) -> Vec<Secret> {
        secrets(text).expect("the secrets of the tests are sound")
    }

    #[test]
    fn the_vector_of_the_specification_is_signed_and_verified() {
        let secrets = read(SECRET);
        assert_eq!(sign(&secrets, SIGNED.id, SENT, BODY), SIGNED.signatures);
        assert!(verify(&secrets, SIGNED, BODY, SENT));
    }

    #[test]
    fn only_the_same_id_time_and_body_verify() {
        let check = |signed, body, expected| {
            assert_eq!(verify(&read(SECRET), signed, body, SENT), expected);
        };
        check(SIGNED, BODY, true);
        check(SIGNED, br#"{"test": 2432232315}"#, false);
        check(SIGNED, b"", false);
        check(
            Signed {
                id: "msg_other",
                ..SIGNED
            },
            BODY,
            false,
        );
        check(Signed { id: "", ..SIGNED }, BODY, false);
        for timestamp in [
            "1614265331",
            "+1614265330",
            "01614265330",
            "1614265330.0",
            "-1",
            "now",
            "",
        ] {
            check(
                Signed {
                    timestamp,
                    ..SIGNED
                },
                BODY,
                false,
            );
        }
    }

    #[test]
    fn a_signature_counts_for_five_minutes_around_its_time() {
        let check = |now, expected| {
            assert_eq!(verify(&read(SECRET), SIGNED, BODY, now), expected, "{now}");
        };
        check(SENT - 300, true);
        check(SENT + 300, true);
        check(SENT - 301, false);
        check(SENT + 301, false);
        check(0, false);
        check(u64::MAX, false);
    }

    #[test]
    fn any_of_several_signatures_may_be_by_any_of_several_secrets() {
        let right = SIGNED.signatures;
        let check = |secrets: &str, signatures: &str, expected| {
            let signed = Signed {
                signatures,
                ..SIGNED
            };
            let verified = verify(&read(secrets), signed, BODY, SENT);
            assert_eq!(verified, expected, "{secrets} {signatures}");
        };
        check(&format!("{OTHER} {SECRET}"), right, true);
        check(&format!("{SECRET},{OTHER}"), right, true);
        check(&format!(" {OTHER}, {SECRET} "), right, true);
        check(SECRET, &format!("v1,bm9wZQ== {right}"), true);
        check(SECRET, &format!("{right} v2,x"), true);
        check(SECRET, &format!("v1a,hnO3f9T8 {right}"), true);
        check(SECRET, &right.replace("v1", "v2"), false);
        check(SECRET, &right.replace("v1,", ""), false);
        check(SECRET, &right[..right.len() - 5], false);
        check(SECRET, "v1,", false);
        check(SECRET, "", false);
        check(OTHER, right, false);
        check("", right, false);
        check("", "", false);
    }

    #[test]
    fn what_is_signed_by_two_secrets_satisfies_a_receiver_that_has_one() {
        let signatures = sign(&read(&format!("{OTHER} {SECRET}")), "1", SENT, BODY);
        let signed = Signed {
            id: "1",
            signatures: &signatures,
            ..SIGNED
        };
        assert!(verify(&read(SECRET), signed, BODY, SENT));
        assert!(verify(&read(OTHER), signed, BODY, SENT));
    }

    #[test]
    fn a_malformed_or_weak_secret_is_refused() {
        let check = |text: &str, expected| {
            assert_eq!(secrets(text).map(|it| it.len()), expected, "{text}");
        };
        check("", Ok(0));
        check(" , ", Ok(0));
        check(&secret_text(&[7; 32]), Ok(1));
        check("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Err(SecretError::Prefix));
        check("whsec_a secret", Err(SecretError::Base64));
        check("whsec_", Err(SecretError::TooShort));
        check(&secret_text(&[7; 23]), Err(SecretError::TooShort));
        check(&format!("{SECRET} x"), Err(SecretError::Prefix));
    }
}
