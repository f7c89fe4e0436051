use anyhow::Result;
use process_chunks::source::header::{HEADERS, SECRET_HEADER, is_name};
use process_chunks::source::url_secret::is_secret;
use serde_json::{Map, Value, json};
use terminal::advice;
use url::{Host, Url};

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
    /// Where a page has the URL of the next one, as JSON pointer or `header:NAME`; without an option for pages, the header field
    /// Link and the usual places are looked at.
    #[arg(long, conflicts_with = "jmap", group = "way", value_name = "PLACE")]
    next: Option<String>,
    /// Where a page has the cursor of the next one, as JSON pointer or `header:NAME`; `last-id` is the id of its last record.
    #[arg(
        long,
        requires = "cursor_param",
        conflicts_with = "jmap",
        group = "way",
        value_name = "PLACE"
    )]
    cursor: Option<String>,
    /// Parameter of the URL that takes the cursor.
    #[arg(
        long,
        requires = "cursor",
        conflicts_with = "jmap",
        value_name = "NAME"
    )]
    cursor_param: Option<String>,
    /// Parameter of the URL that takes the number of the records before a page.
    #[arg(long, conflicts_with = "jmap", group = "way", value_name = "NAME")]
    offset_param: Option<String>,
    /// Parameter of the URL that takes the number of a page; the first page without records is the end.
    #[arg(long, conflicts_with = "jmap", group = "way", value_name = "NAME")]
    page_param: Option<String>,
    /// Where a page says how many there are, as JSON pointer or `header:NAME`; they are then fetched side by side.
    #[arg(
        long,
        requires = "page_param",
        conflicts_with = "jmap",
        value_name = "PLACE"
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
    /// Parameter of the URL that takes the size of a page.
    #[arg(
        long,
        requires = "page_size",
        conflicts_with = "jmap",
        value_name = "NAME"
    )]
    limit_param: Option<String>,
    /// Records per page.
    #[arg(
        long,
        requires = "limit_param",
        conflicts_with = "jmap",
        value_name = "N"
    )]
    page_size: Option<u32>,
    /// The numbers of records and pages that the source tells are no measure of what was fetched.
    #[arg(long, conflicts_with = "jmap")]
    ignore_total: bool,
    /// Header field of each request, as `NAME: VALUE`, or NAME alone for the one that carries the key, which is asked for.
    #[arg(long = "header", value_name = "FIELD")]
    headers: Vec<String>,
    /// Chunks of this source at once; 4 without it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64), value_name = "N")]
    max_parallel: Option<u32>,
}

impl Settings {
    /// As the database keeps them; what was not given is left out.
    ///
    /// # Errors
    /// When a header field holds a secret, which belongs where passwords are.
    pub(super) fn object(self) -> Result<Value> {
        let Self {
            chunk_size,
            account,
            records,
            id,
            next,
            cursor,
            cursor_param,
            offset_param,
            page_param,
            pages,
            first_page,
            limit_param,
            page_size,
            ignore_total,
            headers,
            max_parallel,
        } = self;
        let (headers, secret_header) = fields(headers)?;
        let text = |it: Option<String>| it.map(Value::from);
        let number = |it: Option<u32>| it.map(Value::from);
        let given = [
            ("chunk_size", number(chunk_size)),
            ("account", text(account)),
            ("records", text(records)),
            ("id", text(id)),
            ("next", text(next)),
            ("cursor", text(cursor)),
            ("cursor_param", text(cursor_param)),
            ("offset_param", text(offset_param)),
            ("page_param", text(page_param)),
            ("pages", text(pages)),
            ("first_page", number(first_page)),
            ("limit_param", text(limit_param)),
            ("page_size", number(page_size)),
            ("ignore_total", ignore_total.then_some(json!(true))),
            (
                HEADERS,
                Some(Value::Object(headers)).filter(|it| *it != json!({})),
            ),
            (SECRET_HEADER, text(secret_header)),
            ("max_parallel", number(max_parallel)),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Value::Object(Map::from_iter(given)))
    }
}

/// The header fields with their values, and the name of the one that carries the secret.
fn fields(given: Vec<String>) -> Result<(Map<String, Value>, Option<String>)> {
    let (mut headers, mut secret_header) = (Map::new(), None);
    for field in given {
        let (name, value) = match field.split_once(':') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (field.trim(), None),
        };
        let help = "write it like --header 'Accept-Language: en', or --header X-API-Key for the one whose value is asked for";
        if !is_name(name) {
            // What was given is not repeated: it may be a key.
            return Err(advice::error(
                "a --header is no header field that can be sent",
                help,
            ));
        }
        match value {
            // A command line is seen by others, and stays in the history.
            Some(_) if is_secret(name) || name.eq_ignore_ascii_case("cookie") => {
                return Err(advice::error(
                    format!(
                        "the value of {name} is a secret, and does not belong on the command line"
                    ),
                    format!(
                        "give --header {name} without a value; it is asked for, or comes from BATON_SYNC_SECRET or --secret-file"
                    ),
                ));
            }
            Some(value) => _ = headers.insert(name.to_owned(), value.into()),
            None if secret_header.is_none() => secret_header = Some(name.to_owned()),
            None => {
                return Err(advice::error(
                    "only one header field can carry the key",
                    help,
                ));
            }
        }
    }
    Ok((headers, secret_header))
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
        let object = |it: Settings| it.object().expect("it is sound");
        assert_eq!(object(Settings::default()), json!({}));
        let settings = Settings {
            chunk_size: Some(100),
            records: Some(String::new()),
            max_parallel: Some(8),
            ..Settings::default()
        };
        let expected = json!({ "chunk_size": 100, "records": "", "max_parallel": 8 });
        assert_eq!(object(settings), expected);
    }

    #[test]
    fn a_header_field_has_a_value_or_carries_the_secret() {
        let check = |given: &[&str], expected: Result<Value, &str>| {
            let settings = Settings {
                headers: given.iter().map(|it| (*it).to_owned()).collect(),
                ..Settings::default()
            };
            match (settings.object(), expected) {
                (Ok(settings), Ok(expected)) => assert_eq!(settings, expected),
                (Err(error), Err(expected)) => {
                    let shown = format!("{} {error}", advice::chain(&error));
                    assert!(
                        shown.contains(expected) && !shown.contains("s3cret"),
                        "{shown}"
                    );
                }
                (settings, _) => panic!("{settings:?}"),
            }
        };
        check(&["X-API-Key"], Ok(json!({ "secret_header": "X-API-Key" })));
        check(
            &["Notion-Version: 2022-06-28", "Authorization"],
            Ok(
                json!({ "headers": { "Notion-Version": "2022-06-28" }, "secret_header": "Authorization" }),
            ),
        );
        check(
            &["X-API-Key: s3cret"],
            Err("does not belong on the command line"),
        );
        check(
            &["authorization: Token s3cret"],
            Err("the value of authorization is a secret"),
        );
        check(&["X-A", "X-B"], Err("only one"));
        check(&["s3cret value"], Err("no header field"));
        check(&["Host: a.example"], Err("no header field"));
    }
}
