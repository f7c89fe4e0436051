mod hostile;

use simple_dns::rdata::{A, AAAA, CNAME, MX, OPT, SOA, TXT};

use super::*;

const DOMAIN: &str = "firma.de";

fn name(text: &str) -> Name<'_> {
    Name::new(text).expect(text)
}

fn record<'a>(owner: &'a str, ttl: u32, rdata: RData<'a>) -> ResourceRecord<'a> {
    ResourceRecord::new(name(owner), CLASS::IN, ttl, rdata)
}

fn mx<'a>(owner: &'a str, ttl: u32, preference: u16, host: &'a str) -> ResourceRecord<'a> {
    let exchange = name(host);
    record(
        owner,
        ttl,
        RData::MX(MX {
            preference,
            exchange,
        }),
    )
}

fn alias<'a>(owner: &'a str, ttl: u32, target: &'a str) -> ResourceRecord<'a> {
    record(owner, ttl, RData::CNAME(CNAME(name(target))))
}

fn address(owner: &str, ttl: u32) -> ResourceRecord<'_> {
    record(
        owner,
        ttl,
        RData::A(A {
            address: 0x5db8_d822,
        }),
    )
}

fn soa(ttl: u32, minimum: u32) -> ResourceRecord<'static> {
    let soa = SOA {
        mname: name("ns.de"),
        rname: name("mail.de"),
        serial: 1,
        refresh: 1,
        retry: 1,
        expire: 1,
        minimum,
    };
    record("de", ttl, RData::SOA(soa))
}

fn reply<'a>(kind: RecordKind, rcode: RCODE, answers: Vec<ResourceRecord<'a>>) -> Packet<'a> {
    let mut packet = Packet::new_reply(0);
    packet.set_flags(PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE);
    *packet.rcode_mut() = rcode;
    let question = Question::new(
        name(DOMAIN),
        kind.type_code().into(),
        CLASS::IN.into(),
        false,
    );
    packet.questions.push(question);
    packet.answers = answers;
    packet
}

fn bytes(packet: &Packet) -> Vec<u8> {
    packet.build_bytes_vec_compressed().expect("a sound packet")
}

fn lookup(kind: RecordKind, rcode: RCODE, answers: Vec<ResourceRecord>) -> Lookup {
    parse(DOMAIN, kind, &bytes(&reply(kind, rcode, answers))).expect("a sound answer")
}

fn mail_route(answers: Vec<ResourceRecord>) -> Next {
    route_step(&lookup(RecordKind::Mx, RCODE::NoError, answers))
}

fn hosts(names: &[&str], ttl: u32) -> Next {
    let hosts = names.iter().map(|it| (*it).to_owned()).collect();
    Next::Done(Route::Mx { hosts, ttl })
}

#[test]
fn a_query_is_what_rfc_8484_wants() {
    let expected = [
        &[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..],
        b"\x05firma\x02de\x00",
        &[0, 15, 0, 1],
    ]
    .concat();
    assert_eq!(query(DOMAIN, RecordKind::Mx), Ok(expected));
    let code = |kind| query(DOMAIN, kind).map(|it| it[it.len() - 3]);
    assert_eq!(
        (code(RecordKind::A), code(RecordKind::Aaaa)),
        (Ok(1), Ok(28))
    );
}

#[test]
fn a_name_that_is_none_is_not_asked_for() {
    let label = "a".repeat(64);
    let long = format!("{}de", "abcdefg.".repeat(32));
    for name in [
        "", ".", "de.", ".de", "a..de", "a b.de", "a\\.de", "é.de", "a@b.de", &label, &long,
    ] {
        assert_eq!(query(name, RecordKind::A), Err(DohError::Name), "{name:?}");
    }
}

