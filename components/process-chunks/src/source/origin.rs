//! Which servers a source's credentials are sent to.

use serde_json::Value;
use url::{Origin, Url};

use super::answer::source_url;
use super::settings::Fields;
use super::{BadSetting, Failure};

/// The setting that holds the origin of a source's API, where it is not the origin of the source's URL.
pub const API_ORIGIN: &str = "api_origin";

/// The longest origin that a failure repeats, in characters; a host name may be longer than a message.
const SHOWN: usize = 100;

/// The origins that get a source's credentials: that of the URL that the operator gave, and at most one more, which the
/// operator saw when the source was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    given: Origin,
    api: Option<Origin>,
}

impl Origins {
    /// Reads them from a source's URL and settings.
    pub fn of(url: &str, settings: &Value) -> Result<Self, Failure> {
        let given = source_url(url)?;
        let api = api_origin(settings.get(API_ORIGIN))?;
        Ok(Self {
            given: given.origin(),
            api: api
                .filter(|it| is_as_private(&given, it))
                .map(|it| it.origin()),
        })
    }

    /// Refuses a URL on any other origin. The failure is permanent, because only an operator can allow it.
    pub fn permit(&self, url: &Url) -> Result<(), Failure> {
        let origin = url.origin();
        if origin == self.given || self.api.as_ref() == Some(&origin) {
            return Ok(());
        }
        let shown: String = origin.ascii_serialization().chars().take(SHOWN).collect();
        Err(Failure::failed(format!(
            "the server now names {shown}; run `baton sync add` again to allow it"
        )))
    }
}

/// What to store as [`API_ORIGIN`] for a source at `url` whose API is at `api_url`; none where the origins are the same.
pub fn other_origin(url: &Url, api_url: &Url) -> Option<String> {
    let other = api_url.origin();
    (other != url.origin()).then(|| other.ascii_serialization())
}

pub(super) fn check(fields: &Fields) -> Result<(), BadSetting> {
    let text = fields.text(API_ORIGIN)?.map(Value::from);
    api_origin(text.as_ref()).map(drop)
}

fn api_origin(setting: Option<&Value>) -> Result<Option<Url>, BadSetting> {
    let bad = || BadSetting::new(API_ORIGIN, "not an origin, such as https://api.example.com");
    match setting {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let url = source_url(text).map_err(|_| bad())?;
            let is_origin = url.path() == "/" && url.query().is_none();
            is_origin.then_some(Some(url)).ok_or_else(bad)
        }
        Some(_) => Err(bad()),
    }
}

/// Whether the origin is encrypted where the given URL is.
fn is_as_private(given: &Url, api: &Url) -> bool {
    given.scheme() != "https" || api.scheme() == "https"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::Remedy;

    #[test]
    fn credentials_go_to_the_given_and_the_stored_origin_only() {
        let check = |given: &str, api: Option<&str>, target: &str, expected: bool| {
            let origins = Origins::of(given, &json!({ "api_origin": api })).unwrap();
            let permitted = origins.permit(&Url::parse(target).unwrap());
            assert_eq!(permitted.is_ok(), expected, "{given} {api:?} {target}");
            if let Err(failure) = permitted {
                assert_eq!(failure.remedy, Remedy::GiveUp);
                assert!(
                    failure
                        .message
                        .ends_with("; run `baton sync add` again to allow it"),
                    "{failure:?}"
                );
            }
        };
        let given = "https://mail.example/jmap";
        let api = Some("https://api.mail.example");
        check(given, None, "https://mail.example/else?x=1", true);
        check(given, None, "https://mail.example:443/", true);
        check(given, None, "HTTPS://MAIL.Example/", true);
        check(given, None, "https://mail.example:8443/", false);
        check(given, None, "http://mail.example/", false);
        check(given, None, "http://mail.example:443/", false);
        check(given, None, "https://mail.example./", false);
        check(given, None, "https://mail.example.evil/", false);
        check(given, None, "https://evil.mail.example/", false);
        check(given, None, "https://mail.example@evil/", false);
        check(given, None, "https://mail.example:443@evil/", false);
        check(given, None, "https://evil\\@mail.example/", false);
        check(given, None, "https://evil/?mail.example", false);
        check(given, None, "https://api.mail.example/", false);
        check(given, api, "https://api.mail.example/jmap/api", true);
        check(given, api, "https://mail.example/", true);
        check(given, api, "https://api.mail.example:444/", false);
        check(given, api, "http://api.mail.example/", false);
        check(given, api, "https://other.example/", false);
        // A stored origin without encryption does not count beside a URL with it.
        let plain = Some("http://api.mail.example");
        check(given, plain, "http://api.mail.example/", false);
        let local = "http://127.0.0.1:8080/jmap";
        check(local, None, "http://127.0.0.1:8081/jmap", false);
        check(local, None, "http://localhost:8080/jmap", false);
        check(local, None, "http://0x7f.1:8080/jmap", true);
        check(
            local,
            Some("http://127.0.0.1:8081"),
            "http://127.0.0.1:8081/",
            true,
        );
        let long = format!("https://{}.example/", "a.".repeat(100));
        check(given, None, &long, false);
    }

    #[test]
    fn a_refusal_names_the_origin_and_nothing_else_of_the_url() {
        let origins = Origins::of("https://mail.example", &json!({})).unwrap();
        let target = Url::parse("https://ann:s3cret@evil.example:8443/path?token=1").unwrap();
        assert_eq!(
            origins.permit(&target).unwrap_err().message,
            "the server now names https://evil.example:8443; run `baton sync add` again to allow it"
        );
    }

    #[test]
    fn a_stored_origin_that_is_none_is_named() {
        for bad in [
            json!(1),
            json!(""),
            json!("api.example"),
            json!("ftp://api.example"),
            json!("https://api.example/path"),
            json!("https://ann@api.example"),
        ] {
            let failure = Origins::of("https://mail.example", &json!({ "api_origin": bad }));
            let message = failure.unwrap_err().message;
            assert!(message.starts_with("setting api_origin: "), "{message}");
        }
    }

    #[test]
    fn only_another_origin_is_stored() {
        let check = |url: &str, api: &str, expected: Option<&str>| {
            let [url, api] = [url, api].map(|it| Url::parse(it).unwrap());
            assert_eq!(other_origin(&url, &api).as_deref(), expected);
        };
        check("https://a.example/x", "https://a.example:443/y", None);
        check(
            "https://a.example/x",
            "https://b.example/y",
            Some("https://b.example"),
        );
        check(
            "http://127.0.0.1:1/",
            "http://127.0.0.1:2/",
            Some("http://127.0.0.1:2"),
        );
    }
}
