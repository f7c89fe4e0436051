//! Who may knock where: every route of the manifest, with every kind of credentials.

use baton::webhook::{self, TOLERANCE, secret_text, secrets};
use serde_json::json;

use crate::support::app::{App, KEY, Setup};
use crate::support::db::Db;
use crate::support::sms::{setup, stage};

/// Whatever a request could change.
const TRACES: &str = "select (select count(*) from runs) + (select count(*) from attempts) + (select count(*) from events)
                           + (select count(*) from messages) + (select count(*) from slots)
                           + (select count(*) from assignments where last_contact_date is not null)";

/// A method and a path for each route of the manifest, from the manifest, so that a new one cannot be forgotten.
async fn doors(db: &Db) -> anyhow::Result<Vec<(&'static str, String)>> {
    let assignment = db.text("select min(id::text) from assignments").await?;
    let assignment = assignment.unwrap_or_default();
    let manifest = std::fs::read_to_string(crate::support::home().join("spin.toml"))?;
    let routes = manifest
        .lines()
        .filter_map(|it| it.strip_prefix("route = \"")?.strip_suffix('"'));
    let mut doors = Vec::new();
    for route in routes {
        match route {
            "/..." => doors.push(("POST", "/tick".to_owned())),
            "/admin/assignments/..." => doors.push((
                "PATCH",
                format!("/admin/assignments/{assignment}/last-contact-date"),
            )),
            "/messages/sms/..." => doors.extend([
                ("POST", format!("/messages/sms/status?message={assignment}")),
                ("POST", "/messages/sms/inbound".to_owned()),
            ]),
            _ => {
                anyhow::ensure!(!route.ends_with("..."), "what is served at {route}?");
                doors.push(("POST", route.to_owned()));
            }
        }
    }
    anyhow::ensure!(doors.len() == 9, "{doors:?}");
    Ok(doors)
}

#[tokio::test]
async fn the_wrong_credentials_change_nothing_and_learn_nothing() -> anyhow::Result<()> {
    let (db, sms) = stage(5).await?;
    db.add_many_contacts(5).await?;
    db.add_sync("trial", 3).await?;
    db.add_auto_sync(1, "25 hours").await?;
    let traces = db.count(TRACES).await?;
    let [text, other] = [7, 8].map(|it| secret_text(&[it; 32]));
    let app = App::start(&db, setup(&sms).with("webhook_secret", text.as_str())).await?;
    let now = db
        .count("select extract(epoch from clock_timestamp())")
        .await?;
    let now = u64::try_from(now)?;
    let body = r#"{"last_contact_date": null, "who": "x", "why": "y", "no": 1"#;
    let mut answers = Vec::new();
    for (method, path) in doors(&db).await? {
        for key in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer wrong",
            "Basic YTpi",
            KEY,
            &format!("Bearer {KEY}x"),
            &format!("bearer {KEY}"),
        ] {
            let (status, answer) = app.send(method, &path, key, body).await?;
            assert_eq!(status, 401, "{method} {path} {key}");
            answers.push(answer);
        }
        for (what, secret, signed, at) in [
            ("expired", &text, body, now - TOLERANCE - 60),
            ("of the future", &text, body, now + TOLERANCE + 60),
            ("for another body", &text, "{}", now),
            ("by another secret", &other, body, now),
        ] {
            let signature = webhook::sign(&secrets(secret)?, "msg_1", at, signed.as_bytes());
            let at = at.to_string();
            let headers = [
                (webhook::ID, "msg_1"),
                (webhook::TIMESTAMP, at.as_str()),
                (webhook::SIGNATURE, signature.as_str()),
            ];
            let (status, answer) = app.send_with(method, &path, &headers, body).await?;
            assert_eq!(status, 401, "{method} {path}, a signature {what}");
            answers.push(answer);
        }
    }
    answers.dedup();
    // What Twilio calls is told of Twilio's signature.
    assert_eq!(answers.len(), 2, "all are told the same: {answers:?}");
    assert_eq!(db.count(TRACES).await?, traces);
    assert_eq!(
        app.stats().outside_calls.values().sum::<u64>(),
        0,
        "the database is not even asked"
    );
    Ok(())
}

#[tokio::test]
async fn while_one_key_replaces_another_both_open_every_door() -> anyhow::Result<()> {
    let (db, sms) = stage(1).await?;
    let keys =
        ["a new key of some length", "an old key of some length"].map(|it| it.replace(' ', "-"));
    let app = App::start(&db, setup(&sms).with("service_key", keys.join(" "))).await?;
    let body = r#"{"last_contact_date": null, "who": "x", "why": "y"}"#;
    for (method, path) in doors(&db).await? {
        let body = if method == "PATCH" { body } else { "" };
        for (key, opens) in [
            (keys[0].as_str(), true),
            (&keys[1], true),
            (&keys.join(" "), false),
            (KEY, false),
            ("", false),
        ] {
            // What providers call is opened by their signature alone.
            let expected = if opens && !path.starts_with("/messages/") {
                200
            } else {
                401
            };
            let (status, answer) = app
                .send(method, &path, &format!("Bearer {key}"), body)
                .await?;
            assert_eq!(status, expected, "{method} {path} {key}: {answer}");
        }
    }
    // The scheduler itself has to present one of them.
    db.add_many_contacts(5).await?;
    db.owner
        .batch_execute("update cycles set completed_at = completed_at - interval '1 hour'")
        .await?;
    let (_, answer) = app
        .send("POST", "/tick", &format!("Bearer {}", keys[1]), "")
        .await?;
    assert_eq!(answer["runs"][0]["http_status"], 200, "{answer}");
    assert_eq!(answer["status"], json!("done"));
    Ok(())
}

#[tokio::test]
async fn a_short_service_key_admits_no_request() -> anyhow::Result<()> {
    let (db, sms) = stage(1).await?;
    let app = App::start(&db, setup(&sms).with("service_key", "x")).await?;
    for (method, path) in doors(&db).await? {
        for key in ["Bearer x", "Bearer wrong", ""] {
            let (status, answer) = app.send(method, &path, key, "").await?;
            assert_eq!(
                (status, &answer["code"]),
                (500, &json!("misconfigured")),
                "{method} {path} {key}"
            );
            assert!(!answer.to_string().contains("16 bytes"), "{answer}");
        }
    }
    let log = app.log("scheduler");
    assert!(log.contains("variable service_key: ") && log.contains("shorter than 16 bytes"));
    Ok(())
}

#[tokio::test]
async fn refused_requests_are_counted_in_one_log_line() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let app = App::start(&db, Setup::offline()).await?;
    for _ in 0..1000 {
        assert_eq!(app.send("POST", "/tick", "Bearer wrong", "").await?.0, 401);
    }
    let log = app.log("scheduler");
    assert_eq!(log.matches("http_status=401").count(), 1, "{log}");
    assert!(log.contains("1 request without the right credentials"));
    assert!(log.len() < 1000, "{} bytes", log.len());
    let logs = app.stop_and_keep_logs().await;
    let log = std::fs::read_to_string(logs.path().join("scheduler.log"))?;
    assert!(
        log.contains("999 requests without the right credentials"),
        "the rest is logged at the end: {log}"
    );
    Ok(())
}
