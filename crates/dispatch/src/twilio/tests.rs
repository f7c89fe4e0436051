mod callback;
mod look;

use serde_json::json;

use super::*;
use crate::tests::in_short;
use crate::{Channel, Provider, form};

const TOKEN: &str = "t0ken-s3cret";
pub(super) const LETTER: Envelope<'static> = Envelope {
    id: "0b0c3f7e-9b1e-4f51-9c54-2a31f3c2a001",
    channel: Channel::Sms,
    address: "+4915112345678",
    subject: None,
    body: "Hi Ann & Bo, 7 days + 1 left – go!",
    sent_at: 1_763_805_600,
};

pub(super) fn twilio(from: &str, public_url: Option<&str>) -> Provider {
    Provider::Twilio(Account {
        url: "https://api.twilio.com/".to_owned(),
        sid: "AC0123".to_owned(),
        token: TOKEN.to_owned(),
        from: from.to_owned(),
        public_url: public_url.map(str::to_owned),
    })
}

fn read(status: u16, retry_after: Option<&str>, body: &[u8]) -> Outcome {
    let reply = Reply {
        status,
        retry_after,
        date: None,
        body,
    };
    twilio("+15550001111", None).read_sent(&reply)
}

fn params(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = pairs
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    owned.collect()
}

#[test]
fn a_message_is_sent_as_a_form() {
    let ask = twilio("+15550001111", Some("https://baton.firma.de/")).send(&LETTER);
    assert_eq!(ask.method, "POST");
    assert_eq!(
        ask.url,
        "https://api.twilio.com/2010-04-01/Accounts/AC0123/Messages.json"
    );
    assert_eq!(
        ask.headers,
        [
            ("user-agent", "baton".to_owned()),
            (
                "authorization",
                "Basic QUMwMTIzOnQwa2VuLXMzY3JldA==".to_owned()
            ),
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned()
            ),
        ]
    );
    let callback = format!(
        "https://baton.firma.de/messages/sms/status?message={}",
        LETTER.id
    );
    assert_eq!(
        form(ask.body.as_bytes()),
        params(&[
            ("To", LETTER.address),
            ("From", "+15550001111"),
            ("Body", LETTER.body),
            ("StatusCallback", &callback),
        ])
    );
    assert!(ask.body.starts_with("To=%2B4915112345678&"), "{}", ask.body);

    let ask = twilio("MG0123", None).send(&LETTER);
    assert_eq!(
        form(ask.body.as_bytes()),
        params(&[
            ("To", LETTER.address),
            ("MessagingServiceSid", "MG0123"),
            ("Body", LETTER.body),
        ])
    );
}

#[test]
fn what_it_takes_is_submitted_with_its_status() {
    let check = |status: &str, error_code: Option<u32>, expected: &str| {
        let body = json!({"sid": "SM1", "status": status, "error_code": error_code, "error_message": null});
        let outcome = read(201, None, body.to_string().as_bytes());
        assert_eq!(in_short(&outcome), expected, "{status} {error_code:?}");
        let Outcome::Submitted {
            provider,
            provider_id,
            ..
        } = outcome
        else {
            panic!("{status}");
        };
        assert_eq!((provider, provider_id.as_deref()), ("twilio", Some("SM1")));
    };
    for status in ["accepted", "scheduled", "queued", "sending", "sent"] {
        check(status, None, "submitted on its way");
    }
    check("delivered", None, "submitted delivered");
    check("read", None, "submitted delivered");
    check(
        "undelivered",
        Some(30003),
        "submitted undelivered unreachable",
    );
    check("undelivered", Some(30004), "submitted undelivered blocked");
    check(
        "undelivered",
        Some(30005),
        "submitted undelivered unreachable",
    );
    check("undelivered", Some(30006), "submitted undelivered landline");
    check("undelivered", Some(30007), "submitted undelivered filtered");
    check(
        "undelivered",
        Some(30008),
        "submitted undelivered undelivered",
    );
    check(
        "undelivered",
        Some(21610),
        "submitted undelivered opted_out",
    );
    check("undelivered", None, "submitted undelivered undelivered");
    check("failed", Some(21610), "submitted failed opted_out");
    check("failed", Some(21211), "submitted failed invalid_number");
    check("failed", Some(30001), "submitted failed rejected");
    check("canceled", None, "submitted failed rejected");
    check("teleported", None, "submitted");
    check("", None, "submitted");
}

