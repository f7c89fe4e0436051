//! One connection string for a component: a URL or libpq's `key=value` pairs (PostgreSQL documentation, section
//! "Connection Strings"). No error repeats a value, because a value that was misread may be a password.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::{TIMEOUTS, bare, tls};
use crate::budget;

/// What an operator may say; the rest is decided here, or means nothing to a component.
const KNOWN: [&str; 9] = [
    "application_name",
    "channel_binding",
    "dbname",
    "host",
    "options",
    "password",
    "port",
    "sslmode",
    "user",
];

/// What a component hands to its host for the connection that `text` describes: one server by TCP, protected as
/// `sslmode` says, with Baton's time-outs and session settings. A parameter with an empty value counts as absent.
///
/// # Errors
/// If the text is malformed, incomplete, or asks for what a component cannot do.
pub fn connection_string(text: &str, names_authority: bool) -> Result<String, String> {
    let text = text.trim();
    let given = match text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
    {
        Some(rest) => url(rest)?,
        None => pairs(text)?,
    };
    for (at, (key, value)) in given.iter().enumerate() {
        let is_ours = TIMEOUTS.iter().any(|(name, _)| name == key);
        if key == "sslrootcert" && value != "system" {
            return Err(
                "sslrootcert names a file, which a component cannot read; put the certificate into the variable pg_ca"
                    .to_owned(),
            );
        }
        // Its name may be a part of a password that is not quoted.
        if !is_ours && key != "sslrootcert" && !KNOWN.contains(&key.as_str()) {
            return Err(format!(
                "its parameter number {} is none of {}",
                at + 1,
                KNOWN.join(", ")
            ));
        }
    }
    // As with libpq, the last of several counts.
    let given: BTreeMap<String, String> = given.into_iter().collect();
    let get = |key| {
        given
            .get(key)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    };
    let host = one_host(get("host"))?;
    if get("port").is_some_and(|it| it.parse::<u16>().is_err()) {
        return Err(
            "its port is no number up to 65535; in the password of a URL, write / as %2F and ? as %3F".to_owned(),
        );
    }
    if get("user").is_none() {
        return Err("it names no user".to_owned());
    }
    let tls = tls(get("sslmode").unwrap_or_default(), host, names_authority)?;

    let mut parameters = vec![("host", host.to_owned())];
    // An IPv6 literal is a name in `host`, by which Spin checks it, and an address here.
    if bare(host) != host {
        parameters.push(("hostaddr", bare(host).to_owned()));
    }
    for key in [
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "channel_binding",
    ] {
        parameters.extend(get(key).map(|it| (key, it.to_owned())));
    }
    parameters.extend(TIMEOUTS.map(|(key, value)| (key, value.to_owned())));
    parameters.push(("sslmode", tls.sslmode().to_owned()));
    // Should anything ever leave a transaction or a statement behind, PostgreSQL ends it. Whatever the server's zone is,
    // answers say instants in UTC.
    let ours = format!(
        "-c idle_in_transaction_session_timeout=10s -c statement_timeout={}s \
         -c default_transaction_isolation=read\\ committed -c TimeZone=UTC",
        budget::STATEMENT.as_secs()
    );
    let options = get("options").into_iter().chain([ours.as_str()]);
    parameters.push(("options", options.collect::<Vec<_>>().join(" ")));
    let parameters = parameters
        .iter()
        .map(|(key, value)| format!("{key}={}", quoted(value)));
    Ok(parameters.collect::<Vec<_>>().join(" "))
}

fn one_host(host: Option<&str>) -> Result<&str, String> {
    let host = host.ok_or("it names no host")?;
    if host.starts_with(['/', '@']) {
        return Err(
            "it names a Unix socket, and components reach PostgreSQL by TCP only".to_owned(),
        );
    }
    if host.contains(',') {
        return Err("it names several hosts; name one of them, or a proxy before them".to_owned());
    }
    Ok(host)
}

