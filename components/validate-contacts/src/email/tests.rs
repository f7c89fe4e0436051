mod text;

use std::collections::BTreeSet;

use super::*;

const MX: &str = r#"{"route":"mx","hosts":["a.mx.net","b.mx.net"],"ttl":300}"#;

fn route(json: &str) -> Route {
    serde_json::from_str(json).expect(json)
}

fn answer(result: ProviderResult) -> ProviderAnswer {
    ProviderAnswer {
        name: "kickbox".to_owned(),
        result,
        reason: "because".to_owned(),
        suggestion: None,
    }
}

fn verdict(raw: &str, route_json: &str, result: Option<ProviderResult>) -> Verdict {
    let provider = result.map(answer);
    conclude(
        examine(raw, &Rules::default()),
        Some(&route(route_json)),
        provider.as_ref(),
    )
}

fn long(n: usize) -> String {
    "a".repeat(n)
}

/// Raw address, the reason when its domain has mail hosts.
fn texts() -> Vec<(String, Reason)> {
    let label = long(63);
    let given: Vec<(&str, Reason)> = vec![
        ("", Reason::Empty),
        (" \t\u{a0}\u{feff}", Reason::Empty),
        ("ann@gmail.com", Reason::Accepted),
        ("  Ann.O'Neil+list@GMAIL.com\r\n", Reason::Accepted),
        ("!#$%&'*+-/=?^_`{|}~@firma.de", Reason::Accepted),
        ("\"john doe\"@firma.de", Reason::Accepted),
        ("\"a@b\\\"c<\"@firma.de", Reason::Accepted),
        ("\"\"@firma.de", Reason::Accepted),
        ("jörg@müller.de", Reason::Accepted),
        ("用户@例子.广告", Reason::Accepted),
        ("पत्र@डाक.भारत", Reason::Accepted),
        ("ann@xn--mller-kva.de", Reason::Accepted),
        ("ann@mail.firma.co.uk", Reason::Accepted),
        ("ann@firma。de", Reason::Accepted),
        ("ann", Reason::Syntax),
        ("@firma.de", Reason::Syntax),
        ("ann@", Reason::Syntax),
        ("ann@bob@firma.de", Reason::Syntax),
        (".ann@firma.de", Reason::Syntax),
        ("ann.@firma.de", Reason::Syntax),
        ("an..n@firma.de", Reason::Syntax),
        ("an n@firma.de", Reason::Syntax),
        ("an\0n@firma.de", Reason::Syntax),
        ("an\u{200b}n@firma.de", Reason::Syntax),
        ("an\u{202e}n@firma.de", Reason::Syntax),
        ("\"ann@firma.de", Reason::Syntax),
        ("\"a\"b@firma.de", Reason::Syntax),
        ("\"a\\\u{e9}\"@firma.de", Reason::Syntax),
        ("\"a\tb\"@firma.de", Reason::Syntax),
        ("ann(work)@firma.de", Reason::Syntax),
        ("ann@firma.de, bob@firma.de", Reason::SeveralAddresses),
        ("ann..b.@docomo.ne.jp", Reason::NonstandardLocalPart),
        ("info.@mail.ezweb.ne.jp", Reason::NonstandardLocalPart),
        ("ann@fir ma.de", Reason::InvalidDomain),
        ("ann@firma,de", Reason::InvalidDomain),
        ("ann@firma..de", Reason::InvalidDomain),
        ("ann@.firma.de", Reason::InvalidDomain),
        ("ann@firma.de.", Reason::InvalidDomain),
        ("ann@-firma.de", Reason::InvalidDomain),
        ("ann@firma-.de", Reason::InvalidDomain),
        ("ann@fir_ma.de", Reason::InvalidDomain),
        ("ann@xn--a.de", Reason::InvalidDomain),
        ("ann@127.0.0.1", Reason::InvalidDomain),
        ("ann@[127.0.0]", Reason::InvalidDomain),
        ("ann@[127.0.0.1", Reason::InvalidDomain),
        ("ann@[::1]", Reason::InvalidDomain),
        ("ann@[é::::1]", Reason::InvalidDomain),
        ("ann@firma", Reason::NoTopLevelDomain),
        ("ann@localhost", Reason::NoTopLevelDomain),
        ("ann@example.com", Reason::ReservedDomain),
        ("ann@mail.example.org", Reason::ReservedDomain),
        ("ann@mx.test", Reason::ReservedDomain),
        ("ann@printer.local", Reason::ReservedDomain),
        ("ann@foo.onion", Reason::ReservedDomain),
        ("ann@[192.168.1.1]", Reason::ReservedDomain),
        ("ann@[IPv6:::1]", Reason::ReservedDomain),
        ("ann@[ipv6:2a00:1450::1]", Reason::AddressLiteral),
        ("ann@[8.8.8.8]", Reason::AddressLiteral),
        ("ann@anexample.com", Reason::Accepted),
        ("ann@mailinator.com", Reason::Disposable),
        ("ann@sub.mailinator.com", Reason::Disposable),
        ("info@yopmail.com", Reason::Disposable),
        ("ann@gmial.com", Reason::LikelyTypo),
        ("info@gmial.com", Reason::LikelyTypo),
        ("info@firma.de", Reason::Role),
        ("Postmaster+x@firma.de", Reason::Role),
        ("information.desk@firma.de", Reason::Accepted),
    ];
    let mut texts: Vec<(String, Reason)> = given
        .into_iter()
        .map(|(raw, reason)| (raw.to_owned(), reason))
        .collect();
    texts.extend([
        (format!("{}@firma.de", long(64)), Reason::Accepted),
        (format!("{}@firma.de", long(65)), Reason::LocalTooLong),
        (format!("{}@firma.de", "é".repeat(33)), Reason::LocalTooLong),
        (format!("ann@{label}.de"), Reason::Accepted),
        (format!("ann@{label}a.de"), Reason::DomainTooLong),
        (
            format!("ann@{label}.{label}.{label}.{label}.de"),
            Reason::DomainTooLong,
        ),
        (
            format!("{label}@{label}.{label}.{}.de", long(59)),
            Reason::Accepted,
        ),
        (
            format!("{label}@{label}.{label}.{}.de", long(60)),
            Reason::TooLong,
        ),
        (format!("{}@firma.de", long(5000)), Reason::TooLong),
    ]);
    texts
}