#[test]
fn mx_records_are_the_route_in_order_of_preference() {
    let check = |answers, expected| assert_eq!(mail_route(answers), expected);
    check(
        vec![
            mx(DOMAIN, 900, 20, "b.firma.de"),
            mx("FIRMA.de", 300, 10, "A.firma.de"),
        ],
        hosts(&["a.firma.de", "b.firma.de"], 300),
    );
    check(vec![mx(DOMAIN, 5, 1, "m.de")], hosts(&["m.de"], 60));
    check(
        vec![mx(DOMAIN, 999_999, 1, "m.de")],
        hosts(&["m.de"], 86_400),
    );
    check(
        vec![
            mx("other.de", 300, 1, "evil.de"),
            mx(DOMAIN, 300, 1, "m.de"),
        ],
        hosts(&["m.de"], 300),
    );
    check(
        vec![mx(DOMAIN, 300, 0, "."), mx(DOMAIN, 300, 5, "m.de")],
        hosts(&["m.de"], 300),
    );
    check(
        vec![mx(DOMAIN, 300, 1, "a\\000b.de")],
        hosts(&["a?b.de"], 300),
    );
}

#[test]
fn a_null_mx_is_final() {
    let check = |answers, expected| assert_eq!(mail_route(answers), Next::Done(expected));
    check(vec![mx(DOMAIN, 300, 0, ".")], Route::NullMx { ttl: 300 });
}

#[test]
fn aliases_are_followed_to_their_end() {
    let check = |answers, expected| assert_eq!(mail_route(answers), expected);
    check(
        vec![
            mx("c.de", 900, 1, "m.de"),
            alias("b.de", 200, "c.de"),
            alias(DOMAIN, 400, "b.de"),
        ],
        hosts(&["m.de"], 200),
    );
    check(vec![alias(DOMAIN, 400, "b.de")], Next::AskAddresses);
    let in_circles = vec![alias(DOMAIN, 400, "b.de"), alias("b.de", 400, DOMAIN)];
    let message = bytes(&reply(RecordKind::Mx, RCODE::NoError, in_circles));
    assert_eq!(
        parse(DOMAIN, RecordKind::Mx, &message),
        Err(DohError::Malformed)
    );
}

#[test]
fn a_response_code_means_what_it_says() {
    let check = |rcode, expected| {
        let next = route_step(&lookup(RecordKind::Mx, rcode, Vec::new()));
        assert_eq!(next, Next::Done(expected), "{rcode:?}");
    };
    check(RCODE::NameError, Route::NoSuchDomain { ttl: 60 });
    check(
        RCODE::ServerFailure,
        Route::Failed {
            reason: DnsFailure::ServerFailure,
        },
    );
    check(
        RCODE::FormatError,
        Route::Failed {
            reason: DnsFailure::ServerFailure,
        },
    );
    check(
        RCODE::NotImplemented,
        Route::Failed {
            reason: DnsFailure::ServerFailure,
        },
    );
    check(
        RCODE::Refused,
        Route::Failed {
            reason: DnsFailure::Refused,
        },
    );
    assert_eq!(mail_route(Vec::new()), Next::AskAddresses);
}

#[test]
fn a_negative_answer_holds_as_long_as_its_soa_says() {
    let check = |ttl, minimum, expected| {
        let mut packet = reply(RecordKind::Mx, RCODE::NameError, Vec::new());
        packet.name_servers.push(soa(ttl, minimum));
        assert_eq!(
            parse(DOMAIN, RecordKind::Mx, &bytes(&packet)),
            Ok(Lookup::NoSuchDomain { ttl: expected })
        );
        *packet.rcode_mut() = RCODE::NoError;
        assert_eq!(
            parse(DOMAIN, RecordKind::Mx, &bytes(&packet)),
            Ok(Lookup::NoData { ttl: expected })
        );
    };
    check(3600, 900, 900);
    check(300, 900, 300);
    check(3600, 0, 60);
    check(u32::MAX, u32::MAX, 86_400);
}

