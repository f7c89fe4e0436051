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
        yahoo.co.nz yahoo.co.kr yahoo.gr hotmail.ch hotmail.se outlook.co.th outlook.cl icloud.com.cn firma.co firma.cm \
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