#[test]
fn the_text_and_the_lists_decide() {
    for (raw, expected) in texts() {
        let verdict = verdict(&raw, MX, None);
        assert_eq!(verdict.reason, expected, "{raw:?}: {verdict:?}");
        assert_eq!(verdict.status, expected.status());
        let syntax = verdict.evidence.syntax.expect("syntax is always checked");
        assert_eq!(syntax.ok, verdict.normalized.is_some(), "{raw:?}");
        assert_eq!(syntax.ok, syntax.detail.is_none(), "{raw:?}");
    }
}

#[test]
fn dns_and_the_provider_decide() {
    use ProviderResult::{Deliverable, Risky, Undeliverable, Unknown};
    const ANN: &str = "ann@firma.de";
    const IMPLICIT: &str = r#"{"route":"implicit","ttl":60}"#;
    const NULL: &str = r#"{"route":"null_mx","ttl":60}"#;
    const NONE: &str = r#"{"route":"no_mail_host","ttl":60}"#;
    const GONE: &str = r#"{"route":"no_such_domain","ttl":60}"#;
    const HOSTLESS: &str = r#"{"route":"no_mail_host","ttl":60,"unusable":["10.0.0.5"]}"#;
    const FAILED: &str = r#"{"route":"failed","reason":"server_failure"}"#;
    const LATE: &str = r#"{"route":"failed","reason":"timeout"}"#;
    let table = [
        (ANN, MX, None, Reason::Accepted),
        (ANN, IMPLICIT, None, Reason::Accepted),
        (ANN, NULL, None, Reason::NullMx),
        (ANN, NONE, None, Reason::NoMailHost),
        (ANN, GONE, None, Reason::NoSuchDomain),
        (ANN, FAILED, None, Reason::DnsFailed),
        (ANN, LATE, None, Reason::DnsTimeout),
        (ANN, MX, Some(Deliverable), Reason::ProviderAccepted),
        (ANN, MX, Some(Undeliverable), Reason::ProviderRejected),
        (ANN, MX, Some(Risky), Reason::ProviderRisky),
        (ANN, MX, Some(Unknown), Reason::ProviderUnknown),
        (ANN, GONE, Some(Deliverable), Reason::NoSuchDomain),
        (ANN, FAILED, Some(Deliverable), Reason::ProviderAccepted),
        (ANN, FAILED, Some(Undeliverable), Reason::ProviderRejected),
        (ANN, LATE, Some(Unknown), Reason::DnsTimeout),
        ("ann@mailinator.com", NULL, None, Reason::NullMx),
        ("ann@mailinator.com", LATE, None, Reason::DnsTimeout),
        (
            "ann@mailinator.com",
            MX,
            Some(Deliverable),
            Reason::Disposable,
        ),
        (
            "ann@mailinator.com",
            FAILED,
            Some(Deliverable),
            Reason::Disposable,
        ),
        ("ann@gmial.com", GONE, None, Reason::NoSuchDomain),
        (ANN, HOSTLESS, None, Reason::UnusableMailHost),
        (ANN, HOSTLESS, Some(Deliverable), Reason::UnusableMailHost),
        ("a..b@docomo.ne.jp", NULL, None, Reason::NullMx),
        (
            "info@firma.de",
            MX,
            Some(Undeliverable),
            Reason::ProviderRejected,
        ),
        ("info@firma.de", MX, Some(Unknown), Reason::Role),
        (
            "ann@example.com",
            MX,
            Some(Deliverable),
            Reason::ReservedDomain,
        ),
    ];
    for (raw, route, provider, expected) in table {
        let verdict = verdict(raw, route, provider);
        assert_eq!(verdict.reason, expected, "{raw} {route} {provider:?}");
    }
}

