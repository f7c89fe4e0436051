use super::*;

const FIRST_PAGE: &str = r#"{"methodResponses":[
    ["Email/get",{"state":"273","list":[],"notFound":[],"accountId":"alice"},"state"],
    ["Email/query",{"sort":[{"property":"receivedAt","isAscending":false}],"queryState":"273:0","canCalculateChanges":true,
      "position":0,"total":250,"ids":["M1","M2","M3","M4","M5"],"collapseThreads":false,"accountId":"alice"},"list"]
    ],"sessionState":"0"}"#;

fn planned(result: Result<Planned, Failure>) -> Synced {
    match result.unwrap() {
        Planned::Page(synced) => synced,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_page_learns_the_state_before_it_lists() {
    let request = plan_request(&session(), Start::First, true);
    let calls = &request["methodCalls"];
    assert_eq!(calls[0][0], "Email/get");
    assert_eq!(calls[0][1]["ids"], json!([]));
    assert_eq!(calls[1][0], "Email/query");
    assert_eq!(calls[1][1]["calculateTotal"], true);
    assert_eq!(calls[1][1]["limit"], 5000);

    let small = settings(json!({ "chunk_size": 2 }));
    let synced = planned(read_planned(
        &session(),
        &small,
        Start::First,
        true,
        &ok(FIRST_PAGE),
    ));
    assert_eq!(synced.state.as_deref(), Some("273"));
    assert_eq!(
        synced.chunks,
        [
            plan(&["M5", "M4", "M3"], Some(3)),
            fetch(&["M1", "M2"]),
            fetch(&["M3", "M4"]),
            fetch(&["M5"])
        ]
    );
    assert_eq!(synced.plan["total"], 250);
    assert!(is_listed(&Value::Object(synced.plan)));
    assert!(!is_listed(&json!({})));
}

#[test]
fn a_listing_that_starts_over_keeps_the_first_state() {
    let request = plan_request(&session(), Start::First, false);
    assert_eq!(request["methodCalls"].as_array().unwrap().len(), 1);
    let synced = planned(read_planned(
        &session(),
        &settings(json!({})),
        Start::First,
        false,
        &ok(FIRST_PAGE),
    ));
    assert_eq!(synced.state, None);
    assert_eq!(start_over().chunks, [plan(&[], None)]);
}

#[test]
fn later_pages_follow_an_anchor() {
    let request = plan_request(&session(), Start::After("M5"), false);
    let query = &request["methodCalls"][0][1];
    assert_eq!(query["anchor"], "M5");
    assert_eq!(query["anchorOffset"], 1);
    assert_eq!(query.get("calculateTotal"), None);

    let default = settings(json!({}));
    let read =
        |body: &str| read_planned(&session(), &default, Start::After("M5"), false, &ok(body));
    let page = r#"{"methodResponses":[["Email/query",{"position":5,"total":7,"ids":["M6","M7"],"accountId":"alice"},"list"]]}"#;
    assert_eq!(
        planned(read(page)).chunks,
        [plan(&["M7", "M6"], Some(6)), fetch(&["M6", "M7"])]
    );
    let end = r#"{"methodResponses":[["Email/query",{"position":250,"total":250,"ids":[],"accountId":"alice"},"list"]]}"#;
    assert!(planned(read(end)).chunks.is_empty());
    let gone =
        r#"{"methodResponses":[["error",{"type":"anchorNotFound"},"list"]],"sessionState":"0"}"#;
    assert_eq!(read(gone), Ok(Planned::AnchorGone));
    // No server known to us does this; one that did would be asked for ever.
    let stuck = r#"{"methodResponses":[["Email/query",{"position":4,"ids":["M5","M6"]},"list"]]}"#;
    assert_eq!(failure(read(stuck)).remedy, Remedy::GiveUp);
}

#[test]
fn a_page_with_all_messages_is_the_last() {
    let default = settings(json!({}));
    let read = |ids: Value, total: u64| {
        let body = json!({ "methodResponses": [
            ["Email/get", { "state": "7", "list": [], "notFound": [] }, "state"],
            ["Email/query", { "position": 0, "total": total, "ids": ids }, "list"],
        ] });
        read_planned(
            &session(),
            &default,
            Start::First,
            true,
            &ok(&body.to_string()),
        )
    };
    assert_eq!(planned(read(json!(["M1"]), 1)).chunks, [fetch(&["M1"])]);
    assert!(planned(read(json!([]), 0)).chunks.is_empty());
    // Each would end in letting go of messages that are there.
    for ids in [json!([]), json!(null), json!("M1"), json!([1])] {
        assert_eq!(failure(read(ids, 3)).remedy, Remedy::GiveUp);
    }
}

#[test]
fn ids_states_and_accounts_hold_no_nul() {
    let body = r#"{"methodResponses": [
        ["Email/get", {"state": "2\u00007\ud800", "list": []}, "state"],
        ["Email/query", {"ids": ["M\u00001", "M2\u0000"], "total": 2}, "list"]
    ]}"#;
    let planned = read_planned(
        &session(),
        &settings(json!({})),
        Start::First,
        true,
        &ok(body),
    )
    .unwrap();
    let Planned::Page(synced) = planned else {
        panic!("{planned:?}");
    };
    assert_eq!(synced.state.as_deref(), Some("27\u{fffd}"));
    assert_eq!(synced.chunks, [fetch(&["M1", "M2"])]);
    let mut named = session_body();
    named["primaryAccounts"] = json!({ "urn:ietf:params:jmap:mail": "ali\0ce" });
    let named = read_session("https://mail.example/jmap", json!({}), &named).unwrap();
    assert_eq!(named.account, "alice");
}

