use super::*;

const KEY: &str = "live_s3cr&t key";

fn kickbox(body: &str) -> Outcome {
    parse(Shape::Kickbox, 200, None, None, body.as_bytes())
}

fn zerobounce(body: &str) -> Outcome {
    parse(Shape::Zerobounce, 200, None, None, body.as_bytes())
}

fn answered(outcome: Outcome) -> ProviderAnswer {
    match outcome {
        Outcome::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn failure(outcome: Outcome) -> FailureKind {
    match outcome {
        Outcome::Failed { kind, message } => {
            assert!(!message.contains("s3cr"), "the key is in: {message}");
            kind
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_encoded() {
    assert_eq!(
        request_path(Shape::Kickbox, "a+b&c@müller.de", KEY),
        "/v2/verify?email=a%2Bb%26c%40m%C3%BCller.de&apikey=live_s3cr%26t%20key"
    );
    assert_eq!(
        request_path(Shape::Zerobounce, "ann@firma.de", "k"),
        "/v2/validate?api_key=k&email=ann%40firma.de&ip_address="
    );
}

#[test]
fn a_shape_has_a_name() {
    for shape in [Shape::Kickbox, Shape::Zerobounce] {
        assert_eq!(shape.as_str().parse(), Ok(shape));
    }
    let error = "none".parse::<Shape>().unwrap_err();
    assert!(error.to_string().contains("\"none\""));
}

#[test]
fn kickbox_answers_are_read() {
    let check = |result: &str, expected| {
        let body = format!(
            r#"{{"result":"{result}","reason":"rejected_email","role":false,"free":false,"disposable":false,"accept_all":false,
            "did_you_mean":"bill@gmail.com","sendex":0.23,"email":"bill@gamil.com","user":"bill","domain":"gamil.com",
            "success":true,"message":null}}"#
        );
        let answer = answered(kickbox(&body));
        assert_eq!(answer.result, expected);
        assert_eq!(
            (answer.name.as_str(), answer.reason.as_str()),
            ("kickbox", "rejected_email")
        );
        assert_eq!(answer.suggestion.as_deref(), Some("bill@gmail.com"));
    };
    check("deliverable", ProviderResult::Deliverable);
    check("undeliverable", ProviderResult::Undeliverable);
    check("risky", ProviderResult::Risky);
    check("unknown", ProviderResult::Unknown);
}

#[test]
fn zerobounce_answers_are_read() {
    let check = |status: &str, sub_status: &str, expected, reason: &str| {
        let body = format!(
            r#"{{"address":"ann@firma.de","status":"{status}","sub_status":"{sub_status}","free_email":false,"did_you_mean":null,
            "account":"ann","domain":"firma.de","mx_found":"true","processed_at":"2026-01-01 00:00:00.000"}}"#
        );
        let answer = answered(zerobounce(&body));
        assert_eq!((answer.result, answer.reason.as_str()), (expected, reason));
    };
    check("valid", "", ProviderResult::Deliverable, "valid");
    check(
        "invalid",
        "mailbox_not_found",
        ProviderResult::Undeliverable,
        "invalid: mailbox_not_found",
    );
    check("catch-all", "", ProviderResult::Risky, "catch-all");
    check("spamtrap", "", ProviderResult::Risky, "spamtrap");
    check("abuse", "", ProviderResult::Risky, "abuse");
    check(
        "do_not_mail",
        "role_based",
        ProviderResult::Risky,
        "do_not_mail: role_based",
    );
    check(
        "unknown",
        "timeout_exceeded",
        ProviderResult::Unknown,
        "unknown: timeout_exceeded",
    );
}

#[test]
fn an_answer_in_another_form_is_a_failure() {
    for body in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        r#"{"result":"maybe","status":"maybe"}"#,
        r#"{"result":7,"status":7}"#,
        "<html>",
    ] {
        assert_eq!(failure(kickbox(body)), FailureKind::Malformed, "{body}");
        assert_eq!(failure(zerobounce(body)), FailureKind::Malformed, "{body}");
    }
    let outcome = parse(Shape::Kickbox, 200, None, None, &[0xff, 0xfe]);
    assert_eq!(failure(outcome), FailureKind::Malformed);
}

#[test]
fn a_refusal_in_the_body_is_a_failure_that_hides_the_key() {
    let body = r#"{"success":false,"message":"bad key live_s3cr&t key"}"#;
    assert_eq!(failure(kickbox(body)), FailureKind::Rejected);
    let body = r#"{"error":"Invalid API key live_s3cr&t key or your account ran out of credits"}"#;
    assert_eq!(failure(zerobounce(body)), FailureKind::Account);
}

#[test]
fn a_status_says_what_to_do() {
    let check = |status, expected| {
        let outcome = parse(Shape::Kickbox, status, None, None, b"live_s3cr&t key");
        assert_eq!(failure(outcome), expected, "{status}");
    };
    check(401, FailureKind::Account);
    check(402, FailureKind::Account);
    check(403, FailureKind::Account);
    check(400, FailureKind::Rejected);
    check(404, FailureKind::Rejected);
    check(408, FailureKind::Unavailable);
    check(500, FailureKind::Unavailable);
    check(503, FailureKind::Unavailable);
    check(301, FailureKind::Malformed);
    check(0, FailureKind::Malformed);
}

#[test]
fn a_throttle_lasts_as_long_as_it_says_within_bounds() {
    let check = |status, retry_after, date, expected| {
        assert_eq!(
            parse(Shape::Zerobounce, status, retry_after, date, b""),
            Outcome::Throttled { seconds: expected },
            "{retry_after:?} {date:?}"
        );
    };
    let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
    check(429, None, None, 60);
    check(429, Some("17"), None, 17);
    check(429, Some(" 17 "), date, 17);
    check(429, Some("0"), None, 1);
    check(429, Some("99999"), None, 3600);
    check(429, Some("99999999999999999999999999"), None, 3600);
    check(429, Some("-5"), None, 60);
    check(429, Some("soon"), date, 60);
    check(429, Some(""), date, 60);
    check(429, Some("Sun, 06 Nov 1994 08:51:07 GMT"), date, 90);
    check(429, Some("Sun, 06 Nov 1994 08:51:07 GMT"), None, 60);
    check(429, Some("Sun, 06 Nov 1994 08:00:00 GMT"), date, 1);
    check(503, Some("5"), None, 5);
}

#[test]
fn texts_of_a_provider_are_bounded_and_printable() {
    let body = format!(
        r#"{{"result":"risky","reason":"a\u0000b{}","did_you_mean":"not an address","success":true}}"#,
        "x".repeat(10_000)
    );
    let answer = answered(kickbox(&body));
    assert!(answer.reason.starts_with("abxx") && answer.reason.len() == 200);
    assert_eq!(answer.suggestion, None);
    let none = ProviderAnswer::unavailable(Shape::Kickbox, "HTTP 500");
    assert_eq!(
        (none.result, none.reason.as_str()),
        (ProviderResult::Unknown, "HTTP 500")
    );
}
