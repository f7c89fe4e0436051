use super::*;

const MESSAGE: &str = r#"{"id":"Ma0ec81671de185586001f8a2","blobId":"Ga0ec81671de185586001f8a205ad7187f4ece61b",
    "threadId":"T311f588616888e4a","mailboxIds":{"xsep139decwkfird3rpun4hj":true},"keywords":{"$seen":true,"$flagged":false},
    "size":280,"receivedAt":"2024-01-01T04:06:00Z","messageId":["m246@example.org"],
    "from":[{"name":"Sender 1","email":"sender1@example.org"}],"to":[{"name":null,"email":"alice@localhost"}],
    "subject":"Test message 246","sentAt":"2024-01-01T05:06:00+01:00","hasAttachment":false,"preview":"Body of message 246 "}"#;

fn got(list: &str, not_found: &str) -> String {
    format!(
        r#"{{"methodResponses":[["Email/get",{{"state":"273","list":[{list}],"notFound":{not_found},"accountId":"alice"}},"get"]],
        "sessionState":"0"}}"#
    )
}

#[test]
fn messages_become_items_and_those_not_found_are_gone() {
    let asked = owned(&["Ma0ec81671de185586001f8a2", "Mnope"]);
    let body = got(MESSAGE, r#"["Mnope"]"#);
    let synced = read_fetched(&asked, &ok(&body)).unwrap();
    assert_eq!(
        synced.items,
        [json!({
            "id": "Ma0ec81671de185586001f8a2",
            "thread_id": "T311f588616888e4a",
            "blob_id": "Ga0ec81671de185586001f8a205ad7187f4ece61b",
            "mailbox_ids": ["xsep139decwkfird3rpun4hj"],
            "keywords": ["$seen"],
            "message_id": ["m246@example.org"],
            "subject": "Test message 246",
            "preview": "Body of message 246 ",
            "sender": [{ "name": "Sender 1", "email": "sender1@example.org" }],
            "recipients": [{ "name": null, "email": "alice@localhost" }],
            "received_at": "2024-01-01T04:06:00Z",
            "sent_at": "2024-01-01T04:06:00Z",
            "size": 280,
            "has_attachment": false,
        })]
    );
    assert_eq!(synced.removed, ["Mnope"]);
    assert!(synced.chunks.is_empty() && synced.state.is_none());
}

#[test]
fn what_postgresql_would_not_take_is_left_out() {
    for (sent_at, expected) in [
        ("2024-01-01T00:00:00+23:00", json!("2023-12-31T01:00:00Z")),
        ("0001-01-01T00:00:00+01:00", json!(null)),
        ("9999-12-31T23:59:59-01:00", json!(null)),
        ("0000-00-00T00:00:00Z", json!(null)),
        ("yesterday", json!(null)),
    ] {
        let email = format!(r#"{{"id":"M1","sentAt":"{sent_at}","subject":"a\u0000b","size":-1}}"#);
        let body = got(&email, "null");
        let synced = read_fetched(&owned(&["M1"]), &ok(&body)).unwrap();
        let item = &synced.items[0];
        assert_eq!(item["sent_at"], expected, "{sent_at}");
        assert_eq!(item["subject"], "ab");
        assert_eq!(item.get("size"), None);
    }
}

#[test]
fn no_message_is_lost_in_silence() {
    let asked = owned(&["Ma0ec81671de185586001f8a2", "M2"]);
    for body in [
        got(MESSAGE, "[]"),
        got(r#"{"subject":"no id"}"#, r#"["M2"]"#),
    ] {
        assert_eq!(
            failure(read_fetched(&asked, &ok(&body))).remedy,
            Remedy::GiveUp
        );
    }
}

#[test]
fn too_many_messages_at_once_are_halved() {
    let asked = owned(&["M1", "M2", "M3"]);
    let too_large = r#"{"methodResponses":[["error",{"type":"requestTooLarge"},"get"]]}"#;
    let too_long = r#"{"type":"urn:ietf:params:jmap:error:limit","title":"JMAP request exceeds a server limit","status":400,
        "limit":"maxSizeRequest"}"#;
    let plain = "<html>Request Entity Too Large</html>";
    for answer in [ok(too_large), answer(400, too_long), answer(413, plain)] {
        let synced = read_fetched(&asked, &answer).unwrap();
        assert_eq!(synced.chunks, [fetch(&["M1"]), fetch(&["M2", "M3"])]);
        let single = read_fetched(&asked[..1], &answer);
        assert_eq!(failure(single).remedy, Remedy::GiveUp);
    }
}

#[test]
fn changes_are_items_removals_and_more_changes() {
    let request = changes_request(&session(), "26", 500);
    let calls = &request["methodCalls"];
    assert_eq!(calls[0][1]["sinceState"], "26");
    assert_eq!(calls[0][1]["maxChanges"], 500);
    assert_eq!(
        calls[2][1]["#ids"],
        json!({ "resultOf": "changes", "name": "Email/changes", "path": "/updated" })
    );

    let body = |more: bool, state: &str| {
        format!(
            r#"{{"methodResponses":[
            ["Email/changes",{{"oldState":"26","newState":"{state}","hasMoreChanges":{more},"created":["M1","M2"],"updated":["M3"],
              "destroyed":["M4"],"accountId":"alice"}},"changes"],
            ["Email/get",{{"state":"273","list":[{{"id":"M1","subject":"Test message 1"}}],"notFound":["M2"]}},"created"],
            ["Email/get",{{"state":"273","list":[{{"id":"M3","subject":"Test message 3"}}],"notFound":[]}},"updated"]
            ],"sessionState":"0"}}"#
        )
    };
    let last = read("26", &ok(&body(false, "29"))).unwrap();
    assert_eq!(
        last.items,
        [
            json!({ "id": "M1", "subject": "Test message 1" }),
            json!({ "id": "M3", "subject": "Test message 3" })
        ]
    );
    assert_eq!(last.removed, ["M4", "M2"]);
    assert_eq!(last.state.as_deref(), Some("29"));
    assert!(last.chunks.is_empty());

    let more = read("26", &ok(&body(true, "29"))).unwrap();
    let since = "29".to_owned();
    assert_eq!(more.chunks, [Work::Changes { since }]);
    assert_eq!(more.state, None);
    assert_eq!(read("26", &ok(&body(true, "26"))), Ok(resync()));
    assert_eq!(fewer_changes(500), Some(62));
    assert_eq!(fewer_changes(7), None);
}

