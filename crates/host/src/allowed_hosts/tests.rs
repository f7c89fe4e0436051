//! Rules: spinframework/spin crates/outbound-networking-config/src/allowed_hosts.rs.

mod reach;

use super::*;

const NO_SCHEME: Result<(), &str> = Err("it has no scheme; write `scheme://host[:port]`");
const NO_PORT: Result<(), &str> = Err("has no default port; add one");
const BAD_PORT: Result<(), &str> = Err("is not a port; write a number");
const BAD_HOST: Result<(), &str> = Err("is not a host");
const BAD_DOMAIN: Result<(), &str> = Err("is not a domain; write one such as `*.example.com`");
const BAD_STAR: Result<(), &str> = Err("is neither the whole host nor its first label");
const PATH: Result<(), &str> = Err("it has a path; leave it out");
const SEVERAL: Result<(), &str> = Err(
    "it holds several patterns; write one pattern per entry, and add an entry to allowed_outbound_hosts",
);
const BRACES: Result<(), &str> =
    Err("lists in braces are not supported; write one pattern per entry");
const SELF: Result<(), &str> = Err("the built-in host does not support `self");

/// `AllowedHostConfig::parse`; where Spin takes what is refused here, the row says so.
const PATTERNS: &[(&str, Result<(), &str>)] = &[
    ("http://example.com", Ok(())),
    ("http://example.com/", Ok(())),
    (" http://example.com\n", Ok(())),
    ("http:// example.com", Ok(())),
    ("http://EXAMPLE.com", Ok(())),
    ("http://bücher.example", Ok(())),
    ("http://example.com:", Ok(())),
    ("http://example.com:4444", Ok(())),
    ("http://example.com:4444/", Ok(())),
    ("http://example.com:4444..5555", Ok(())),
    ("http://example.com:9..8", Ok(())),
    ("http://example.com:*", Ok(())),
    ("*://example.com:7777", Ok(())),
    ("*://*:*", Ok(())),
    ("http://*", Ok(())),
    (
        "h2c://example.com:80",
        Err("the scheme `h2c` has other characters than letters"),
    ),
    (
        "http+unix://example.com:80",
        Err("has other characters than letters"),
    ),
    ("HTTP://example.com:80", Ok(())),
    ("HTTP://example.com", NO_PORT),
    ("://example.com:80", Ok(())),
    ("postgres://db", Ok(())),
    ("mysql://db", Ok(())),
    ("redis://db", Ok(())),
    ("mqtt://db", Ok(())),
    ("ftp://example.com", NO_PORT),
    ("ftp://example.com:21", Ok(())),
    ("*://example.com", NO_PORT),
    ("*://127.0.0.0/24", NO_PORT),
    ("", NO_SCHEME),
    ("*", NO_SCHEME),
    (":", NO_SCHEME),
    ("?", NO_SCHEME),
    ("example.com", NO_SCHEME),
    ("example.com:80", NO_SCHEME),
    ("localhost", NO_SCHEME),
    ("localhost:3001", NO_SCHEME),
    ("[::1]", NO_SCHEME),
    ("[::1]:8080", NO_SCHEME),
    ("insecure:allow-all", NO_SCHEME),
    ("http://localhost:3001", Ok(())),
    ("http://my_db.example", Ok(())),
    ("http://192.168.1.1:3002", Ok(())),
    ("http://256.0.0.1", BAD_HOST),
    ("http://[::1]", Ok(())),
    ("http://[::1]:8001", Ok(())),
    ("http://[::1]:*", Ok(())),
    ("http://[::1]:8000..9000", Ok(())),
    ("http://[::1]:8080/", Ok(())),
    ("http://[2001:db8::1]", Ok(())),
    ("http://::1", BAD_HOST),
    ("http://[::1", BAD_HOST),
    ("http://[::1]junk", BAD_PORT),
    ("http://[::1junk", BAD_PORT),
    ("http://[::1]::80", BAD_HOST),
    ("http://[v1.]", BAD_HOST),
    ("http://[::1]/foo", PATH),
    ("http://[::1]//", PATH),
    ("http://[::1]:99999", BAD_PORT),
    ("*://127.0.0.0/24:80", Ok(())),
    ("http://10.0.0.0/8", Ok(())),
    ("http://10.1.2.3/8", Ok(())),
    ("http://0.0.0.0/0", Ok(())),
    ("http://10.0.0.0/33", PATH),
    ("http://127.0.0.0/24/p", PATH),
    ("*://ff00::/8:80", Ok(())),
    ("http://ff00::/8", Ok(())),
    ("http://::1/128", Ok(())),
    ("http://2001:db8::/32:443", Ok(())),
    ("http://ff00::/8:99999", BAD_PORT),
    ("http://ff00::/8/extra", PATH),
    ("http://*.example.com", Ok(())),
    ("http://*.Example.COM:8383", Ok(())),
    ("http://*.spin.internal", Ok(())),
    ("http://*.", BAD_DOMAIN),
    ("http://*.:8080", BAD_DOMAIN),
    ("http://*.*.com", BAD_DOMAIN),
    ("http://*.127.0.0.1", BAD_DOMAIN),
    ("http://*.[::1]", BAD_PORT),
    ("http://a*b", BAD_STAR),
    ("http://a.*.com", BAD_STAR),
    ("http://example.com/a", PATH),
    ("http://example.com//", PATH),
    ("http://example.com:6666/a/b", PATH),
    ("http://*.example.com/p", PATH),
    ("http://example.com:notaport", BAD_PORT),
    ("http://example.com:99999", BAD_PORT),
    ("http://example.com:8080..70000", BAD_PORT),
    ("http://example.com:8080..", BAD_PORT),
    ("http://example.com:80:90", BAD_HOST),
    ("http://", BAD_HOST),
    ("http://example%.com", BAD_HOST),
    ("http://exa[mple.com", BAD_HOST),
    ("http://exa\\mple.com", BAD_HOST),
    ("http://user@example.com", BAD_HOST),
    ("{http,https}://example.com:80", SEVERAL),
    ("http://{a}", BRACES),
    ("http://example.com:{80}", BRACES),
    ("https://a.com https://b.com", SEVERAL),
    ("https://a.com,https://b.com", SEVERAL),
    ("https://a.com:443, https://b.com:443", SEVERAL),
    ("https://a.com b.com", SEVERAL),
    // Spin takes this for the name of one host, which cannot exist.
    ("https://a.com,b.com", SEVERAL),
    // Spin takes these.
    ("http://self", SELF),
    ("http://self.alt:80", SELF),
    ("http://self:notaport", BAD_PORT),
    ("http://self//", PATH),
    ("http://self/", Ok(())),
];

