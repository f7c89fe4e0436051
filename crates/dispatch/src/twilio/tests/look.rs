use serde_json::{Value, json};

use super::{LETTER, twilio};
use crate::tests::in_short;
use crate::{Outcome, Reply};

const SUBMITTING_AT: &str = "2026-11-22T00:00:10.5+00:00";

fn listed(sid: &str, created: &str, body: &str) -> Value {
    json!({
        "sid": sid, "to": LETTER.address, "from": "+15550001111", "direction": "outbound-api",
        "body": body, "status": "queued", "date_created": created, "date_sent": null,
        "error_code": null, "error_message": null,
    })
}

fn with(mut listed: Value, name: &str, value: Value) -> Value {
    listed[name] = value;
    listed
}

fn read(status: u16, body: &[u8], submitting_at: &str) -> Outcome {
    let reply = Reply {
        status,
        body,
        ..Reply::default()
    };
    twilio("+15550001111", None).read_look(&reply, &LETTER, submitting_at, &["SMother".to_owned()])
}

fn read_list(messages: &[Value], next: Option<&str>) -> Outcome {
    let list = json!({"messages": messages, "next_page_uri": next, "page": 0});
    read(200, list.to_string().as_bytes(), SUBMITTING_AT)
}

#[test]
fn the_list_is_asked_for_by_number() {
    let ask = twilio("+15550001111", None)
        .look(&LETTER, SUBMITTING_AT)
        .expect("Twilio can always be asked");
    assert_eq!(ask.method, "GET");
    assert_eq!(
        ask.url,
        "https://api.twilio.com/2010-04-01/Accounts/AC0123/Messages.json?To=%2B4915112345678&PageSize=100"
    );
    assert_eq!(ask.body, "");
    assert!(ask.headers.iter().any(|(name, _)| *name == "authorization"));
}

#[test]
fn a_message_is_ours_by_number_direction_time_and_text() {
    let on_time = "Sun, 22 Nov 2026 00:00:11 +0000";
    let other = listed("SM9", on_time, "Something else");
    let check = |message: Value, expected: &str| {
        let outcome = read_list(&[other.clone(), message.clone()], None);
        assert_eq!(in_short(&outcome), expected, "{message}");
        if let Outcome::Submitted { provider_id, .. } = outcome {
            assert_eq!(provider_id.as_deref(), Some("SM1"));
        }
    };
    let ours = |created: &str| listed("SM1", created, LETTER.body);
    check(ours(on_time), "submitted on its way");
    check(
        ours("Sun, 22 Nov 2026 00:00:06 +0000"),
        "submitted on its way",
    );
    check(
        ours("Sat, 21 Nov 2026 19:00:06 -0500"),
        "submitted on its way",
    );
    check(
        ours("Sun, 22 Nov 2026 00:15:10 +0000"),
        "submitted on its way",
    );
    check(ours("Sun, 22 Nov 2026 00:00:05 +0000"), "absent");
    check(ours("Sun, 22 Nov 2026 00:15:11 +0000"), "absent");
    check(ours("Sat, 21 Nov 2026 00:00:11 +0000"), "absent");

    let ours = ours(on_time);
    check(listed("SMother", on_time, LETTER.body), "absent");
    check(with(ours.clone(), "to", json!("+4915112345679")), "absent");
    check(with(ours.clone(), "to", json!(null)), "absent");
    check(with(ours.clone(), "direction", json!("inbound")), "absent");
    check(
        with(ours.clone(), "direction", json!("outbound-reply")),
        "submitted on its way",
    );
    check(
        with(
            ours.clone(),
            "body",
            json!(format!(
                "Sent from your Twilio trial account - {}",
                LETTER.body
            )),
        ),
        "submitted on its way",
    );
    // Twilio replaces a dash that would cost more.
    check(
        with(ours.clone(), "body", json!(LETTER.body.replace('–', "-"))),
        "submitted on its way",
    );
    check(
        with(ours.clone(), "body", json!(format!("{} no", LETTER.body))),
        "absent",
    );
    check(
        with(
            ours.clone(),
            "body",
            json!("Hi Ann & Bo, 8 days + 1 left – go!"),
        ),
        "absent",
    );
    check(
        with(ours.clone(), "body", json!("")),
        "unknown provider_trouble true",
    );
    check(
        with(ours.clone(), "body", json!(null)),
        "unknown provider_trouble true",
    );

    check(
        with(ours.clone(), "status", json!("delivered")),
        "submitted delivered",
    );
    let undelivered = with(ours.clone(), "status", json!("undelivered"));
    check(
        with(undelivered, "error_code", json!(30006)),
        "submitted undelivered landline",
    );
    check(with(ours, "status", json!("teleported")), "submitted");
}

#[test]
fn of_several_the_earliest_is_ours() {
    let messages: Vec<Value> = [("SM3", "20"), ("SM2", "12"), ("SM1", "13")]
        .map(|(sid, second)| {
            listed(
                sid,
                &format!("Sun, 22 Nov 2026 00:00:{second} +0000"),
                LETTER.body,
            )
        })
        .into();
    let Outcome::Submitted { provider_id, .. } = read_list(&messages, Some("/2010-04-01/next"))
    else {
        panic!("it is listed");
    };
    assert_eq!(provider_id.as_deref(), Some("SM2"));
}

#[test]
fn only_a_whole_list_shows_that_a_message_is_absent() {
    let check = |messages: &[Value], next, expected: &str| {
        assert_eq!(in_short(&read_list(messages, next)), expected);
    };
    let other = listed("SM9", "Sun, 22 Nov 2026 00:00:11 +0000", "Something else");
    check(&[], None, "absent");
    check(std::slice::from_ref(&other), None, "absent");
    check(
        &[other],
        Some("/2010-04-01/next"),
        "unknown provider_trouble true",
    );
}

#[test]
fn a_list_that_cannot_be_read_says_nothing() {
    let check = |status: u16, body: &[u8], expected: &str| {
        let outcome = read(status, body, SUBMITTING_AT);
        assert_eq!(in_short(&outcome), expected, "{status}");
    };
    let empty = br#"{"messages":[],"next_page_uri":null}"#;
    check(200, empty, "absent");
    check(401, empty, "unknown provider_refused true");
    check(403, empty, "unknown provider_refused true");
    check(404, empty, "unknown provider_trouble true");
    check(429, empty, "unknown throttled true");
    check(500, empty, "unknown provider_trouble true");
    check(204, b"", "unknown provider_trouble true");
    for body in [
        &b""[..],
        b"[]",
        b"{}",
        b"<html>",
        br#"{"messages":{}}"#,
        br#"{"messages":[7]}"#,
        br#"{"messages":[{"sid":"SM1"}]}"#,
        br#"{"messages":[]}"#,
        br#"{"messages":[],"next_page_uri":7}"#,
    ] {
        check(200, body, "unknown provider_trouble true");
    }
    let dated = listed("SM1", "yesterday", LETTER.body);
    assert_eq!(
        in_short(&read_list(&[dated], None)),
        "unknown provider_trouble true"
    );
    let outcome = read(200, empty, "yesterday");
    assert_eq!(in_short(&outcome), "unknown provider_trouble true");
}
