use super::*;

#[test]
fn an_address_gets_its_normal_form() {
    let check = |raw: &str, expected: &str| {
        assert_eq!(
            verdict(raw, MX, None).normalized.as_deref(),
            Some(expected),
            "{raw}"
        );
        let again = verdict(expected, MX, None);
        assert_eq!(
            again.normalized.as_deref(),
            Some(expected),
            "normal form is final"
        );
    };
    check("\u{a0}Ann@Firma.DE ", "Ann@firma.de");
    check("jo\u{308}rg@mu\u{308}ller.de", "jörg@xn--mller-kva.de");
    check("ann@MÜLLER.de", "ann@xn--mller-kva.de");
    check("ann@straße.de", "ann@xn--strae-oqa.de");
    check("ann@firma。de", "ann@firma.de");
    check("ann@[IPV6:2A00:0:0::1]", "ann@[IPv6:2a00::1]");
    check("\"Ann B\"@firma.de", "\"Ann B\"@firma.de");
}

#[test]
fn a_typing_error_gets_a_suggestion() {
    let check = |domain: &str, expected: &str| {
        let verdict = verdict(&format!("ann@{domain}"), MX, None);
        assert_eq!(verdict.reason, Reason::LikelyTypo, "{domain}");
        assert_eq!(
            verdict.suggestion,
            Some(format!("ann@{expected}")),
            "{domain}"
        );
    };
    for typo in [
        "gmial.com",
        "gamil.com",
        "gmal.com",
        "gmaill.com",
        "gnail.com",
        "gmail.con",
        "gmail.co",
        "gmail.cm",
        "gmai.con",
        "mgail.com",
    ] {
        check(typo, "gmail.com");
    }
    for typo in [
        "hotmial.com",
        "hotmal.com",
        "hotamil.com",
        "hotnail.con",
        "htomail.com",
        "hotmmaill.com",
    ] {
        check(typo, "hotmail.com");
    }
    check("senam.cz", "seznam.cz");
    for typo in ["gmil.com", "gmai.com"] {
        check(typo, "gmail.com");
    }
    for typo in ["yaho.com", "yahooo.com", "yhaoo.com", "yahoo.cmo"] {
        check(typo, "yahoo.com");
    }
    check("outlok.com", "outlook.com");
    check("outllok.com", "outlook.com");
    check("iclod.com", "icloud.com");
    check("protonmial.com", "protonmail.com");
    check("yaho.co.uk", "yahoo.co.uk");
    check("firma.con", "firma.com");
    check("mail.firma.cmo", "mail.firma.com");
    check("firma.ogr", "firma.org");
}

#[test]
fn honest_domains_are_no_typing_errors() {
    let well_known = "ymail.com gmx.net mail.com email.com me.com mac.com aol.com aon.com live.com msn.com cloud.com \
        compass.com outback.com hotel.com tmall.com proton.me protonmail.ch fastmail.fm verizon.com comcast.com yahoo.ca \
        grail.com onlook.com outloud.com yahoo.co.nz yahoo.co.kr yahoo.gr hotmail.ch hotmail.se outlook.co.th outlook.cl icloud.com.cn firma.co firma.cm \
        firma.om netflix.com google.com amazon.com gmx.us mailbox.org horizon.net orange.com web.com qq.com";
    for domain in well_known.split_whitespace().chain(lists::free()) {
        let verdict = verdict(&format!("ann@{domain}"), MX, None);
        assert_eq!(verdict.reason, Reason::Accepted, "{domain}: {verdict:?}");
        assert_eq!(verdict.suggestion, None, "{domain}");
    }
}

#[test]
fn a_broken_domain_gets_a_suggestion_when_one_slip_explains_it() {
    let check = |raw: &str, expected: Option<&str>| {
        assert_eq!(
            verdict(raw, MX, None).suggestion.as_deref(),
            expected,
            "{raw}"
        );
    };
    check("ann@firma,de", Some("ann@firma.de"));
    check("ann@firma..de", Some("ann@firma.de"));
    check("ann@firma.de.", Some("ann@firma.de"));
    check("ann@gmail .com", Some("ann@gmail.com"));
    check("ann@fir_ma.de", None);
    check("ann@firma", None);
    check("ann", None);
}

