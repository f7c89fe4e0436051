use anyhow::Result;
use serde_json::{Map, Value, json};
use url::{Host, Url};

use crate::advice;

/// Where a JMAP server says what it is (RFC 8620, section 2.2).
const WELL_KNOWN: &str = "/.well-known/jmap";

/// What the protocol of a source needs to know.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Settings {
    /// Messages per chunk; 50 without it.
    #[arg(long, conflicts_with = "json_pages", value_parser = clap::value_parser!(u32).range(1..=500), value_name = "N")]
    chunk_size: Option<u32>,
    /// Account to sync; the primary one without it.
    #[arg(long, conflicts_with = "json_pages", value_name = "ID")]
    account: Option<String>,
    /// Where the records are in a page, as JSON pointer; the page itself without it.
    #[arg(long, conflicts_with = "jmap", value_name = "POINTER")]
    records: Option<String>,
    /// Where the id is in a record; /id without it.
    #[arg(long, conflicts_with = "jmap", value_name = "POINTER")]
    id: Option<String>,
    /// Where a page names the URL of the next one.
    #[arg(
        long,
        conflicts_with_all = ["jmap", "page_param"],
        value_name = "POINTER"
    )]
    next: Option<String>,
    /// Parameter of the URL that takes the number of a page.
    #[arg(long, requires = "pages", conflicts_with = "jmap", value_name = "NAME")]
    page_param: Option<String>,
    /// Where a page says how many there are.
    #[arg(
        long,
        requires = "page_param",
        conflicts_with = "jmap",
        value_name = "POINTER"
    )]
    pages: Option<String>,
    /// Number of the first page; 1 without it.
    #[arg(
        long,
        requires = "page_param",
        conflicts_with = "jmap",
        value_name = "N"
    )]
    first_page: Option<u32>,
    /// Chunks of this source at once; 4 without it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64), value_name = "N")]
    max_parallel: Option<u32>,
}

impl Settings {
    /// As the database keeps them; what was not given is left out.
    pub(super) fn object(self) -> Value {
        let Self {
            chunk_size,
            account,
            records,
            id,
            next,
            page_param,
            pages,
            first_page,
            max_parallel,
        } = self;
        let given = [
            ("chunk_size", chunk_size.map(|it| json!(it))),
            ("account", account.map(|it| json!(it))),
            ("records", records.map(|it| json!(it))),
            ("id", id.map(|it| json!(it))),
            ("next", next.map(|it| json!(it))),
            ("page_param", page_param.map(|it| json!(it))),
            ("pages", pages.map(|it| json!(it))),
            ("first_page", first_page.map(|it| json!(it))),
            ("max_parallel", max_parallel.map(|it| json!(it))),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(Map::from_iter(given))
    }
}

/// The address of a JMAP session; without a path the server is asked where it is.
pub(super) fn jmap_url(text: &str) -> Result<Url> {
    let mut url = http_url(text)?;
    if url.path() == "/" && url.query().is_none() {
        url.set_path(WELL_KNOWN);
    }
    Ok(url)
}

/// An address of HTTP without credentials in it.
pub(super) fn http_url(text: &str) -> Result<Url> {
    // What was given is not repeated: it may hold a password.
    let reading = "reading the URL of the source";
    let help = "write it like https://mail.example.com";
    let mut url = Url::parse(text.trim()).map_err(advice::with(reading, help))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(advice::error(
            format!("{reading}: it begins with neither http:// nor https://"),
            help,
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(advice::error(
            format!("{reading}: user and password do not belong into it"),
            "give --user, and the password when it is asked for, in BATON_SYNC_SECRET or with --secret-file",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Whether what is sent there crosses a network readable to others.
pub(super) fn is_readable_on_the_way(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name != "localhost" && !name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => !address.is_loopback(),
            Some(Host::Ipv6(address)) => !address.is_loopback(),
            None => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jmap_address_without_a_path_is_the_well_known_one() {
        let check = |text, expected: Option<&str>| {
            let url = jmap_url(text).ok().map(String::from);
            assert_eq!(url.as_deref(), expected, "{text}");
        };
        let well_known = Some("https://mail.example.com/.well-known/jmap");
        check("https://mail.example.com", well_known);
        check(" HTTPS://Mail.Example.COM:443/ ", well_known);
        check(
            "http://127.0.0.1:8080/jmap/",
            Some("http://127.0.0.1:8080/jmap/"),
        );
        check(
            "https://a.example/?x=1#part",
            Some("https://a.example/?x=1"),
        );
        check("mail.example.com", None);
        check("mail.example.com:443", None);
        check("ftp://mail.example.com", None);
        check("https://", None);
    }

    #[test]
    fn an_address_with_credentials_is_refused_without_repeating_them() {
        for text in [
            "https://alice:wonderland@mail.example.com",
            "https://wonderland@mail.example.com/",
            "https://:wonderland@mail.example.com/",
            "https://alice:wonderland@mail.example.com:x",
        ] {
            let error = advice::chain(&http_url(text).expect_err("it has credentials"));
            assert!(!error.contains("wonderland"), "{error}");
        }
    }

    #[test]
    fn only_plain_http_to_another_machine_is_readable_on_the_way() {
        let check = |text, expected| {
            let url = http_url(text).expect("it is an address");
            assert_eq!(is_readable_on_the_way(&url), expected, "{text}");
        };
        check("https://mail.example.com", false);
        check("http://mail.example.com", true);
        check("http://localhost:8080", false);
        check("http://127.0.0.2/", false);
        check("http://[::1]/", false);
        check("http://10.0.0.1/", true);
    }

    #[test]
    fn settings_that_were_not_given_are_left_out() {
        assert_eq!(Settings::default().object(), json!({}));
        let settings = Settings {
            chunk_size: Some(100),
            records: Some(String::new()),
            max_parallel: Some(8),
            ..Settings::default()
        };
        let expected = json!({ "chunk_size": 100, "records": "", "max_parallel": 8 });
        assert_eq!(settings.object(), expected);
    }
}
