use crate::key;
use crate::webhook::{self, Signed};
use bytes::Bytes;
use spin_sdk::http::{HeaderMap, Method, Request};
use subtle::{Choice, ConstantTimeEq};

use super::http_out::read_at_most;
use super::{Config, Error};
use crate::clock::wall_clock;

/// A body longer than this is refused unread beyond it, in bytes.
const LONGEST_BODY: usize = 16 * 1024;

/// Admits a request of this method by the service key or, if it is a POST, by a signature, and returns its body.
/// Whoever presents neither is refused before the body is read; whoever presents a wrong one does not hear which.
pub(crate) async fn admit(
    config: &Config,
    method: Method,
    request: Request,
) -> Result<Bytes, Error> {
    let (head, body) = request.into_parts();
    let fits = head.method == method;
    if has_key(&config.service_keys, &head.headers) {
        if !fits {
            return Err(Error::MethodNotAllowed(method));
        }
        let body = read_at_most(body, LONGEST_BODY).await?;
        return body.ok_or(Error::TooLarge(LONGEST_BODY));
    }
    // A signature does not cover method and path: that of a harmless POST would do for anything else.
    if method != Method::POST {
        return Err(Error::Unauthorized);
    }
    let signed = signed(&head.headers).ok_or(Error::Unauthorized)?;
    let secrets = webhook::secrets(&config.webhook_secret)
        .map_err(|it| Error::Bug(format!("variable webhook_secret: {it}")))?;
    if secrets.is_empty() {
        return Err(Error::Unauthorized);
    }
    let body = read_unknown(body).await?;
    if !webhook::verify(&secrets, signed, &body, wall_clock()) {
        return Err(Error::Unauthorized);
    }
    if !fits {
        return Err(Error::MethodNotAllowed(method));
    }
    Ok(body)
}

/// The body of a request whose sender nobody knows yet, so that one that is too long tells nothing either.
pub(crate) async fn read_unknown<B>(body: B) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match read_at_most(body, LONGEST_BODY).await {
        Ok(Some(body)) => Ok(body),
        Ok(None) | Err(_) => Err(Error::Unauthorized),
    }
}

fn has_key(keys: &[String], headers: &HeaderMap) -> bool {
    let presented = header(headers, "authorization")
        .and_then(|it| it.strip_prefix("Bearer "))
        .unwrap_or_default();
    let presented = key::digest(presented);
    // All are compared, so that the time taken does not tell which one fits.
    let fits = keys
        .iter()
        .map(|it| presented.ct_eq(&key::digest(it)))
        .fold(Choice::from(0), |one, other| one | other);
    bool::from(fits)
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