#[test]
fn reserved_names_can_be_allowed() {
    let check = |raw: &str, allowed: &str, reserved: bool| {
        let rules = Rules {
            allow_reserved: vec![allowed.to_owned()],
            ..Rules::default()
        };
        let decided = matches!(examine(raw, &rules), Examination::Decided(_));
        assert_eq!(decided, reserved, "{raw} with {allowed} allowed");
    };
    check("ann@mx.test", "test", false);
    check("ann@mx.test", ".TEST", false);
    check("ann@mx.test", "mx.test", false);
    check("ann@a.mx.test", "mx.test", false);
    check("ann@amx.test", "mx.test", true);
    check("ann@mx.test", "invalid", true);
    check("ann@mx.test", "", true);
    check(
        "ann@mx.test",
        "a-name-much-longer-than-the-domain.test",
        true,
    );
}

#[test]
fn the_cache_key_is_the_raw_text_after_the_last_at() {
    let check = |raw: &str, expected: Option<&str>| {
        assert_eq!(cache_key(raw).as_deref(), expected, "{raw:?}")
    };
    check("ann@Gmail.COM", Some("gmail.com"));
    check(" ann@gmail.com\r\n", Some("gmail.com"));
    check("\"a@b\"@firma.de", Some("firma.de"));
    check("ann@MÜLLER.de", Some("mÜller.de"));
    check("ann@ firma.de", Some(" firma.de"));
    check("ann@firma.de\u{a0}", Some("firma.de\u{a0}"));
    check("ann", None);
    check("ann@", None);
    check("", None);
}

#[test]
fn the_lists_are_clean() {
    for domain in lists::free() {
        assert_eq!(
            lists::disposable(domain),
            None,
            "{domain} is both free and disposable"
        );
        assert_eq!(domain, domain.to_lowercase().trim());
    }
    assert!(lists::is_free("gmail.com") && !lists::is_free("firma.de") && !lists::is_free(""));
    assert_eq!(lists::role("# Mailboxes"), None);
}

#[test]
fn no_text_makes_it_panic() {
    let alphabet: Vec<char> = "ab.@@@\"\\ <>()[]:,;-_0123IPv6xn--é\u{308}\u{200d}\u{202e}中。\0\u{10ffff}ß\u{feff}\u{1f600}"
        .chars()
        .collect();
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut draw = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % n as u64).expect("less than n")
    };
    for _ in 0..20_000 {
        let raw: String = (0..draw(40))
            .map(|_| alphabet[draw(alphabet.len())])
            .collect();
        let examination = examine(&raw, &Rules::default());
        let verdict = conclude(examination, None, None);
        if let Some(normalized) = verdict.normalized {
            let again = conclude(examine(&normalized, &Rules::default()), None, None);
            assert_eq!(again.normalized, Some(normalized), "{raw:?}");
        }
        if let Some(detail) = verdict.evidence.syntax.and_then(|it| it.detail) {
            assert!(!detail.contains('\0'), "PostgreSQL takes no NUL");
        }
        assert!(cache_key(&raw).is_none_or(|it| raw.len() >= it.len()));
    }
}

#[test]
fn an_address_is_read_where_it_is_certain() {
    let check = |raw: &str, expected: &str| {
        let verdict = verdict(raw, MX, None);
        assert_eq!(verdict.reason, Reason::Accepted, "{raw:?}: {verdict:?}");
        assert_eq!(verdict.normalized.as_deref(), Some(expected), "{raw:?}");
        assert_eq!(verdict.suggestion.as_deref(), Some(expected), "{raw:?}");
        // Contacts with one key share one mail route, so the key must lead to the domain.
        let key = cache_key(raw).unwrap_or_default();
        let domain = expected.rsplit('@').next().unwrap_or_default();
        let leads_there = key.is_empty() || key.starts_with(domain) || !key.is_ascii();
        assert!(leads_there, "{raw:?}: {key:?}");
    };
    for raw in [
        "Ann <ann@firma.de>",
        "<ann@firma.de>",
        "Ann Lee<ann@firma.de>",
        "\"Lee, Ann\" <ann@firma.de>",
        "Lee, Ann (ann@firma.de)",
        "Ann [ann@firma.de]",
        "Ann Lee <ann@firma.de>;",
        "Ann @ Home <ann@firma.de>",
        "ann@firma.de <ann@firma.de>",
        "'ann@firma.de' <ann@firma.de>",
        "ann@firma.de (work)",
        "Ann <ann@firma.de> (work)",
        "mailto:ann@firma.de",
        "MAILTO:ann@firma.de?subject=Hi%20there",
        "mailto:ann%40firma.de",
        "<mailto:ann@firma.de>",
        "ann@firma.de <mailto:ann@firma.de>",
        "[ann@firma.de](mailto:ann@firma.de)",
        "SMTP:ann@firma.de",
        "smtp: ann@firma.de",
        "E-Mail: ann@firma.de",
        "'ann@firma.de'",
        "\"ann@firma.de\"",
        "\u{201c}ann@firma.de\u{201d}",
        "\u{201e}ann@firma.de\u{201c}",
        "\u{ab}ann@firma.de\u{bb}",
        "`ann@firma.de`",
        "(ann@firma.de)",
        "=\"ann@firma.de\"",
        "Ann &lt;ann@firma.de&gt;",
        "ann&#64;firma.de",
        ".ann <ann@firma.de>",
        "'Lee, Ann'<ann@firma.de>",
        "ann\u{1f339}<ann@firma.de>",
        "ann@firma.de(io)",
        "ann@firma.de,",
        "; ann@firma.de ;",
        "ann@firma.de ::: ann@firma.de",
        "ann@firma.de, Ann@Firma.de",
        "ann@firma.de / ann@firma.de",
        "ann@firma.de\nann@firma.de",
    ] {
        check(raw, "ann@firma.de");
    }
    check(
        "J\u{f6}rg <j\u{f6}rg@m\u{fc}ller.de>",
        "j\u{f6}rg@xn--mller-kva.de",
    );
    check("Ann <\"ann b\"@firma.de>", "\"ann b\"@firma.de");
}

