//! Passwords and tokens of sources as the database holds them: encrypted under a key that only `process-chunks` and the
//! operator's command line have, so that neither the database nor its backups hold them in clear.
//!
//! XChaCha20-Poly1305 under a key derived by HKDF-SHA-256 (RFC 5869). The source's name is authenticated with the text, so a
//! sealed secret is good for its own source alone.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use hkdf::Hkdf;
use sha2::Sha256;

/// What a sealed secret begins with; one that begins otherwise is stored in clear.
const PREFIX: &str = "sealed:v1:";
/// Bytes of a nonce.
pub const NONCE: usize = 24;
/// The shortest key that is accepted, in bytes.
const SHORTEST_KEY: usize = 16;

/// Why a secret could not be opened or sealed. No message contains the secret or the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No key was given.
    #[error("the secret is encrypted, and the variable source_key is not set")]
    NoKey,
    /// None of the keys is the right one, or the text was changed, or belongs to another source.
    #[error("no key in the variable source_key opens the secret")]
    WrongKey,
    /// A key is too short.
    #[error("a key in the variable source_key has fewer than {SHORTEST_KEY} bytes")]
    ShortKey,
}

/// Whether a stored secret is encrypted.
pub fn is_sealed(stored: &str) -> bool {
    stored.starts_with(PREFIX)
}

/// Encrypts a secret under the first of the keys, which are separated by white space. A nonce is never used twice: take random
/// bytes.
pub fn seal(
    keys: &str,
    source: &str,
    secret: &str,
    nonce: [u8; NONCE],
) -> Result<String, SealError> {
    let key = keys.split_whitespace().next().ok_or(SealError::NoKey)?;
    let payload = Payload {
        msg: secret.as_bytes(),
        aad: source.as_bytes(),
    };
    let encrypted = cipher(key)?
        .encrypt(&nonce.into(), payload)
        .map_err(|_| SealError::WrongKey)?;
    let text = BASE64_STANDARD.encode([&nonce[..], &encrypted].concat());
    Ok(format!("{PREFIX}{text}"))
}

/// A stored secret in clear. Any of the keys may be the one that sealed it.
pub fn open(keys: &str, source: &str, stored: &str) -> Result<String, SealError> {
    let Some(text) = stored.strip_prefix(PREFIX) else {
        return Ok(stored.to_owned());
    };
    if keys.split_whitespace().next().is_none() {
        return Err(SealError::NoKey);
    }
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|_| SealError::WrongKey)?;
    let (nonce, encrypted) = bytes
        .split_first_chunk::<NONCE>()
        .ok_or(SealError::WrongKey)?;
    for key in keys.split_whitespace() {
        let payload = Payload {
            msg: encrypted,
            aad: source.as_bytes(),
        };
        if let Ok(secret) = cipher(key)?.decrypt(&(*nonce).into(), payload) {
            return String::from_utf8(secret).map_err(|_| SealError::WrongKey);
        }
    }
    Err(SealError::WrongKey)
}

fn cipher(key: &str) -> Result<XChaCha20Poly1305, SealError> {
    if key.len() < SHORTEST_KEY {
        return Err(SealError::ShortKey);
    }
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, key.as_bytes())
        .expand(b"baton secrets of sources v1", &mut derived)
        .expect("32 bytes are not too many for SHA-256");
    Ok(XChaCha20Poly1305::new(&derived.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "another-key-of-enough-bytes";

    #[test]
    fn a_sealed_secret_opens_with_its_key_and_source_alone() {
        let sealed = seal(KEY, "mail", "geheim é", [7; NONCE]).expect("the key is long enough");
        assert!(is_sealed(&sealed) && !sealed.contains("geheim"), "{sealed}");
        let check = |keys: &str, source: &str, stored: &str, expected| {
            assert_eq!(open(keys, source, stored), expected, "{keys} {source}");
        };
        let clear = || Ok("geheim é".to_owned());
        check(KEY, "mail", &sealed, clear());
        check(&format!("{OTHER} {KEY}"), "mail", &sealed, clear());
        check(OTHER, "mail", &sealed, Err(SealError::WrongKey));
        check("", "mail", &sealed, Err(SealError::NoKey));
        check("short", "mail", &sealed, Err(SealError::ShortKey));
        check(KEY, "mail2", &sealed, Err(SealError::WrongKey));
        check(KEY, "mail", "sealed:v1:", Err(SealError::WrongKey));
        check(KEY, "mail", "sealed:v1:%", Err(SealError::WrongKey));
        let mut changed = sealed.clone();
        changed.replace_range(20..21, if &sealed[20..21] == "A" { "B" } else { "A" });
        check(KEY, "mail", &changed, Err(SealError::WrongKey));
    }

    #[test]
    fn a_secret_in_clear_needs_no_key() {
        assert_eq!(open("", "mail", "geheim"), Ok("geheim".to_owned()));
        assert!(!is_sealed("geheim"));
    }

    #[test]
    fn the_first_key_seals() {
        let keys = format!("{KEY} {KEY}-older");
        let sealed = seal(&keys, "mail", "geheim", [1; NONCE]).expect("the key is long enough");
        assert_eq!(open(KEY, "mail", &sealed), Ok("geheim".to_owned()));
        assert_eq!(
            seal("", "mail", "geheim", [1; NONCE]),
            Err(SealError::NoKey)
        );
        assert_eq!(
            seal("short", "mail", "geheim", [1; NONCE]),
            Err(SealError::ShortKey)
        );
    }
}
