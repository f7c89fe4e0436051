use super::params;
use crate::twilio::{Inbound, inbound, signature_is_valid, signed_urls, status_callback};
use crate::{Delivery, Trouble};

#[test]
fn the_examples_of_the_documentation_are_signed_so() {
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let form = params(&[
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]);
    let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let check = |token: &str, url: &str, form: &[(String, String)], signature: &str, expected| {
        let valid = signature_is_valid(token, url, form, signature);
        assert_eq!(valid, expected, "{token} {url} {signature}");
    };
    check("12345", url, &form, signature, true);
    let mut shuffled = form.clone();
    shuffled.reverse();
    shuffled.push(form[0].clone());
    check("12345", url, &shuffled, signature, true);
    check("12346", url, &form, signature, false);
    check("", url, &form, signature, false);
    check(
        "12345",
        "https://mycompany.com/myapp.php?foo=1",
        &form,
        signature,
        false,
    );
    check(
        "12345",
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        &form,
        signature,
        false,
    );
    check("12345", url, &form[1..], signature, false);
    check("12345", url, &[], signature, false);
    check("12345", url, &form, "", false);
    check("12345", url, &form, "RSOYDt4T1cUTdK1PDd93/VVr8B8", false);
    check("12345", url, &form, "RSOYDt4T1cUTdK1PDd93", false);
    check("12345", url, &form, "not base64!", false);
}

#[test]
fn a_status_callback_is_read() {
    let check = |fields: &[(&str, &str)], expected: Option<(&str, Delivery)>| {
        let expected = expected.map(|(sid, delivery)| (sid.to_owned(), delivery));
        assert_eq!(status_callback(&params(fields)), expected, "{fields:?}");
    };
    let sid = ("MessageSid", "SM1");
    check(
        &[sid, ("MessageStatus", "sent")],
        Some(("SM1", Delivery::Submitted)),
    );
    check(
        &[sid, ("MessageStatus", "delivered")],
        Some(("SM1", Delivery::Delivered)),
    );
    check(
        &[("SmsSid", "SM2"), ("SmsStatus", "delivered")],
        Some(("SM2", Delivery::Delivered)),
    );
    check(
        &[
            sid,
            ("MessageStatus", "undelivered"),
            ("ErrorCode", "30003"),
        ],
        Some((
            "SM1",
            Delivery::Undelivered(Trouble {
                reason: "unreachable",
                detail: "twilio says undelivered 30003".to_owned(),
            }),
        )),
    );
    check(
        &[sid, ("MessageStatus", "failed"), ("ErrorCode", "many")],
        Some((
            "SM1",
            Delivery::Failed(Trouble {
                reason: "rejected",
                detail: "twilio says failed".to_owned(),
            }),
        )),
    );
    check(&[sid, ("MessageStatus", "received")], None);
    check(&[sid, ("MessageStatus", "")], None);
    check(&[sid], None);
    check(&[("MessageStatus", "sent")], None);
    check(&[("MessageSid", ""), ("MessageStatus", "sent")], None);
    check(&[], None);
}

#[test]
fn a_reply_that_asks_for_no_more_messages_opts_out() {
    let check = |body: &str, kind: &str, expected: Option<bool>| {
        let fields = params(&[
            ("From", "+14158675309"),
            ("Body", body),
            ("OptOutType", kind),
            ("MessageSid", "SM1"),
        ]);
        let expected = Some(Inbound {
            from: "+14158675309".to_owned(),
            out: expected,
            sid: Some("SM1".to_owned()),
        });
        assert_eq!(inbound(&fields), expected, "{body} {kind}");
    };
    let stops = [
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "opt-out",
        "Opt out",
        "stop",
        " stop \n",
        "STOP.",
        "Stop…",
        "STOP please",
        "please stop",
        "Stop it, thanks",
        "STOP STOP",
        "stop texting me",
        "Don't text me",
        "don\u{2019}t text me!",
        "Arrêt",
        "arre\u{302}t",
        "ARRETER",
        "Stopp bitte",
        "Abmelden",
        "BAJA",
        "alto",
        "Sair",
        "Avsluta",
    ];
    for text in stops {
        check(text, "", Some(true));
    }
    for word in ["START", "YES", "UNSTOP", "yes!", " Start. "] {
        check(word, "", Some(false));
    }
    for text in [
        "",
        "!",
        "no",
        "HELP",
        "yes please",
        "End of May suits me",
        "Can we cancel on Friday?",
        "don't stop",
    ] {
        check(text, "", None);
    }
    check("Arrêt", "STOP", Some(true));
    check("STOP", "START", Some(false));
    check("STOP", "HELP", Some(true));
    check("info", "HELP", None);
    assert_eq!(inbound(&params(&[("Body", "STOP")])), None);
    let unsaid = Inbound {
        from: "+1".to_owned(),
        out: None,
        sid: None,
    };
    assert_eq!(inbound(&params(&[("From", "+1")])), Some(unsaid));
}

#[test]
fn an_address_is_signed_with_or_without_its_port() {
    let check = |public_url: &str, expected: [&str; 2]| {
        let target = "/messages/sms/status?message=1";
        let expected = expected.map(|it| format!("{it}{target}"));
        assert_eq!(signed_urls(public_url, target), expected, "{public_url}");
    };
    check(
        "https://baton.firma.de",
        ["https://baton.firma.de", "https://baton.firma.de:443"],
    );
    check(
        "https://baton.firma.de:443/",
        ["https://baton.firma.de:443", "https://baton.firma.de"],
    );
    check(
        "https://baton.firma.de:8443",
        ["https://baton.firma.de:8443", "https://baton.firma.de"],
    );
    check(
        "http://baton.firma.de",
        ["http://baton.firma.de", "http://baton.firma.de:80"],
    );
    check(
        "http://baton.firma.de:8080/jobs",
        [
            "http://baton.firma.de:8080/jobs",
            "http://baton.firma.de/jobs",
        ],
    );
    check(
        "HTTPS://baton.firma.de/a:b",
        [
            "HTTPS://baton.firma.de/a:b",
            "HTTPS://baton.firma.de:443/a:b",
        ],
    );
    check(
        "https://[2001:db8::7]",
        ["https://[2001:db8::7]", "https://[2001:db8::7]:443"],
    );
    check(
        "https://[2001:db8::7]:8443",
        ["https://[2001:db8::7]:8443", "https://[2001:db8::7]"],
    );
}