#[test]
fn invisible_characters_at_the_ends_are_left_out() {
    for c in [
        '\u{2060}', '\u{feff}', '\u{200b}', '\u{200e}', '\u{202a}', '\u{2066}', '\u{a0}',
        '\u{3000}', '\u{ad}',
    ] {
        let verdict = verdict(&format!("{c}ann@firma.de{c}"), MX, None);
        assert_eq!(verdict.normalized.as_deref(), Some("ann@firma.de"), "{c:?}");
        assert_eq!(verdict.suggestion, None, "{c:?}");
    }
}

#[test]
fn an_address_is_suggested_where_it_is_likely() {
    let check = |raw: &str, expected: &str| {
        let verdict = verdict(raw, MX, None);
        assert_eq!(
            verdict.status,
            Status::Undeliverable,
            "{raw:?}: {verdict:?}"
        );
        assert_eq!(verdict.suggestion.as_deref(), Some(expected), "{raw:?}");
    };
    for raw in [
        "ann @firma.de",
        "ann@ firma.de",
        "ann @ firma . de",
        "ann@@firma.de",
        "ann@firma.de>",
        "<ann@firma.de",
        "\u{201c}ann@firma.de",
        "ann@firma.de.",
        "ann@firma.de!",
        "ann@firma.de?",
        "ann@firma,de",
        "ann\u{ff20}firma.de",
        "\u{ff41}nn\u{ff20}firma\u{ff0e}de",
        "ann\u{fe6b}firma.de",
        "ann(at)firma.de",
        "ann [at] firma [dot] de",
        "ann at firma dot de",
        "ann.@firma.de",
        "ann%40firma.de",
        "\"Ann Lee\"ann@firma.de",
        "Ann Lee ann@firma.de",
        "Ann Lee - ann@firma.de",
        "ann@firma.de work",
        "ann@firma.de; bob@",
        "<a href=\"mailto:ann@firma.de\">ann@firma.de</a>",
    ] {
        check(raw, "ann@firma.de");
    }
    check("an..n@firma.de", "an.n@firma.de");
    check("o\u{2019}neil@firma.de", "o'neil@firma.de");
    for c in [
        '\u{200c}',
        '\u{200d}',
        '\u{3164}',
        '\u{180e}',
        '\u{fe0f}',
        '\u{61c}',
        '\u{ad}',
        '\u{2800}',
        '\u{e0041}',
        '\u{202e}',
        '\u{e000}',
        '\u{34f}',
        '\u{115f}',
        '\u{ffa0}',
    ] {
        check(&format!("an{c}n@firma.de"), "ann@firma.de");
    }
}

#[test]
fn several_addresses_have_a_reason_of_their_own() {
    for raw in [
        "ann@firma.de ::: bob@firma.de",
        "ann@firma.de; bob@firma.de",
        "ann@firma.de bob@firma.de",
        "ann@firma.de/bob@firma.de",
        "ann@firma.de | bob@firma.de | eve@firma.de",
        "Ann <ann@firma.de>, Bob <bob@firma.de>",
        "ann@firma.de <bob@firma.de>",
        "ann@firma.de (bob@firma.de)",
        "mailto:ann@firma.de?cc=bob@firma.de",
        "ann@firma.de\nbob@firma.de",
    ] {
        let verdict = verdict(raw, MX, None);
        assert_eq!(verdict.reason, Reason::SeveralAddresses, "{raw:?}");
        assert_eq!(
            verdict.suggestion.as_deref(),
            Some("ann@firma.de"),
            "{raw:?}"
        );
        let detail = verdict.evidence.syntax.and_then(|it| it.detail);
        assert!(
            detail.is_some_and(|it| it.contains("bob@firma.de")),
            "{raw:?}"
        );
    }
}

