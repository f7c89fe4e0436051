use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use baton::webhook::{self, Secret};
use bytes::Bytes;

use crate::http::Http;

/// A run works for 25 s at most, and hosts cut requests off at 30 s.
const DEADLINE: Duration = baton::budget::CALLER;

/// What is posted for a trigger.
pub fn body(trigger: &str) -> String {
    format!("{{\"trigger\":\"{trigger}\"}}")
}

/// Posts a trigger to a path of a deployment, signed with its secrets; the status and the bytes of the answer.
///
/// # Errors
/// When no answer came in time.
pub async fn post_signed(
    http: &Http,
    secrets: &[Secret],
    path: &str,
    trigger: &str,
) -> Result<(u16, Bytes)> {
    let body = body(trigger);
    let headers = signed(secrets, &body)?;
    http.send(path, &headers, body.into(), DEADLINE).await
}

/// The headers of a signed request with this body.
///
/// # Errors
/// When the system gives no random bytes.
pub fn signed(secrets: &[Secret], body: &str) -> Result<[(&'static str, String); 4]> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    let id = format!("wake_{:032x}", u128::from_ne_bytes(random));
    #[expect(
        clippy::disallowed_methods,
        reason = "the receiver holds the time of a signature against its own clock, whatever the database's says"
    )]
    let sent = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let signature = webhook::sign(secrets, &id, sent, body.as_bytes());
    Ok([
        ("content-type", "application/json".to_owned()),
        (webhook::ID, id),
        (webhook::TIMESTAMP, sent.to_string()),
        (webhook::SIGNATURE, signature),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_is_signed_over_what_is_sent() {
        let text = webhook::secret_text(&[1; 32]);
        let secrets = webhook::secrets(&text).expect("it is sound");
        let body = r#"{"trigger":"next"}"#;
        let headers = signed(&secrets, body).expect("they can be made");
        let header = |name| {
            let found = headers.iter().find(|(it, _)| *it == name);
            &*found.expect("it is set").1
        };
        let signed = webhook::Signed {
            id: header(webhook::ID),
            timestamp: header(webhook::TIMESTAMP),
            signatures: header(webhook::SIGNATURE),
        };
        let sent = signed.timestamp.parse().expect("it is a number");
        assert!(webhook::verify(&secrets, signed, body.as_bytes(), sent));
        assert!(!signed.id.contains('.'));
    }
}