#[test]
fn without_mx_records_an_address_is_the_route() {
    let found = |ttl| Lookup::Addresses { ttl };
    let none = |ttl| Lookup::NoData { ttl };
    let gone = Lookup::NoSuchDomain { ttl: 80 };
    let failed = Lookup::Failed(DnsFailure::Timeout);
    let check = |a: &Lookup, b: &Lookup, expected: Route| {
        assert_eq!(route_from_addresses(a, b), expected, "{a:?} {b:?}");
        assert_eq!(route_from_addresses(b, a), expected, "{b:?} {a:?}");
    };
    check(&found(90), &found(70), Route::Implicit { ttl: 70 });
    check(&found(90), &none(70), Route::Implicit { ttl: 90 });
    check(&found(90), &failed, Route::Implicit { ttl: 90 });
    check(&none(90), &none(70), no_host(70, &[]));
    let private = |ttl| Lookup::Unroutable {
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        ttl,
    };
    check(&private(90), &none(70), no_host(90, &["127.0.0.1"]));
    check(&private(90), &found(70), Route::Implicit { ttl: 70 });
    check(
        &private(90),
        &failed,
        Route::Failed {
            reason: DnsFailure::Timeout,
        },
    );
    check(
        &none(90),
        &failed,
        Route::Failed {
            reason: DnsFailure::Timeout,
        },
    );
    check(&none(90), &gone, Route::NoSuchDomain { ttl: 80 });
    check(
        &gone,
        &failed,
        Route::Failed {
            reason: DnsFailure::Timeout,
        },
    );
}

fn no_host(ttl: u32, unusable: &[&str]) -> Route {
    let unusable = unusable.iter().map(|it| (*it).to_owned()).collect();
    Route::NoMailHost { ttl, unusable }
}

#[test]
fn addresses_are_found_by_their_kind() {
    assert_eq!(
        lookup(RecordKind::A, RCODE::NoError, vec![address(DOMAIN, 300)]),
        Lookup::Addresses { ttl: 300 }
    );
    let public = Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0, 0, 1).to_bits();
    let six = record(DOMAIN, 300, RData::AAAA(AAAA { address: public }));
    let loopback = record(DOMAIN, 300, RData::AAAA(AAAA { address: 1 }));
    assert_eq!(
        lookup(RecordKind::Aaaa, RCODE::NoError, vec![loopback]),
        Lookup::Unroutable {
            addresses: vec![Ipv6Addr::LOCALHOST.into()],
            ttl: 300
        }
    );
    assert_eq!(
        lookup(
            RecordKind::Aaaa,
            RCODE::NoError,
            vec![alias("x.de", 1, "y.de"), six]
        ),
        Lookup::Addresses { ttl: 300 }
    );
    assert_eq!(
        lookup(RecordKind::Aaaa, RCODE::NoError, vec![address(DOMAIN, 300)]),
        Lookup::NoData { ttl: 60 }
    );
}

#[test]
fn a_route_survives_json() {
    let check = |route: Route, expected: &str| {
        assert_eq!(
            serde_json::to_string(&route).expect("a route is JSON"),
            expected
        );
        assert_eq!(
            serde_json::from_str::<Route>(expected).expect("and back"),
            route
        );
        assert!(expected.contains(route.kind()));
    };
    check(
        Route::Mx {
            hosts: vec!["m.de".to_owned()],
            ttl: 300,
        },
        r#"{"route":"mx","hosts":["m.de"],"ttl":300}"#,
    );
    check(Route::NullMx { ttl: 60 }, r#"{"route":"null_mx","ttl":60}"#);
    check(
        Route::Implicit { ttl: 60 },
        r#"{"route":"implicit","ttl":60}"#,
    );
    check(no_host(60, &[]), r#"{"route":"no_mail_host","ttl":60}"#);
    check(
        no_host(60, &["10.0.0.5"]),
        r#"{"route":"no_mail_host","ttl":60,"unusable":["10.0.0.5"]}"#,
    );
    check(
        Route::NoSuchDomain { ttl: 60 },
        r#"{"route":"no_such_domain","ttl":60}"#,
    );
    check(
        Route::Failed {
            reason: DnsFailure::ServerFailure,
        },
        r#"{"route":"failed","reason":"server_failure"}"#,
    );
}
