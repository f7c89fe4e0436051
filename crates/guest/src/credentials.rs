use bytes::Bytes;
use domain::webhook::{self, Signed};
use spin_sdk::http::{HeaderMap, Method, Request};
use subtle::ConstantTimeEq;

use crate::http_out::read_at_most;
use crate::{Config, Error};

/// A body longer than this is refused unread beyond it, in bytes.
const LONGEST_BODY: usize = 16 * 1024;

/// Admits a POST by the service key or by a signature, and returns its body.
/// Whoever presents neither is refused before the body is read; whoever presents a wrong one does not hear which.
pub(crate) async fn admit(config: &Config, request: Request) -> Result<Bytes, Error> {
    let (head, body) = request.into_parts();
    let is_post = head.method == Method::POST;
    if has_key(&config.service_key, &head.headers) {
        if !is_post {
            return Err(Error::MethodNotAllowed);
        }
        let body = read_at_most(body, LONGEST_BODY).await?;
        return body.ok_or(Error::TooLarge(LONGEST_BODY));
    }
    let signed = signed(&head.headers).ok_or(Error::Unauthorized)?;
    let secrets = webhook::secrets(&config.webhook_secret)
        .map_err(|it| Error::Bug(format!("variable webhook_secret: {it}")))?;
    if secrets.is_empty() {
        return Err(Error::Unauthorized);
    }
    let Ok(Some(body)) = read_at_most(body, LONGEST_BODY).await else {
        return Err(Error::Unauthorized);
    };
    if !webhook::verify(&secrets, signed, &body, now()) {
        return Err(Error::Unauthorized);
    }
    if !is_post {
        return Err(Error::MethodNotAllowed);
    }
    Ok(body)
}

fn has_key(key: &str, headers: &HeaderMap) -> bool {
    let presented = header(headers, "authorization")
        .and_then(|it| it.strip_prefix("Bearer "))
        .unwrap_or_default();
    !key.is_empty() && bool::from(presented.as_bytes().ct_eq(key.as_bytes()))
}

fn signed(headers: &HeaderMap) -> Option<Signed<'_>> {
    Some(Signed {
        id: header(headers, webhook::ID)?,
        timestamp: header(headers, webhook::TIMESTAMP)?,
        signatures: header(headers, webhook::SIGNATURE)?,
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds since 1970.
fn now() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a signature is checked before the database is asked, and is no matter of coordination"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        // Before 1970 no signature is recent.
        .map_or(0, |it| it.as_secs())
}