#[test]
fn every_reason_is_reached_and_has_its_own_code_and_sentence() {
    let mut reached: BTreeSet<&str> = texts().iter().map(|(_, it)| it.as_str()).collect();
    let offline = Rules {
        dns: false,
        ..Rules::default()
    };
    let Examination::Decided(unchecked) = examine("ann@firma.de", &offline) else {
        panic!("DNS is off");
    };
    reached.insert(unchecked.reason.as_str());
    for json in ["null_mx", "no_mail_host", "no_such_domain"] {
        let json = format!(r#"{{"route":"{json}","ttl":60}}"#);
        reached.insert(verdict("ann@firma.de", &json, None).reason.as_str());
    }
    let unusable = r#"{"route":"mx","hosts":["127.0.0.1"],"ttl":60}"#;
    reached.insert(verdict("ann@firma.de", unusable, None).reason.as_str());
    for json in ["timeout", "refused"] {
        let json = format!(r#"{{"route":"failed","reason":"{json}"}}"#);
        reached.insert(verdict("ann@firma.de", &json, None).reason.as_str());
    }
    use ProviderResult::{Deliverable, Risky, Undeliverable, Unknown};
    for result in [Deliverable, Risky, Undeliverable, Unknown] {
        reached.insert(verdict("ann@firma.de", MX, Some(result)).reason.as_str());
    }
    // This one is given by SQL.
    reached.insert(Reason::GaveUp.as_str());
    let all: BTreeSet<&str> = Reason::ALL.iter().map(|it| it.as_str()).collect();
    assert_eq!(reached, all);
    assert_eq!(all.len(), Reason::ALL.len());
    let sentences: BTreeSet<&str> = Reason::ALL.iter().map(|it| it.describe()).collect();
    assert_eq!(sentences.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert_eq!(Reason::from_code(reason.as_str()), Some(*reason));
        assert_eq!(serde_json::json!(reason), reason.as_str());
    }
    for status in Status::ALL {
        assert_eq!(serde_json::json!(status), status.as_str());
    }
}

#[test]
fn with_dns_off_syntax_and_lists_decide_alone() {
    let check = |raw: &str, expected: Reason| {
        let rules = Rules {
            dns: false,
            ..Rules::default()
        };
        let examination = examine(raw, &rules);
        assert_eq!(worth_asking(&examination, None), None);
        let verdict = conclude(examination, None, None);
        assert_eq!(verdict.reason, expected, "{raw}");
        assert_eq!(verdict.evidence.mx, None);
    };
    check("ann@firma.de", Reason::NotChecked);
    check("ann", Reason::Syntax);
    check("ann@example.com", Reason::ReservedDomain);
    check("ann@mailinator.com", Reason::Disposable);
    check("ann@gmial.com", Reason::LikelyTypo);
    check("info@firma.de", Reason::Role);
}

#[test]
fn a_provider_is_asked_only_where_it_can_help() {
    let check = |raw: &str, json: &str, expected: Option<&str>| {
        let examination = examine(raw, &Rules::default());
        assert_eq!(
            worth_asking(&examination, Some(&route(json))),
            expected,
            "{raw} {json}"
        );
    };
    check(" ann@FIRMA.de", MX, Some("ann@firma.de"));
    check(
        "ann@firma.de",
        r#"{"route":"failed","reason":"timeout"}"#,
        Some("ann@firma.de"),
    );
    check("ann@firma.de", r#"{"route":"null_mx","ttl":60}"#, None);
    check("ann@example.com", MX, None);
}

#[test]
fn evidence_names_what_was_found_and_survives_json() {
    let found =
        verdict("info@gmail.com", MX, Some(ProviderResult::Deliverable)).with_remembered_route();
    let json = serde_json::to_value(&found).expect("a verdict is JSON");
    assert_eq!(
        json,
        serde_json::json!({
            "status": "risky", "reason": "role", "normalized": "info@gmail.com", "suggestion": null,
            "evidence": {
                "syntax": {"ok": true}, "reserved": {"ok": true}, "typo": {"ok": true}, "disposable": {"ok": true},
                "role": {"ok": false, "detail": "info"}, "free": true,
                "mx": {"route": "mx", "hosts": ["a.mx.net", "b.mx.net"], "ttl": 300, "from_cache": true},
                "provider": {"name": "kickbox", "result": "deliverable", "reason": "because"}
            }
        })
    );
    assert_eq!(
        serde_json::from_value::<Verdict>(json).expect("and back"),
        found
    );
    let failed = verdict(
        "ann@firma.de",
        r#"{"route":"failed","reason":"refused"}"#,
        None,
    );
    let mx = failed.evidence.mx.expect("DNS was asked");
    assert_eq!((mx.failure, mx.ttl), (Some(DnsFailure::Refused), None));
    let hosts: Vec<String> = (0..40).map(|it| format!("mx{it}.net")).collect();
    let many = conclude(
        examine("ann@firma.de", &Rules::default()),
        Some(&Route::Mx { hosts, ttl: 60 }),
        None,
    );
    assert_eq!(many.evidence.mx.map(|it| it.hosts.len()), Some(5));
}

#[test]
fn a_providers_suggestion_is_taken_when_there_is_no_other() {
    let mut provider = answer(ProviderResult::Undeliverable);
    provider.suggestion = Some("ann@firma.de".to_owned());
    let suggestion = |raw: &str| {
        conclude(
            examine(raw, &Rules::default()),
            Some(&route(MX)),
            Some(&provider),
        )
        .suggestion
    };
    assert_eq!(suggestion("ann@frima.de").as_deref(), Some("ann@firma.de"));
    assert_eq!(
        suggestion("ann@gmial.com").as_deref(),
        Some("ann@gmail.com")
    );
}

#[test]
fn rules_refuse_unknown_fields_and_have_defaults() {
    let rules: Rules = serde_json::from_str("{}").expect("all fields have defaults");
    assert_eq!(rules, Rules::default());
    assert!(serde_json::from_str::<Rules>(r#"{"dnss": false}"#).is_err());
}
