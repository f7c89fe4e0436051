use super::*;

#[test]
fn settings_are_read_or_named() {
    assert_eq!(settings(json!({})).chunk_size, 50);
    assert_eq!(
        settings(json!({ "chunk_size": 500, "account": "u1", "max_parallel": 2 })),
        Settings {
            account: Some("u1".to_owned()),
            chunk_size: 500
        }
    );
    for (bad, field) in [
        (json!({ "chunk_size": 0 }), "chunk_size"),
        (json!({ "chunk_size": 501 }), "chunk_size"),
        (json!({ "chunk_size": "50" }), "chunk_size"),
        (json!({ "account": 1 }), "account"),
        (json!({ "api_origin": "api.example" }), "api_origin"),
        (json!({ "records": "/items" }), "records"),
    ] {
        assert_eq!(Settings::parse(&bad).unwrap_err().field(), field);
    }
}

#[test]
fn a_session_is_kept_in_the_plan() {
    let session = session();
    assert_eq!(session.api_url, "http://127.0.0.1:18480/jmap/");
    assert_eq!(session.account, "alice");
    assert_eq!(session.most_changes(), 500);
    let mut plan = Map::new();
    session.remember(&mut plan);
    assert_eq!(Session::of_plan(&Value::Object(plan)), Some(session));
    assert_eq!(Session::of_plan(&json!({})), None);
    assert_eq!(Session::of_plan(&json!({ "session": { "old": 1 } })), None);
}

#[test]
fn the_account_is_the_primary_one_or_the_one_chosen() {
    let url = "https://mail.example/jmap/session";
    let chosen = read_session(url, json!({ "account": "team" }), &session_body()).unwrap();
    assert_eq!(chosen.account, "team");
    let unknown = failure(read_session(
        url,
        json!({ "account": "x" }),
        &session_body(),
    ));
    assert!(unknown.message.contains("\"x\""));
    let mut none = session_body();
    none["primaryAccounts"] = json!({});
    assert_eq!(
        failure(read_session(url, json!({}), &none)).remedy,
        Remedy::GiveUp
    );
}

#[test]
fn a_session_that_will_not_do_is_refused() {
    let url = "https://mail.example/.well-known/jmap";
    let check = |pointer: &str, value: Value| {
        let mut body = session_body();
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(
            failure(read_session(url, json!({}), &body)).remedy,
            Remedy::GiveUp,
            "{pointer}"
        );
    };
    check("/apiUrl", json!("http://mail.example/jmap/"));
    check("/apiUrl", json!("ftp://mail.example/jmap/"));
    check("/apiUrl", json!("https://"));
    check("/apiUrl", json!(1));
    check("/capabilities", json!({ "urn:ietf:params:jmap:core": {} }));
    check(
        "/capabilities/urn:ietf:params:jmap:core/maxCallsInRequest",
        json!(2),
    );
    assert_eq!(
        failure(read_session(url, json!({}), &json!([]))).remedy,
        Remedy::GiveUp
    );
    // Whether another origin gets the credentials is decided where they are sent.
    let mut elsewhere = session_body();
    elsewhere["apiUrl"] = json!("https://api.mail.example/jmap/api/");
    let elsewhere = read_session(url, json!({}), &elsewhere).unwrap();
    assert_eq!(elsewhere.api_url, "https://api.mail.example/jmap/api/");
}

#[test]
fn chunks_respect_the_limits_of_the_server() {
    let url = "https://mail.example/jmap";
    let check = |get: Value, bytes: Value, chosen: Value, expected: usize| {
        let mut body = session_body();
        body["capabilities"]["urn:ietf:params:jmap:core"] =
            json!({ "maxObjectsInGet": get, "maxSizeRequest": bytes });
        let session = read_session(url, json!({}), &body).unwrap();
        assert_eq!(session.chunk_size(&settings(chosen)), expected);
    };
    check(json!(4096), json!(10_000_000), json!({}), 50);
    check(json!(20), json!(10_000_000), json!({}), 20);
    check(json!(4096), json!(5000), json!({}), 11);
    check(json!(0), json!(0), json!({}), 1);
    check(json!(null), json!(null), json!({ "chunk_size": 500 }), 500);
}

#[test]
fn a_session_is_outdated_when_its_address_is_gone() {
    for (status, outdated) in [
        (404, true),
        (405, true), // Of Cyrus 3.6, for POST outside of its API.
        (410, true),
        (200, false),
        (401, false),
        (500, false),
    ] {
        assert_eq!(Session::is_outdated(&answer(status, "")), outdated);
    }
}

#[test]
fn a_missing_account_names_those_that_there_are() {
    let url = "https://mail.example/jmap";
    let mut body = session_body();
    body["accounts"]["team"]["name"] = "the team".into();
    let other = read_session(url, json!({ "account": "bob" }), &body);
    let message = failure(other).message;
    assert!(
        message.contains("no account \"bob\"; use --account with one of alice, team (the team)"),
        "{message}"
    );
    body["primaryAccounts"] = json!({});
    let message = failure(read_session(url, json!({}), &body)).message;
    assert!(
        message.contains("no primary mail account; use --account with one of alice"),
        "{message}"
    );
    body["accounts"] = json!({});
    let message = failure(read_session(url, json!({}), &body)).message;
    assert!(message.contains("shows the user no account"), "{message}");
}