#[test]
fn a_server_without_anchors_is_listed_by_position() {
    let default = settings(json!({}));
    let refused = r#"{"methodResponses":[["error",{"type":"invalidArguments","description":"The following param anchor is syntactically valid, but is not supported by the server."},"list"]]}"#;
    let after = read_planned(
        &session(),
        &default,
        Start::After("M3"),
        false,
        &ok(refused),
    );
    assert_eq!(after, Ok(Planned::NoAnchors));
    let anchors = owned(&["M3", "M2", "M1"]);
    let start = Start::At(1, &anchors);
    let request = plan_request(&session(), start, false);
    assert_eq!(request["methodCalls"][0][1]["position"], 1);
    assert_eq!(request["methodCalls"][0][1].get("anchor"), None);
    let read = |list: Value| {
        let body = json!({ "methodResponses": [["Email/query", list, "list"]] }).to_string();
        read_planned(&session(), &default, start, false, &ok(&body))
    };
    let limited = |ids: Value| read(json!({ "position": 1, "limit": 4, "ids": ids }));
    let next = plan(&["M5", "M4", "M3"], Some(3));
    assert_eq!(
        planned(limited(json!(["M2", "M3", "M4", "M5"]))).chunks,
        [next, fetch(&["M4", "M5"])]
    );
    // A message came on top, and M3 was deleted.
    let shifted = planned(limited(json!(["M0", "M1", "M2", "M4"])));
    assert_eq!(shifted.chunks[1..], [fetch(&["M4"])]);
    assert_eq!(
        planned(limited(json!(["M2", "M3", "M4"]))).chunks,
        [fetch(&["M4"])]
    );
    assert!(planned(limited(json!(["M2", "M3"]))).chunks.is_empty());
    assert!(
        planned(read(json!({ "ids": ["M2", "M3"] })))
            .chunks
            .is_empty()
    );
    assert_eq!(limited(json!(["M7", "M8"])), Ok(Planned::AnchorGone));
    failure(limited(json!(["M0", "M1", "M2", "M3"])));
    failure(read(json!({ "position": 0, "ids": ["M1", "M2", "M3"] })));
}

#[test]
fn a_short_page_without_a_total_is_the_last() {
    let default = settings(json!({}));
    let read = |list: Value| {
        let body = json!({ "methodResponses": [
            ["Email/get", { "state": "7", "list": [] }, "state"], ["Email/query", list, "list"],
        ] });
        let read = read_planned(
            &session(),
            &default,
            Start::First,
            true,
            &ok(&body.to_string()),
        );
        planned(read).chunks
    };
    assert_eq!(read(json!({ "ids": ["M1"] })), [fetch(&["M1"])]);
    assert_eq!(
        read(json!({ "ids": ["M1"], "limit": 20 })),
        [fetch(&["M1"])]
    );
    let limited = [plan(&["M2", "M1"], Some(1)), fetch(&["M1", "M2"])];
    assert_eq!(read(json!({ "ids": ["M1", "M2"], "limit": 2 })), limited);
    let full: Vec<String> = (0..5000).map(|it| format!("M{it}")).collect();
    assert!(matches!(
        read(json!({ "ids": full }))[0],
        Work::Plan {
            position: Some(4900),
            ..
        }
    ));
    assert!(read(json!({ "ids": [] })).is_empty());
}
