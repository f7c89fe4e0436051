use super::*;

#[test]
fn an_answer_to_something_else_is_refused() {
    let sound = reply(
        RecordKind::Mx,
        RCODE::NoError,
        vec![mx(DOMAIN, 300, 1, "m.de")],
    );
    let check = |domain, kind, packet: &Packet, expected| {
        assert_eq!(parse(domain, kind, &bytes(packet)), Err(expected));
    };
    check("firma.at", RecordKind::Mx, &sound, DohError::WrongQuestion);
    check(DOMAIN, RecordKind::A, &sound, DohError::WrongQuestion);
    let mut other = sound.clone();
    other.set_id(7);
    check(DOMAIN, RecordKind::Mx, &other, DohError::WrongQuestion);
    let mut other = sound.clone();
    other.questions.clear();
    check(DOMAIN, RecordKind::Mx, &other, DohError::WrongQuestion);
    let mut other = sound.clone();
    other.set_flags(PacketFlag::TRUNCATION);
    check(DOMAIN, RecordKind::Mx, &other, DohError::Truncated);
    let question = query(DOMAIN, RecordKind::Mx).expect("a sound name");
    assert_eq!(
        parse(DOMAIN, RecordKind::Mx, &question),
        Err(DohError::NotAResponse)
    );
    let mut other = sound;
    *other.opcode_mut() = OPCODE::Notify;
    check(DOMAIN, RecordKind::Mx, &other, DohError::NotAResponse);
    assert_eq!(
        Lookup::from(DohError::Truncated),
        Lookup::Failed(DnsFailure::Malformed)
    );
}

#[test]
fn forty_mail_hosts_and_a_message_of_64_kib_are_read() {
    let names: Vec<String> = (10..60).map(|it| format!("mx{it}.firma.de")).collect();
    let filler = "x".repeat(250);
    let answers: Vec<ResourceRecord> = names
        .iter()
        .zip(1..)
        .map(|(host, preference)| mx(DOMAIN, 300, preference, host))
        .collect();
    let mut packet = reply(RecordKind::Mx, RCODE::NoError, answers);
    for _ in 0..230 {
        let text = TXT::new().with_string(&filler).expect("a short text");
        packet
            .additional_records
            .push(record("x.de", 1, RData::TXT(text)));
    }
    *packet.opt_mut() = Some(OPT {
        opt_codes: Vec::new(),
        udp_packet_size: 1232,
        version: 0,
    });
    let message = bytes(&packet);
    assert!(
        (60_000..=65_535).contains(&message.len()),
        "{}",
        message.len()
    );
    let lookup = parse(DOMAIN, RecordKind::Mx, &message).expect("a sound answer");
    match route_step(&lookup) {
        Next::Done(Route::Mx { hosts, .. }) => assert_eq!(hosts, names[..40]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_header_that_promises_too_much_is_refused() {
    let mut message = bytes(&reply(RecordKind::Mx, RCODE::NoError, Vec::new()));
    message[6..12].copy_from_slice(&[0xff; 6]);
    assert_eq!(
        parse(DOMAIN, RecordKind::Mx, &message),
        Err(DohError::Malformed)
    );
    message.resize(4_000_000, 0);
    assert_eq!(
        parse(DOMAIN, RecordKind::Mx, &message),
        Err(DohError::Malformed)
    );
}

#[test]
fn no_bytes_make_it_panic() {
    let mut packet = reply(
        RecordKind::Mx,
        RCODE::NoError,
        vec![
            alias(DOMAIN, 400, "b.de"),
            mx("b.de", 300, 1, "m.b.de"),
            address("b.de", 1),
        ],
    );
    packet.name_servers.push(soa(60, 60));
    *packet.opt_mut() = Some(OPT {
        opt_codes: Vec::new(),
        udp_packet_size: 1232,
        version: 0,
    });
    let sound = bytes(&packet);
    for end in 0..sound.len() {
        assert!(
            parse(DOMAIN, RecordKind::Mx, &sound[..end]).is_err(),
            "cut at {end}"
        );
    }
    let mut read = 0_u32;
    for at in 0..sound.len() {
        for value in 0..=255 {
            let mut message = sound.clone();
            message[at] = value;
            read += u32::from(parse(DOMAIN, RecordKind::Mx, &message).is_ok());
        }
    }
    assert!(
        read > 1000,
        "most mutations must reach the end of the parser: {read}"
    );
    // Every record type with every short length, and pointers to everywhere.
    for kind in 0..=300_u16 {
        for length in 0..24_usize {
            let mut message = sound[..26].to_vec();
            message[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
            message.extend([0xc0, 12]);
            message.extend(kind.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 60, 0, length as u8]);
            message.extend((0..length).map(|it| if it % 2 == 0 { 0xc0 } else { (it * 2) as u8 }));
            let _any_result = parse(DOMAIN, RecordKind::Mx, &message);
        }
    }
}