#[test]
fn a_state_that_is_forgotten_means_listing_everything() {
    for error in [
        r#"{"type":"cannotCalculateChanges"}"#,
        r#"{"type":"invalidArguments","arguments":["sinceState"]}"#,
        r#"{"type":"invalidArguments"}"#,
        r#"{"type":"tooManyChanges"}"#,
        r#"{"type":"unknownMethod"}"#,
    ] {
        let body = format!(
            r#"{{"methodResponses":[["error",{error},"changes"],["error",{{"type":"resultReference"}},"created"],
            ["error",{{"type":"resultReference"}},"updated"]],"sessionState":"0"}}"#
        );
        let synced = read("bogus", &ok(&body)).unwrap();
        assert_eq!(synced.chunks, [plan(&[], None)]);
        assert_eq!(Value::Object(synced.plan), json!({ "resync": true }));
        assert_eq!(synced.state, None);
    }
}

#[test]
fn changes_that_are_too_many_for_one_answer_are_got_in_parts() {
    let body = r#"{"methodResponses":[
        ["Email/changes",{"oldState":"26","newState":"29","hasMoreChanges":false,"created":["M1","M2","M3"],"updated":["M4"],"destroyed":[]},"changes"],
        ["error",{"type":"requestTooLarge"},"created"],
        ["Email/get",{"state":"273","list":[{"id":"M4"}],"notFound":[]},"updated"]]}"#;
    let small = settings(json!({ "chunk_size": 2 }));
    let synced = read_changes(&session(), &small, "26", &ok(body)).unwrap();
    assert_eq!(synced.chunks, [fetch(&["M1", "M2"]), fetch(&["M3"])]);
    assert_eq!(synced.items, [json!({ "id": "M4" })]);
    assert_eq!(synced.state.as_deref(), Some("29"));
}

fn read(since: &str, answer: &Answer) -> Result<Synced, Failure> {
    read_changes(&session(), &settings(json!({})), since, answer)
}
