//! How far requests over HTTP may go; stricter than Spin where patterns hold `*`.

use super::*;

/// Pattern, address, and how far a request to it may go.
const REACHES: &[(&str, &str, Reach)] = &[
    ("https://*:*", "https://mail.example", Reach::Public),
    ("https://*:*", "https://1.1.1.1", Reach::Public),
    ("https://*:*", "http://mail.example", Reach::Nowhere),
    ("https://*:*", "https://localhost", Reach::Public), // Refused when it is resolved.
    ("https://*:*", "https://127.0.0.1", Reach::Nowhere),
    ("https://*:*", "https://0x7f.1", Reach::Nowhere),
    ("https://*:*", "https://2130706433", Reach::Nowhere),
    ("https://*:*", "https://169.254.169.254", Reach::Nowhere),
    ("https://*:*", "https://10.1.2.3", Reach::Nowhere),
    ("https://*:*", "https://[::1]", Reach::Nowhere),
    ("https://*:*", "https://[::ffff:7f00:1]", Reach::Nowhere),
    ("https://*:*", "https://[fd00::7]", Reach::Nowhere),
    ("https://*:*", "https://first.spin.internal", Reach::Nowhere),
    ("*://*:*", "http://FIRST.spin.internal.", Reach::Nowhere),
    (
        "http://*.internal",
        "http://first.spin.internal",
        Reach::Nowhere,
    ),
    (
        "http://*.spin.internal",
        "http://first.spin.internal",
        Reach::Anywhere,
    ),
    (
        "http://first.spin.internal",
        "http://first.spin.internal",
        Reach::Anywhere,
    ),
    ("https://*.example", "https://mail.example", Reach::Public),
    (
        "https://mail.example",
        "https://mail.example",
        Reach::Anywhere,
    ),
    (
        "http://localhost:8080",
        "http://localhost:8080",
        Reach::Anywhere,
    ),
    (
        "http://127.0.0.1:*",
        "http://127.0.0.1:8080",
        Reach::Anywhere,
    ),
    ("http://10.0.0.0/8", "http://10.1.2.3", Reach::Anywhere),
    ("http://10.0.0.0/8", "http://127.0.0.1", Reach::Nowhere),
];

#[test]
fn a_wildcard_reaches_public_addresses_only() {
    for (pattern, address, expected) in REACHES {
        let hosts = AllowedHosts::parse(&[(*pattern).to_owned()], &["first"]);
        let reach = hosts.expect("a valid pattern").reach(address, "https");
        assert_eq!(reach, *expected, "{pattern} {address}");
    }
}

#[test]
fn a_literal_beside_a_wildcard_counts() {
    let patterns = ["http://*:*", "http://127.0.0.1:8080"].map(str::to_owned);
    let hosts = AllowedHosts::parse(&patterns, &[]).expect("valid patterns");
    let reach = |address| hosts.reach(address, "http");
    assert_eq!(reach("http://127.0.0.1:8080"), Reach::Anywhere);
    assert_eq!(reach("http://127.0.0.1:8081"), Reach::Nowhere);
}
