//! Finds out, while a JMAP source is added, where its API is.

use std::time::Duration;

use anyhow::Result;
use driver::http::{self, Fetched};
use process_chunks::source::answer::Answer;
use process_chunks::source::header::headers;
use process_chunks::source::jmap::{Session, Settings};
use process_chunks::source::{Failure, origin};
use serde_json::Value;
use url::Url;

/// How many redirects lead to a session at most.
const MOST_REDIRECTS: usize = 5;
/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server says about the place of its API.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is on the origin of the source's URL.
    Same,
    /// It is on this other origin.
    Other(String),
    /// The session itself is on another origin, which gets no credentials before the operator names it.
    Elsewhere(Url),
    /// Why the server did not say.
    Unknown(String),
}

/// Gets the session. Only the origin of `url` is asked.
pub(super) async fn discover(
    url: &Url,
    username: Option<&str>,
    secret: Option<&str>,
    settings: &Value,
) -> Found {
    let credentials = headers(settings, username, secret);
    let mut at = url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let fetched = match http::fetch(&at, &credentials, PATIENCE).await {
            Ok(fetched) => fetched,
            Err(error) => return Found::Unknown(format!("{error:#}")),
        };
        match read(url, &at, settings, &fetched, secret) {
            Ok(Step::Redirect(next)) => at = next,
            Ok(Step::Found(found)) => return found,
            Err(failure) => return Found::Unknown(failure.message),
        }
    }
    Found::Unknown(format!(
        "the session is behind more than {MOST_REDIRECTS} redirects"
    ))
}

#[derive(Debug)]
enum Step {
    Redirect(Url),
    Found(Found),
}

fn read(
    url: &Url,
    at: &Url,
    settings: &Value,
    fetched: &Fetched,
    secret: Option<&str>,
) -> Result<Step, Failure> {
    let headers = fetched.headers.iter();
    let answer = Answer {
        status: fetched.status,
        headers: headers.map(|(name, value)| (&**name, &**value)).collect(),
        body: &fetched.body,
        secret,
    };
    if let Some(next) = answer.redirect(at)? {
        return Ok(if next.origin() == url.origin() {
            Step::Redirect(next)
        } else {
            Step::Found(Found::Elsewhere(next))
        });
    }
    let session = Session::read(at, &Settings::parse(settings)?, &answer)?;
    let api = process_chunks::source::answer::source_url(&session.api_url)?;
    Ok(Step::Found(match origin::other_origin(url, &api) {
        None => Found::Same,
        Some(other) => Found::Other(other),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_origin_of_the_api_is_found_and_no_redirect_leaves_the_origin() {
        let url = Url::parse("https://mail.example/.well-known/jmap").expect("a URL");
        let check = |status: u16, location: Option<&str>, api: &str, expected: &str| {
            let body = json!({
                "apiUrl": api,
                "capabilities": { "urn:ietf:params:jmap:core": {}, "urn:ietf:params:jmap:mail": {} },
                "primaryAccounts": { "urn:ietf:params:jmap:mail": "a" },
            });
            let fetched = Fetched {
                status,
                headers: location
                    .map(|it| ("location".to_owned(), it.to_owned()))
                    .into_iter()
                    .collect(),
                body: body.to_string().into(),
            };
            let step = read(&url, &url, &json!({}), &fetched, None);
            assert!(format!("{step:?}").starts_with(expected), "{step:?}");
        };
        check(200, None, "/jmap/api", "Ok(Found(Same))");
        check(
            200,
            None,
            "https://api.mail.example/jmap",
            "Ok(Found(Other(\"https://api.mail.example\")))",
        );
        check(200, None, "http://mail.example/jmap", "Err(");
        check(302, Some("/jmap/session"), "", "Ok(Redirect(");
        check(
            302,
            Some("https://mail.example:444/"),
            "",
            "Ok(Found(Elsewhere(",
        );
        check(401, None, "/", "Err(");
    }
}