#[test]
fn patterns_are_read_as_by_spin() {
    for (pattern, expected) in PATTERNS {
        match (AllowedHosts::check(pattern), expected) {
            (Ok(()), Ok(())) => {}
            (Err(err), Err(reason)) => {
                assert!(err.contains(reason), "{pattern:?}: {err}");
                let value = format!("`{}`", pattern.trim());
                assert!(err.starts_with(&value), "the value is named: {err}");
            }
            (result, _) => panic!("{pattern:?}: {result:?}"),
        }
    }
}

/// `AllowedHostsConfig::allows` after `OutboundUrl::parse`: pattern, address, scheme where the address has none.
const MATCHES: &[(&str, &str, &str, bool)] = &[
    ("https://example.com", "https://example.com", "https", true),
    (
        "https://example.com/",
        "https://example.com/a?b",
        "https",
        true,
    ),
    (
        "https://example.com",
        "https://EXAMPLE.com:443",
        "https",
        true,
    ),
    ("https://EXAMPLE.com", "https://example.com", "https", true),
    (
        "https://bücher.example",
        "https://xn--bcher-kva.example",
        "https",
        true,
    ),
    (
        "https://example.com",
        "http://example.com:443",
        "https",
        false,
    ),
    (
        "https://example.com",
        "https://example.com:8443",
        "https",
        false,
    ),
    (
        "https://example.com",
        "https://example.com.evil",
        "https",
        false,
    ),
    (
        "https://example.com",
        "https://user@example.com",
        "https",
        true,
    ),
    (
        "https://example.com",
        "https://example.com@evil",
        "https",
        false,
    ),
    ("https://example.com", "example.com", "https", true),
    ("https://example.com", "example.com:443", "https", true),
    ("https://example.com", "example.com", "http", false),
    ("HTTP://example.com:80", "http://example.com", "http", false),
    ("*://example.com:443", "https://example.com", "https", true),
    ("*://example.com:443", "http://example.com", "https", false),
    ("*://*:*", "anything://anywhere:1", "https", true),
    ("*://*:*", "anything://anywhere", "https", true),
    ("*://*:80", "anything://anywhere", "https", false),
    ("http://*", "http://anywhere:81", "http", false),
    ("http://*", "http://[::1]", "http", true),
    (
        "http://127.0.0.1:8000..8002",
        "http://127.0.0.1:8001",
        "http",
        true,
    ),
    (
        "http://127.0.0.1:8000..8002",
        "http://127.0.0.1:8002",
        "http",
        false,
    ),
    ("http://127.0.0.1", "http://0x7f.1", "http", true),
    ("http://[::1]", "http://[::1]/some/path", "http", true),
    ("http://[::1]", "http://[0:0::1]:80", "http", true),
    ("http://[::1]", "http://[::2]", "http", false),
    ("http://[::1]", "http://[::1]:81", "http", false),
    ("http://[::1]:8080", "http://[::1]:8080", "http", true),
    (
        "http://[::ffff:127.0.0.1]",
        "http://127.0.0.1",
        "http",
        false,
    ),
    (
        "*://127.0.0.1/24:63551",
        "tcp://127.0.0.77:63551",
        "tcp",
        true,
    ),
    (
        "*://127.0.0.1/24:63551",
        "tcp://127.0.1.1:63551",
        "tcp",
        false,
    ),
    ("http://127.0.0.1/32", "http://127.0.0.1", "http", true),
    ("http://127.0.0.1/32", "http://127.0.0.2", "http", false),
    ("http://0.0.0.0/0", "http://192.0.2.1", "http", true),
    ("http://0.0.0.0/0", "http://[::1]", "http", false),
    ("http://0.0.0.0/0", "http://example.com", "http", false),
    (
        "http://2001:db8::/32",
        "http://[2001:db8:abcd::1]/x",
        "http",
        true,
    ),
    (
        "http://2001:db8::/32",
        "http://[2001:db9::1]",
        "http",
        false,
    ),
    ("http://::/0", "http://[2001:db9::1]", "http", true),
    ("http://::/0", "http://127.0.0.1", "http", false),
    (
        "http://*.example.com",
        "http://a.example.com/foo",
        "http",
        true,
    ),
    (
        "http://*.example.com",
        "http://a.b.example.com",
        "http",
        true,
    ),
    (
        "http://*.Example.COM",
        "http://foo.example.com",
        "http",
        true,
    ),
    ("http://*.example.com", "http://example.com", "http", false),
    (
        "http://*.example.com",
        "http://myexample.com",
        "http",
        false,
    ),
    (
        "http://*.example.com",
        "http://a.example.com:8383",
        "http",
        false,
    ),
    ("postgres://db:6432", "db:6432", "postgres", true),
    ("postgres://db:6432", "db", "postgres", false),
    ("postgres://db", "DB", "postgres", true),
    ("postgres://127.0.0.1", "127.0.0.1:5432", "postgres", true),
    ("postgres://[::1]", "[::1]:5432", "postgres", true),
    // An IPv6 address of a database comes without brackets, and is refused even where all is allowed.
    ("*://*:*", "::1:5432", "postgres", false),
    ("*://*:*", "::1", "postgres", false),
    ("*://*:*", "", "postgres", false),
    // The components of the application are `first` and `my-API`.
    (
        "http://*.spin.internal",
        "http://first.spin.internal",
        "http",
        true,
    ),
    (
        "http://*.spin.internal",
        "http://second.spin.internal",
        "http",
        false,
    ),
    (
        "http://*.spin.internal",
        "http://spin.internal",
        "http",
        false,
    ),
    (
        "http://*.spin.internal",
        "http://my-api.spin.internal",
        "http",
        false,
    ),
    (
        "http://*.spin.internal",
        "http://a.first.spin.internal",
        "http",
        false,
    ),
    (
        "http://second.spin.internal",
        "http://second.spin.internal",
        "http",
        true,
    ),
];

#[test]
fn addresses_are_matched_as_by_spin() {
    for (pattern, address, scheme, expected) in MATCHES {
        let hosts = AllowedHosts::parse(&[(*pattern).to_owned()], &["first", "my-API"]);
        let hosts = hosts.expect("a valid pattern");
        let allowed = hosts.allows(address, scheme);
        assert_eq!(allowed, *expected, "{pattern} {address:?} {scheme}");
    }
}

#[test]
fn an_empty_list_allows_nothing() {
    assert!(!AllowedHosts::default().allows("http://127.0.0.1", "http"));
}
