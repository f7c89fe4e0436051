use baton::webhook as standard;
use serde_json::{Value, json};

use super::in_short;
use crate::webhook::Endpoint;
use crate::{Channel, Envelope, Outcome, Provider, Reply, resend};

const KEY: &str = "re_s3cret";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const LETTER: Envelope<'static> = Envelope {
    id: "0b0c3f7e-9b1e-4f51-9c54-2a31f3c2a001",
    channel: Channel::Email,
    address: "ann@firma.de",
    subject: Some("A \"word\""),
    body: "Hi Ann,\ngrüße",
    sent_at: 1_763_805_600,
};

pub(super) fn resend() -> resend::Account {
    resend::Account {
        url: "https://api.resend.com".to_owned(),
        key: KEY.to_owned(),
        from: "Baton <baton@firma.de>".to_owned(),
    }
}

pub(super) fn endpoint() -> Endpoint {
    Endpoint {
        url: "https://mail.firma.de/send?to=us".to_owned(),
        secrets: standard::secrets(SECRET).expect("the secret of the tests is sound"),
    }
}

fn reply<'a>(status: u16, retry_after: Option<&'a str>, body: &'a [u8]) -> Reply<'a> {
    Reply {
        status,
        retry_after,
        date: None,
        body,
    }
}

fn resend_reads(status: u16, retry_after: Option<&str>, body: &Value) -> [Outcome; 2] {
    let body = body.to_string();
    let reply = reply(status, retry_after, body.as_bytes());
    let provider = Provider::Resend(resend());
    [
        provider.read_sent(&reply),
        provider.read_look(&reply, &LETTER, "2026-11-22T00:00:00Z", &[]),
    ]
}

#[test]
fn resend_gets_json_and_an_idempotency_key() {
    let ask = Provider::Resend(resend()).send(&LETTER);
    assert_eq!(
        (ask.method, ask.url.as_str()),
        ("POST", "https://api.resend.com/emails")
    );
    assert_eq!(
        ask.headers,
        [
            ("user-agent", "baton".to_owned()),
            ("authorization", format!("Bearer {KEY}")),
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", LETTER.id.to_owned()),
        ]
    );
    assert_eq!(
        serde_json::from_str::<Value>(&ask.body).ok(),
        Some(json!({
            "from": "Baton <baton@firma.de>", "to": ["ann@firma.de"], "subject": "A \"word\"", "text": "Hi Ann,\ngrüße",
        }))
    );
}

#[test]
fn resend_is_asked_by_the_same_request_while_it_remembers_the_key() {
    let provider = Provider::Resend(resend());
    let again = provider.send(&LETTER);
    let check = |submitting_at: &str, expected: bool| {
        let ask = provider.look(&LETTER, submitting_at);
        assert!(ask == expected.then(|| again.clone()), "{submitting_at}");
    };
    // The letter's time is 2025-11-22T10:00:00Z.
    check("2025-11-22T10:00:00Z", true);
    check("2025-11-22T09:59:00.123456+00:00", true);
    check("2025-11-21T11:00:01Z", true);
    check("2025-11-21T12:00:01+01:00", true);
    check("2025-11-21T11:00:00Z", false);
    check("2025-11-20T10:00:00Z", false);
    check("2025-11-22T10:00:05Z", true);
    check("yesterday", false);
    check("", false);
}

#[test]
fn resends_answers_are_told_apart() {
    let check = |status: u16, name: &str, message: &str, sent: &str, looked: &str| {
        let body = json!({"statusCode": status, "name": name, "message": message});
        let outcomes = resend_reads(status, None, &body);
        assert_eq!(
            outcomes.each_ref().map(in_short),
            [sent, looked],
            "{status} {name} {message}"
        );
    };
    let trouble = "unknown provider_trouble true";
    let refused = "unknown provider_refused true";
    let throttled = "unknown throttled true";
    check(
        422,
        "validation_error",
        "Invalid `to` field.",
        "failed invalid_address",
        "failed invalid_address",
    );
    check(
        400,
        "validation_error",
        "Invalid `to` field.",
        "failed invalid_address",
        "failed invalid_address",
    );
    check(
        422,
        "missing_required_field",
        "Missing `subject`.",
        "failed rejected",
        "failed rejected",
    );
    check(
        451,
        "security_error",
        "No.",
        "failed rejected",
        "failed rejected",
    );
    check(
        422,
        "validation_error",
        "Invalid `from` field.",
        "refused provider_refused",
        refused,
    );
    check(
        422,
        "invalid_from_address",
        "No.",
        "refused provider_refused",
        refused,
    );
    check(
        401,
        "missing_api_key",
        "No.",
        "refused provider_refused",
        refused,
    );
    check(
        403,
        "invalid_api_key",
        "No.",
        "refused provider_refused",
        refused,
    );
    check(
        429,
        "rate_limit_exceeded",
        "No.",
        "retry throttled Some(60)",
        throttled,
    );
    check(
        429,
        "daily_quota_exceeded",
        "No.",
        "retry throttled Some(3600)",
        throttled,
    );
    check(
        429,
        "monthly_quota_exceeded",
        "No.",
        "retry throttled Some(3600)",
        throttled,
    );
    check(
        409,
        "concurrent_idempotent_requests",
        "No.",
        trouble,
        trouble,
    );
    check(
        409,
        "invalid_idempotent_request",
        "No.",
        "failed rejected",
        "unknown rejected false",
    );
    check(409, "resource_locked", "No.", trouble, trouble);
    check(404, "not_found", "No.", trouble, trouble);
    check(408, "", "", trouble, trouble);
    check(500, "application_error", "No.", trouble, trouble);
    check(503, "internal_server_error", "No.", trouble, trouble);
    check(302, "", "", trouble, trouble);

    let later = resend_reads(429, Some("7"), &Value::Null);
    assert_eq!(
        later.each_ref().map(in_short),
        ["retry throttled Some(7)", throttled]
    );
    let later = resend_reads(503, Some("7"), &Value::Null);
    assert_eq!(
        later.each_ref().map(in_short),
        ["retry provider_trouble Some(7)", trouble]
    );
    for outcome in resend_reads(200, None, &json!({"id": "49a3"})) {
        assert_eq!(
            outcome,
            Outcome::Submitted {
                provider: "resend",
                provider_id: Some("49a3".to_owned()),
                delivery: None,
            }
        );
    }
}