/// The parameters in `key=value` pairs: a value with blanks is quoted, and a backslash escapes.
///
/// # Errors
/// If a key has no value, or a quoted value does not end or is followed by more than a blank.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest
            .split_once('=')
            .ok_or_else(|| after_pair(&pairs, "comes a key without a value"))?;
        let (value, after) =
            value(after.trim_start()).map_err(|it| format!("the value of {} {it}", plain(key)))?;
        pairs.push((key.trim().to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

fn after_pair(pairs: &[(String, String)], what: &str) -> String {
    let last = pairs.last().map_or("its start", |(key, _)| plain(key));
    format!("after {last} {what}; quote a value with blanks, and write \\' for '")
}

/// A key, unless it may be part of a value.
fn plain(key: &str) -> &str {
    let key = key.trim();
    match KNOWN.contains(&key) {
        true => key,
        false => "a parameter",
    }
}

/// The value at the start of a text, and what follows it.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let quoted = text.strip_prefix('\'');
    let mut value = String::new();
    let text = quoted.unwrap_or(text);
    let mut chars = text.char_indices();
    while let Some((at, it)) = chars.next() {
        match it {
            '\\' => value.extend(chars.next().map(|(_, it)| it)),
            '\'' if quoted.is_some() => {
                let after = &text[at + 1..];
                return match after.is_empty() || after.starts_with(char::is_whitespace) {
                    true => Ok((value, after)),
                    false => Err("goes on after its closing quote; write \\' for ' inside of it"),
                };
            }
            _ if quoted.is_none() && it.is_whitespace() => return Ok((value, &text[at..])),
            _ => value.push(it),
        }
    }
    match quoted {
        Some(_) => Err("has no closing quote"),
        None => Ok((value, "")),
    }
}

/// The parameters in a URL, without its scheme.
fn url(text: &str) -> Result<Vec<(String, String)>, String> {
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let (authority, dbname) = text.split_once('/').unwrap_or((text, ""));
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    // The colons of an IPv6 address are between brackets.
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (host, ""),
    };
    let mut pairs = Vec::new();
    for (key, value) in [
        ("user", user),
        ("password", password),
        ("host", host),
        ("port", port),
        ("dbname", dbname),
    ] {
        pairs.push((key.to_owned(), decoded(key, value)?));
    }
    for pair in query.split('&').filter(|it| !it.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or("its query has a key without a value")?;
        pairs.push((key.to_owned(), decoded(plain(key), value)?));
    }
    Ok(pairs)
}

fn decoded(key: &str, text: &str) -> Result<String, String> {
    let mut parts = text.split('%').skip(1);
    let is_encoded =
        |it: &str| it.len() >= 2 && it.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    let decoded = percent_decode_str(text).decode_utf8();
    match decoded {
        Ok(it) if parts.all(is_encoded) => Ok(it.into_owned()),
        _ => Err(format!(
            "the {key} in its URL is not percent-encoded; write % as %25, @ as %40, / as %2F"
        )),
    }
}

/// A value of a connection string, quoted.
#[must_use]
pub fn quoted(value: &str) -> String {
    format!("'{}'", escaped(value))
}