#[test]
fn errors_are_told_apart() {
    let check = |status: u16, code: u32, retry_after: Option<&str>, expected: &str| {
        let body = json!({"code": code, "message": "Why.", "status": status}).to_string();
        let outcome = read(status, retry_after, body.as_bytes());
        assert_eq!(in_short(&outcome), expected, "{status} {code}");
    };
    for code in [21211, 21214, 21217, 21265, 21266] {
        check(400, code, None, "failed invalid_number");
    }
    check(400, 21614, None, "failed landline");
    check(400, 21635, None, "failed landline");
    check(400, 21610, None, "failed opted_out");
    check(403, 21610, None, "failed opted_out");
    check(400, 21408, None, "failed region_not_enabled");
    check(403, 21408, None, "failed region_not_enabled");
    check(403, 21608, None, "failed rejected");
    check(400, 21617, None, "failed rejected");
    check(400, 99999, None, "failed rejected");
    check(429, 20429, None, "retry throttled Some(60)");
    check(429, 20429, Some("7"), "retry throttled Some(7)");
    check(429, 21211, Some("99999"), "retry throttled Some(3600)");
    check(400, 14107, None, "retry throttled Some(60)");
    check(400, 20429, Some("0"), "retry throttled Some(1)");
    check(400, 21611, None, "retry throttled Some(60)");
    check(503, 20503, Some("30"), "retry provider_trouble Some(30)");
    check(401, 20003, None, "refused provider_refused");
    check(403, 20003, None, "refused provider_refused");
    check(403, 99999, None, "refused provider_refused");
    check(404, 20404, None, "refused provider_refused");
    for code in [21212, 21603, 21606, 21659, 21660, 21661, 21701] {
        check(400, code, None, "refused provider_refused");
    }
    check(503, 20503, None, "unknown provider_trouble true");
    check(500, 20500, None, "unknown provider_trouble true");
    check(500, 21211, None, "unknown provider_trouble true");
    check(502, 20500, Some("7"), "unknown provider_trouble true");
    check(408, 21211, None, "unknown provider_trouble true");
    check(404, 99999, None, "unknown provider_trouble true");
    check(301, 21211, None, "unknown provider_trouble true");
    check(100, 21211, None, "unknown provider_trouble true");
}

#[test]
fn a_refusal_says_where_to_look() {
    let check = |code: u32, expected: &str| {
        let body = json!({"code": code, "message": "Authenticate"}).to_string();
        let Outcome::Refused(trouble) = read(400, None, body.as_bytes()) else {
            panic!("{code}");
        };
        assert_eq!(trouble.detail, expected);
    };
    check(
        20003,
        "look at sms_account and sms_key; twilio 20003: Authenticate",
    );
    check(21606, "look at sms_from; twilio 21606: Authenticate");
}

#[test]
fn hostile_answers_leave_a_message_unknown() {
    let bodies: [&[u8]; 10] = [
        b"",
        b"<html>busy</html>",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        br#"{"sid":7,"status":"queued"}"#,
        br#"{"sid":"","status":"queued"}"#,
        br#"{"sid":null,"code":"21211"}"#,
        br#"{"code":-1,"message":{"a":[]}}"#,
    ];
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(1_000_000));
    for body in bodies.into_iter().chain([deep.as_bytes(), long.as_bytes()]) {
        for status in [200, 201, 404, 500, 502, 504, 0, 999] {
            let outcome = read(status, Some("soon"), body);
            assert_eq!(in_short(&outcome), "unknown provider_trouble true");
        }
    }
    let outcome = read(
        201,
        None,
        br#"{"sid":"SM\u00001","status":["queued"],"error_code":"x"}"#,
    );
    let Outcome::Submitted { provider_id, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(provider_id.as_deref(), Some("SM1"));
}

#[test]
fn no_detail_repeats_a_secret() {
    let basic = "QUMwMTIzOnQwa2VuLXMzY3JldA==";
    let broken = "t0ken\u{0}-s3cret";
    let pad = "x".repeat(190);
    let message = format!("{pad} {TOKEN} {basic} {broken}");
    for status in [201, 400, 401, 429, 500, 503] {
        for code in [20003, 21211, 20429, 1] {
            for message in [message.as_str(), TOKEN, basic, broken] {
                let body = json!({
                    "code": code, "message": message, "sid": if status == 201 { "SM1" } else { "" },
                    "status": "failed", "error_code": code, "error_message": message,
                });
                let outcome = read(status, Some("1"), body.to_string().as_bytes());
                let stored = serde_json::to_string(&outcome).expect("it is stored as JSON");
                assert!(!stored.contains("t0ken"), "{stored}");
                assert!(!stored.contains("QUMw"), "{stored}");
                assert!(stored.chars().count() < 500, "{stored}");
            }
        }
    }
}
