use super::*;

#[test]
fn errors_are_told_apart_by_what_to_do() {
    let asked = owned(&["M1"]);
    let method = |error: &str| {
        format!(
            r#"{{"methodResponses":[["error",{{"type":"{error}","description":"s3cret"}},"get"]]}}"#
        )
    };
    let request = |kind: &str, limit: &str| {
        json!({ "type": format!("urn:ietf:params:jmap:error:{kind}"), "status": 400, "detail": "s3cret", "limit": limit })
            .to_string()
    };
    for (status, body, expected) in [
        (200, method("serverFail"), Remedy::Retry),
        (200, method("serverUnavailable"), Remedy::Retry),
        (200, method("serverPartialFail"), Remedy::Retry),
        (200, method("forbidden"), Remedy::Credentials),
        (200, method("accountNotFound"), Remedy::GiveUp),
        (200, method("accountNotSupportedByMethod"), Remedy::GiveUp),
        (200, method("invalidArguments"), Remedy::GiveUp),
        (200, method("unknownMethod"), Remedy::GiveUp),
        (200, method("s3cret of ours"), Remedy::GiveUp),
        (200, "<html>".to_owned(), Remedy::GiveUp),
        (200, "{}".to_owned(), Remedy::GiveUp),
        (200, r#"{"methodResponses":[]}"#.to_owned(), Remedy::GiveUp),
        (
            200,
            r#"{"methodResponses":[["Email/get",7,"get"]]}"#.to_owned(),
            Remedy::GiveUp,
        ),
        (400, request("notRequest", ""), Remedy::GiveUp),
        (400, request("notJSON", ""), Remedy::GiveUp),
        (400, request("unknownCapability", ""), Remedy::GiveUp),
        (400, request("limit", "maxCallsInRequest"), Remedy::GiveUp),
        (
            400,
            request("limit", "maxConcurrentRequests"),
            Remedy::Wait(5),
        ),
        (400, "Bad Request".to_owned(), Remedy::GiveUp),
        (
            401,
            "<html>Authentication failed</html>".to_owned(),
            Remedy::Credentials,
        ),
        (
            429,
            request("limit", "maxConcurrentRequests"),
            Remedy::Wait(30),
        ),
        (502, "Bad Gateway".to_owned(), Remedy::Retry),
    ] {
        let failure = failure(read_fetched(&asked, &answer(status, &body)));
        assert_eq!(failure.remedy, expected, "{status} {body}");
        assert!(!failure.message.contains("s3cret"), "{failure:?}");
    }
}