/// A value as it stands between the quotes of a connection string.
#[must_use]
pub fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('\'', r"\'")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was decided for one parameter.
    fn parameter(text: &str, key: &str) -> Option<String> {
        let connection = connection_string(text, false).expect(text);
        let pairs = pairs(&connection).expect("it is one itself");
        let found: Vec<_> = pairs.into_iter().filter(|(name, _)| name == key).collect();
        assert!(found.len() <= 1, "{key} once: {found:?}");
        found.into_iter().next().map(|(_, value)| value)
    }

    #[test]
    fn urls_and_pairs_say_the_same() {
        let check = |text: &str, expected: [Option<&str>; 6]| {
            let keys = ["host", "hostaddr", "port", "dbname", "user", "password"];
            let found = keys.map(|it| parameter(text, it));
            assert_eq!(found.each_ref().map(Option::as_deref), expected, "{text}");
        };
        check(
            "postgres://u:p@db.example.com:6432/shop?sslmode=require",
            [
                Some("db.example.com"),
                None,
                Some("6432"),
                Some("shop"),
                Some("u"),
                Some("p"),
            ],
        );
        check(
            "host=db.example.com port=6432 dbname=shop user=u password=p",
            [
                Some("db.example.com"),
                None,
                Some("6432"),
                Some("shop"),
                Some("u"),
                Some("p"),
            ],
        );
        check(
            " postgresql://u%40x:p%2F%25@[fd00::7]/a%20b\n",
            [
                Some("[fd00::7]"),
                Some("fd00::7"),
                None,
                Some("a b"),
                Some("u@x"),
                Some("p/%"),
            ],
        );
        check(
            "postgres://u:p@q@h/",
            [Some("h"), None, None, None, Some("u"), Some("p@q")],
        );
        check(
            "postgres://u@h",
            [Some("h"), None, None, None, Some("u"), None],
        );
        check(
            "postgres:///d?host=h&user=u",
            [Some("h"), None, None, Some("d"), Some("u"), None],
        );
        check(
            r"host = 'h' user='it\'s' password='a\\b c' port='' dbname=''",
            [Some("h"), None, None, None, Some("it's"), Some(r"a\b c")],
        );
        check(
            r"host=h user=u password=a\ b host=i",
            [Some("i"), None, None, None, Some("u"), Some("a b")],
        );
    }

    #[test]
    fn protection_time_outs_and_session_settings_are_always_there() {
        for text in [
            "postgres://u:p@db.example.com/shop",
            "host=db.example.com user=u connect_timeout=900 sslrootcert=system",
        ] {
            assert_eq!(parameter(text, "sslmode").as_deref(), Some("require"));
            assert_eq!(parameter(text, "connect_timeout").as_deref(), Some("5"));
            assert_eq!(parameter(text, "keepalives_retries").as_deref(), Some("3"));
            let options = parameter(text, "options").expect("it has options");
            assert!(options.contains("-c statement_timeout=20s"), "{options}");
            assert!(options.contains(r"=read\ committed"), "{options}");
        }
        let check = |mode: &str, expected: &str| {
            let text = format!("host=localhost user=u sslmode={mode}");
            assert_eq!(
                parameter(&text, "sslmode").as_deref(),
                Some(expected),
                "{mode}"
            );
        };
        check("''", "disable");
        check("prefer", "disable");
        check("verify-full", "require");
        let verified = connection_string("host=localhost user=u", true).expect("it is sound");
        assert!(verified.contains("sslmode='require'"), "{verified}");

        let text = "postgres://u:p@h/d?options=-c%20search_path%3Dapp&channel_binding=require";
        let options = parameter(text, "options").expect("it has options");
        assert!(
            options.starts_with("-c search_path=app -c idle_in"),
            "{options}"
        );
        assert_eq!(
            parameter(text, "channel_binding").as_deref(),
            Some("require")
        );
    }

    #[test]
    fn what_cannot_be_is_named_without_its_value() {
        let check = |text: &str, expected: &str| {
            let error = connection_string(text, false).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{text}: {error}");
        };
        check("", "it names no host");
        check("user=u", "it names no host");
        check("host='' user=u", "it names no host");
        check("host=h", "it names no user");
        check("hunter2", "after its start comes a key without a value");
        check(
            "host=h user=u password=a hunter2",
            "after password comes a key",
        );
        check(
            "host=h user=u password=a hunter2=b",
            "its parameter number 4 is none of",
        );
        check(
            "host=h user=u password='a'hunter2'",
            "the value of password goes on",
        );
        check(
            "host=h user=u password='hunter2",
            "the value of password has no closing quote",
        );
        check("host=h user=u port=hunter2", "its port is no number");
        check("postgres://u:hunter2/x@h/d", "its port is no number");
        check(
            "postgres://u:hunter2%@h/d",
            "the password in its URL is not percent-encoded",
        );
        check("postgres://u:hunter2%zz@h/d", "the password in its URL");
        check("postgres://u:hunter2%FF@h/d", "the password in its URL");
        check(
            "postgres://u:hunter2@h/d?pgbouncer=true",
            "its parameter number 6 is none of",
        );
        check("postgres://u:hunter2@h/d?sslmode", "a key without a value");
        check("host=h user=u sslmode=sometimes", "sslmode is `sometimes`");
        check("host=h user=u sslrootcert=ca.pem", "the variable pg_ca");
        check("host=/run/postgresql user=u", "by TCP only");
        check("host=a,b user=u", "several hosts");
        check("postgres://u:hunter2@a:1,b:2/d", "several hosts");
    }
}
