//! The answers are those of Cyrus 3.6, shortened, where they are not marked otherwise.

mod errors;
mod fetch;
mod plan;
mod session;

use serde_json::{Map, json};
use url::Url;

use super::*;
use crate::source::Remedy;
use crate::source::answer::Answer;

fn ok(body: &str) -> Answer<'_> {
    answer(200, body)
}

fn answer(status: u16, body: &str) -> Answer<'_> {
    Answer {
        status,
        body: body.as_bytes(),
        ..Answer::default()
    }
}

fn settings(settings: Value) -> Settings {
    Settings::parse(&settings).unwrap()
}

fn session_body() -> Value {
    json!({
        "username": "alice",
        "apiUrl": "/jmap/",
        "state": "0",
        "capabilities": {
            "urn:ietf:params:jmap:core": {
                "maxSizeUpload": 1073741824, "maxConcurrentUpload": 5, "maxSizeRequest": 10485760,
                "maxConcurrentRequests": 5, "maxCallsInRequest": 50, "maxObjectsInGet": 4096,
                "maxObjectsInSet": 4096, "collationAlgorithms": [],
            },
            "urn:ietf:params:jmap:mail": {},
        },
        "accounts": {
            "alice": { "name": "alice", "isPrimary": true, "isPersonal": true, "isReadOnly": false },
            "team": { "name": "team", "isPersonal": false, "isReadOnly": true },
        },
        "primaryAccounts": { "urn:ietf:params:jmap:mail": "alice" },
    })
}

fn read_session(url: &str, chosen: Value, body: &Value) -> Result<Session, Failure> {
    let body = body.to_string();
    Session::read(&Url::parse(url).unwrap(), &settings(chosen), &ok(&body))
}

fn session() -> Session {
    read_session("http://127.0.0.1:18480/jmap", json!({}), &session_body()).unwrap()
}

fn failure<T: std::fmt::Debug>(result: Result<T, Failure>) -> Failure {
    result.unwrap_err()
}

fn plan(anchors: &[&str], position: Option<u64>) -> Work {
    let anchors = anchors.iter().map(|it| (*it).to_owned()).collect();
    Work::Plan { anchors, position }
}

fn fetch(ids: &[&str]) -> Work {
    Work::Fetch { ids: owned(ids) }
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|it| (*it).to_owned()).collect()
}