#[test]
fn hostile_answers_of_resend_leave_a_message_unknown() {
    let long = "x".repeat(1_000_000);
    for body in [
        json!(null),
        json!([]),
        json!({"id": 7}),
        json!({"id": ""}),
        json!({"id": null, "name": 7, "message": []}),
        json!({"message": long}),
    ] {
        for status in [200, 404, 409, 500, 0, 999] {
            let outcomes = resend_reads(status, Some("soon"), &body);
            assert_eq!(
                outcomes.each_ref().map(in_short),
                ["unknown provider_trouble true"; 2]
            );
        }
    }
    for body in [&b""[..], b"\xff", b"{", &b"[".repeat(100_000)] {
        let outcome = Provider::Resend(resend()).read_sent(&reply(200, None, body));
        assert_eq!(in_short(&outcome), "unknown provider_trouble true");
    }
}

#[test]
fn no_detail_repeats_the_key() {
    let message = format!("{} {KEY} re_\u{1}s3cret", "x".repeat(180));
    for message in [message.as_str(), KEY] {
        for status in [400, 401, 409, 422, 429, 500] {
            let body = json!({"name": message, "message": message});
            for outcome in resend_reads(status, None, &body) {
                let stored = serde_json::to_string(&outcome).expect("it is stored as JSON");
                assert!(!stored.contains("re_s"), "{stored}");
            }
        }
    }
}

#[test]
fn a_webhook_is_signed_and_its_receiver_can_verify_it() {
    let ask = Provider::Webhook(endpoint()).send(&LETTER);
    assert_eq!(
        (ask.method, ask.url.as_str()),
        ("POST", "https://mail.firma.de/send?to=us")
    );
    assert_eq!(
        serde_json::from_str::<Value>(&ask.body).ok(),
        Some(json!({
            "id": LETTER.id, "channel": "email", "to": "ann@firma.de", "subject": "A \"word\"", "text": "Hi Ann,\ngrüße",
        }))
    );
    let header = |name: &str| {
        let found = ask.headers.iter().find(|(it, _)| *it == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let signed = standard::Signed {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
    };
    assert_eq!((signed.id, signed.timestamp), (LETTER.id, "1763805600"));
    let secrets = endpoint().secrets;
    assert!(standard::verify(
        &secrets,
        signed,
        ask.body.as_bytes(),
        LETTER.sent_at
    ));
    assert_eq!(header("content-type"), "application/json");
}

#[test]
fn a_receivers_answers_are_told_apart_by_status_alone() {
    let check = |status: u16, retry_after: Option<&str>, expected: &str| {
        let reply = reply(status, retry_after, br#"{"id": "1", "message": "hello"}"#);
        let outcome = Provider::Webhook(endpoint()).read_sent(&reply);
        assert_eq!(in_short(&outcome), expected, "{status}");
    };
    for status in [200, 201, 202, 204] {
        check(status, None, "submitted");
    }
    check(400, None, "failed rejected");
    check(404, None, "failed rejected");
    check(410, None, "failed rejected");
    check(422, Some("7"), "failed rejected");
    check(401, None, "refused provider_refused");
    check(403, None, "refused provider_refused");
    check(429, None, "retry throttled Some(60)");
    check(429, Some("7"), "retry throttled Some(7)");
    check(503, Some("7"), "retry provider_trouble Some(7)");
    for status in [503, 500, 502, 408, 302, 100, 0] {
        check(status, None, "unknown provider_trouble false");
    }
}

#[test]
fn a_receiver_of_webhooks_cannot_be_asked() {
    let provider = Provider::Webhook(endpoint());
    assert!(provider.look(&LETTER, "2025-11-22T10:00:00Z").is_none());
    let outcome = provider.read_look(&reply(200, None, b""), &LETTER, "2025-11-22T10:00:00Z", &[]);
    assert!(matches!(outcome, Outcome::Unknown { askable: false, .. }));
}