#[test]
fn a_text_that_is_no_address_gets_no_suggestion() {
    for raw in [
        "an n@firma.de",
        "ann",
        "ann@firma",
        "ann@bob@firma.de",
        "https://firma.de/@ann",
        "http://ann@firma.de/",
        "meet at noon",
        "\u{fffd}@firma.de",
        "j\u{fffd}rg@firma.de",
        "+49 30 123456",
        "N/A",
    ] {
        let verdict = verdict(raw, MX, None);
        assert_eq!(
            verdict.status,
            Status::Undeliverable,
            "{raw:?}: {verdict:?}"
        );
        assert_eq!(verdict.suggestion, None, "{raw:?}");
    }
}

#[test]
fn a_host_that_cannot_take_mail_makes_no_route() {
    let check = |hosts: &str, allowed: &[&str], expected: Reason| {
        let rules = Rules {
            allow_reserved: allowed.iter().map(|it| (*it).to_owned()).collect(),
            ..Rules::default()
        };
        let json = format!(r#"{{"route":"mx","hosts":[{hosts}],"ttl":60}}"#);
        let verdict = conclude(examine("ann@firma.de", &rules), Some(&route(&json)), None);
        assert_eq!(verdict.reason, expected, "{hosts}");
    };
    for host in [
        "localhost",
        "localhost.localdomain",
        "0.0.0.0",
        "127.0.0.1",
        "203.0.113.25",
        "ms1.msv1.invalid",
        "mail.local",
        "mx.example.com",
        "mail",
        "void.blackhole.mx",
        "exchange.firma.lan",
        "mail.firma.corp",
        "[127.0.0.1]",
        "mx.firma.de:25",
    ] {
        check(&format!("{host:?}"), &[], Reason::UnusableMailHost);
        check(&format!("{host:?},\"mx.firma.de\""), &[], Reason::Accepted);
    }
    check("\"mx_1.firma.de\"", &[], Reason::Accepted);
    check("\"mail.firma.test\"", &[], Reason::UnusableMailHost);
    check("\"mail.firma.test\"", &["test"], Reason::Accepted);
}

#[test]
fn allowed_domains_are_on_no_list() {
    let rules = Rules {
        allow_domains: vec![
            "gmial.com".to_owned(),
            "mailinator.com".to_owned(),
            "test".to_owned(),
        ],
        ..Rules::default()
    };
    let check = |raw: &str, expected: Reason| {
        let verdict = conclude(examine(raw, &rules), Some(&route(MX)), None);
        assert_eq!(verdict.reason, expected, "{raw}");
    };
    check("ann@gmial.com", Reason::Accepted);
    check("ann@mailinator.com", Reason::Accepted);
    check("ann@sub.mailinator.com", Reason::Accepted);
    check("ann@firma.test", Reason::Accepted);
    check("ann@yaho.com", Reason::LikelyTypo);
    check("ann@yopmail.com", Reason::Disposable);
    check("ann@firma.example", Reason::ReservedDomain);
    check("info@gmial.com", Reason::Role);
}

#[test]
fn mailboxes_that_last_are_not_disposable() {
    let lasting = "duck.com mozmail.com addy.io passmail.net forwardemail.net simplelogin.com continumail.com \
        sibmail.com my-club.us.to firma.uk.to firma.pp.ua ann.mozmail.com privaterelay.appleid.com";
    for domain in lasting.split_whitespace() {
        let verdict = verdict(&format!("ann@{domain}"), MX, None);
        assert_eq!(verdict.reason, Reason::Accepted, "{domain}");
    }
    assert_eq!(verdict("ann@us.to", MX, None).reason, Reason::Disposable);
}

#[test]
fn a_list_of_domains_is_read_as_people_write_it() {
    let check = |list: &str, expected: &[&str]| assert_eq!(domain_names(list), expected, "{list}");
    check("", &[]);
    check(" test ,, Firma.DE", &["test", "firma.de"]);
    check(
        "@firma.de; .test\nm\u{fc}ller.de",
        &["firma.de", "test", "xn--mller-kva.de"],
    );
}
