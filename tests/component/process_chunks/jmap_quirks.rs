//! JMAP servers that leave out what RFC 8620 and RFC 8621 ask of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use baton::contract::native::call;
use bytes::Bytes;
use hyper::{Request, Response};
use process_chunks::sources::SaveSource;
use serde_json::{Value, json};

use super::{drain, items, near, outcome, start};
use crate::support::app::App;
use crate::support::db::Db;
use crate::support::scripted::Scripted;

/// A mailbox, and what its server does in its own way.
#[derive(Clone, Copy)]
struct Mailbox {
    messages: usize,
    /// How many messages a page of a list has at most.
    limit: usize,
    /// The answer to Email/changes, with the state that was asked for.
    changes: fn(&Value) -> Value,
}

impl Mailbox {
    fn ids(self) -> Vec<String> {
        (0..self.messages)
            .rev()
            .map(|it| format!("M{it:05}"))
            .collect()
    }

    /// Like Apache James: neither an anchor nor a total.
    fn query(self, arguments: &Value) -> Value {
        if arguments.get("anchor").is_some() {
            return json!({ "type": "invalidArguments", "description": "The following param anchor is syntactically valid, but is not supported by the server." });
        }
        let position = arguments["position"].as_u64().unwrap_or(0) as usize;
        let ids = self.ids();
        let end = (position + self.limit).min(ids.len());
        json!({ "position": position, "limit": self.limit, "ids": ids.get(position..end).unwrap_or_default() })
    }

    fn get(self, ids: &Value) -> Value {
        let ids = ids.as_array().cloned().unwrap_or_default();
        if ids.len() > 500 {
            return json!({ "type": "requestTooLarge" });
        }
        let list: Vec<Value> = ids.iter().map(|it| json!({ "id": it })).collect();
        json!({ "state": "1", "list": list, "notFound": [] })
    }

    fn answer(self, request: &Request<Bytes>) -> Response<Bytes> {
        let (core, mail) = ("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail");
        let Ok(asked) = serde_json::from_slice::<Value>(request.body()) else {
            let session = json!({
                "apiUrl": "/api", "capabilities": { core: {}, mail: {} }, "accounts": { "a": {} }, "primaryAccounts": { mail: "a" },
            });
            return Response::new(session.to_string().into());
        };
        let mut responses: Vec<Value> = Vec::new();
        for call in asked["methodCalls"].as_array().into_iter().flatten() {
            let arguments = &call[1];
            let result = match call[0].as_str() {
                Some("Email/query") => self.query(arguments),
                Some("Email/changes") => (self.changes)(&arguments["sinceState"]),
                _ => match arguments.get("#ids") {
                    Some(reference) => {
                        let name = reference["path"].as_str().unwrap_or_default();
                        self.get(responses[0][1].pointer(name).unwrap_or(&Value::Null))
                    }
                    None => self.get(&arguments["ids"]),
                },
            };
            let name = if result.get("type").is_some() {
                &json!("error")
            } else {
                &call[0]
            };
            responses.push(json!([name, result, call[2]]));
        }
        Response::new(json!({ "methodResponses": responses }).to_string().into())
    }
}

fn no_changes(since: &Value) -> Value {
    json!({ "oldState": since, "newState": since, "hasMoreChanges": false, "created": [], "updated": [], "destroyed": [] })
}

async fn synced(mailbox: Mailbox) -> anyhow::Result<(Db, Scripted, App)> {
    let server = Scripted::start(move |request| mailbox.answer(request)).await?;
    let db = Db::new().await?;
    let app = App::start(&db, near()).await?;
    let source = SaveSource {
        name: "mail".to_owned(),
        kind: "jmap".to_owned(),
        url: server.url("/jmap"),
        username: Some("alice".to_owned()),
        secret: Some("wonderland".to_owned()),
        settings: json!({ "chunk_size": 100 }),
        who: "test".to_owned(),
    };
    call(&db.owner, source).await?;
    let sync_job = start(&db, "mail", true).await?;
    drain(&db, &app).await?;
    let ended = outcome(&db, sync_job).await?;
    assert!(
        ended.starts_with("completed ") && ended.ends_with(" 0"),
        "{ended}"
    );
    assert_eq!(items(&db).await?, mailbox.messages as i64);
    Ok((db, server, app))
}

#[tokio::test]
async fn a_server_without_anchors_and_totals_is_synced() -> anyhow::Result<()> {
    for (messages, limit) in [
        (0, 256),
        (12, 256),
        (256, 256),
        (257, 256),
        (1000, 256),
        (40, 20),
    ] {
        let mailbox = Mailbox {
            messages,
            limit,
            changes: no_changes,
        };
        let (db, ..) = synced(mailbox).await?;
        let state = db.text("select state from sources").await?;
        assert_eq!(state.as_deref(), Some("1"), "{messages} by {limit}");
    }
    Ok(())
}

#[tokio::test]
async fn changes_that_stand_still_lead_to_a_full_sync() -> anyhow::Result<()> {
    let (db, server, app) = synced(Mailbox {
        messages: 30,
        limit: 256,
        changes: no_changes,
    })
    .await?;
    let fewer = Mailbox {
        messages: 29,
        limit: 256,
        changes: |since| json!({ "oldState": since, "newState": since, "hasMoreChanges": true, "created": [], "updated": [], "destroyed": [] }),
    };
    let asked_for_changes = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&asked_for_changes);
    server.answer(move |request| {
        if request.body().windows(13).any(|it| it == b"Email/changes") {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        fewer.answer(request)
    });
    let sync_job = start(&db, "mail", false).await?;
    drain(&db, &app).await?;
    // Changes, list, one that gets, prune.
    assert_eq!(outcome(&db, sync_job).await?, "completed 4 0");
    assert_eq!(
        (items(&db).await?, asked_for_changes.load(Ordering::SeqCst)),
        (29, 1)
    );
    Ok(())
}

#[tokio::test]
async fn changes_beyond_what_was_asked_for_are_got_in_parts() -> anyhow::Result<()> {
    let (db, server, app) = synced(Mailbox {
        messages: 10,
        limit: 256,
        changes: no_changes,
    })
    .await?;
    let flood = Mailbox {
        messages: 910,
        limit: 256,
        changes: |since| {
            let created: Vec<String> = (10..910).map(|it| format!("M{it:05}")).collect();
            json!({ "oldState": since, "newState": "2", "hasMoreChanges": false, "created": created, "updated": [], "destroyed": [] })
        },
    };
    server.answer(move |request| flood.answer(request));
    let sync_job = start(&db, "mail", false).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 10 0");
    assert_eq!(items(&db).await?, 910);
    assert_eq!(
        db.text("select state from sources").await?.as_deref(),
        Some("2")
    );
    Ok(())
}
