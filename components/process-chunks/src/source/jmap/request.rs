use serde_json::{Value, json};

use super::email::PROPERTIES;
use super::session::{CORE, MAIL};
use super::{Session, Start};

/// How many messages a page lists; the server may list fewer.
pub(super) const PAGE: usize = 5000;

/// Names of calls, by which their responses are found.
pub(super) const STATE: &str = "state";
pub(super) const LIST: &str = "list";
pub(super) const GET: &str = "get";
pub(super) const CHANGES: &str = "changes";
pub(super) const CREATED: &str = "created";
pub(super) const UPDATED: &str = "updated";

/// Lists a page of messages, the newest first, and before it the state if wanted.
pub fn plan_request(session: &Session, start: Start, with_state: bool) -> Value {
    let mut query = json!({
        "accountId": session.account,
        "sort": [{ "property": "receivedAt", "isAscending": false }],
        "limit": PAGE,
    });
    match start {
        Start::First => query["calculateTotal"] = true.into(),
        Start::After(anchor) => {
            query["anchor"] = anchor.into();
            query["anchorOffset"] = 1.into();
        }
        Start::At(position, _) => query["position"] = position.into(),
    }
    let mut calls = Vec::new();
    if with_state {
        calls.push(json!(["Email/get", { "accountId": session.account, "ids": [], "properties": ["id"] }, STATE]));
    }
    calls.push(json!(["Email/query", query, LIST]));
    request(calls)
}

/// Gets messages by their ids.
pub fn fetch_request(session: &Session, ids: &[String]) -> Value {
    request(vec![json!([
        "Email/get",
        { "accountId": session.account, "ids": ids, "properties": PROPERTIES },
        GET
    ])])
}

/// Gets at most `most` changes since a state, and the messages that they are about.
pub fn changes_request(session: &Session, since: &str, most: usize) -> Value {
    let get = |path: &str, call: &str| {
        json!(["Email/get", {
            "accountId": session.account,
            "#ids": { "resultOf": CHANGES, "name": "Email/changes", "path": path },
            "properties": PROPERTIES,
        }, call])
    };
    request(vec![
        json!(["Email/changes", {
            "accountId": session.account,
            "sinceState": since,
            "maxChanges": most,
        }, CHANGES]),
        get("/created", CREATED),
        get("/updated", UPDATED),
    ])
}

fn request(calls: Vec<Value>) -> Value {
    json!({ "using": [CORE, MAIL], "methodCalls": calls })
}
