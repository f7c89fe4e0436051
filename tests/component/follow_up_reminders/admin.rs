//! Correcting by hand when an assignment was last followed up.

use baton::webhook::{self, secret_text};
use serde_json::{Value, json};

use crate::support::app::{App, KEY, Setup};
use crate::support::db::Db;

const TO: &str = "2026-11-20T10:00:00Z";
/// Whatever a refused correction could have changed.
const TRACES: &str = "select (select count(*) from events) + (select count(*) from assignments where last_contact_date is not null)";

/// A database with one assignment, and the path of its correction.
async fn assignment() -> anyhow::Result<(Db, String)> {
    let db = Db::new().await?;
    db.freeze_at("2026-11-22 12:00:00+00").await?;
    let sql = "insert into assignments default values returning id::text";
    let id: String = db.owner.query_one(sql, &[]).await?.get(0);
    Ok((db, path(&id)))
}

fn path(id: &str) -> String {
    format!("/admin/assignments/{id}/last-contact-date")
}

fn correction(date: Value) -> Value {
    json!({ "last_contact_date": date, "who": "Ada", "why": "it was logged by phone" })
}

async fn patch(app: &App, path: &str, body: &str) -> anyhow::Result<(u16, Value)> {
    app.send("PATCH", path, &format!("Bearer {KEY}"), body)
        .await
}

#[tokio::test]
async fn a_correction_counts_and_is_on_the_record() -> anyhow::Result<()> {
    let (db, path) = assignment().await?;
    let app = App::start(&db, Setup::offline()).await?;
    for (date, from, to) in [
        (json!(TO), Value::Null, json!("2026-11-20T10:00:00+00:00")),
        (
            json!("2026-11-21T09:30:00+02:00"),
            json!("2026-11-20T10:00:00+00:00"),
            json!("2026-11-21T07:30:00+00:00"),
        ),
        (Value::Null, json!("2026-11-21T07:30:00+00:00"), Value::Null),
    ] {
        let (status, answer) = patch(&app, &path, &correction(date.clone()).to_string()).await?;
        assert_eq!(
            (status, &answer["from"], &answer["to"]),
            (200, &from, &to),
            "{date}: {answer}"
        );
        let id = answer["assignment_id"].as_str().unwrap_or_default();
        let now: Option<String> = db
            .owner
            .query_one(
                r#"select to_char(last_contact_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') from assignments where id::text = $1"#,
                &[&id],
            )
            .await?
            .get(0);
        assert_eq!(json!(now), to, "{date}");
        let event = "select concat_ws(' | ', noun, coalesce(from_state, 'never'), coalesce(to_state, 'never'), who, why)
                     from events where noun_id = $1 order by id desc limit 1";
        let event: String = db.owner.query_one(event, &[&id]).await?.get(0);
        let [from, to] = [&from, &to].map(|it| it.as_str().unwrap_or("never"));
        assert_eq!(
            event,
            format!("assignment | {from} | {to} | Ada | it was logged by phone")
        );
    }
    assert_eq!(db.count("select count(*) from events").await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_correction_takes_effect_on_reminders() -> anyhow::Result<()> {
    let (db, path) = assignment().await?;
    db.owner
        .execute("update assignments set created_at = '2026-01-01'", &[])
        .await?;
    let app = App::start(&db, Setup::offline()).await?;
    patch(&app, &path, &correction(json!(TO)).to_string()).await?;
    let (_, answer) = app.remind().await?;
    assert_eq!(answer["reason"], "nothing_due", "{answer}");
    patch(&app, &path, &correction(Value::Null).to_string()).await?;
    let (_, answer) = app.remind().await?;
    assert_eq!(answer["status"], "ran", "{answer}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_correction_is_said_and_changes_nothing() -> anyhow::Result<()> {
    let (db, path) = assignment().await?;
    let app = App::start(&db, Setup::offline()).await?;
    let with = |field: &str, value: Value| {
        let mut body = correction(json!(TO));
        body[field] = value;
        body.to_string()
    };
    let without = |field: &str| {
        let mut body = correction(json!(TO));
        body.as_object_mut().expect("it is an object").remove(field);
        body.to_string()
    };
    let long = "x".repeat(501);
    let huge = with("why", json!("x".repeat(17_000)));
    for (body, expected_status, expected) in [
        ("", 400, "body"),
        ("{", 400, "body"),
        ("[]", 400, "body"),
        (&with("because", json!("x")), 422, "because"),
        (&without("who"), 422, "who"),
        (&without("why"), 422, "why"),
        (&without("last_contact_date"), 422, "last_contact_date"),
        (&with("who", json!(" ")), 422, "who"),
        (&with("who", json!(7)), 422, "expected a string"),
        (&with("why", json!("")), 422, "why"),
        (&with("why", json!(long)), 422, "why"),
        (&with("why", json!("a\0b")), 422, "why"),
        (
            &with("last_contact_date", json!("2026-11-20")),
            422,
            "RFC 3339",
        ),
        (
            &with("last_contact_date", json!("yesterday")),
            422,
            "RFC 3339",
        ),
        (&with("last_contact_date", json!("")), 422, "RFC 3339"),
        (
            &with("last_contact_date", json!(1_700_000_000)),
            422,
            "expected a string",
        ),
        (
            &with("last_contact_date", json!("2026-02-30T10:00:00Z")),
            422,
            "RFC 3339",
        ),
        (
            &with("last_contact_date", json!("2026-11-22T12:00:01Z")),
            422,
            "between 1970 and now",
        ),
        (
            &with("last_contact_date", json!("1969-12-31T23:59:59Z")),
            422,
            "1970",
        ),
        (&huge, 413, "16384"),
    ] {
        let (status, answer) = patch(&app, &path, body).await?;
        assert_eq!(status, expected_status, "{body}: {answer}");
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{body}: {answer}");
    }
    assert_eq!(db.count(TRACES).await?, 0);
    Ok(())
}

#[tokio::test]
async fn what_is_no_assignment_cannot_be_corrected() -> anyhow::Result<()> {
    let (db, right) = assignment().await?;
    let app = App::start(&db, Setup::offline()).await?;
    let body = correction(json!(TO)).to_string();
    for (wrong, code) in [
        (
            path("00000000-0000-4000-8000-000000000000"),
            "no_such_thing",
        ),
        (path("7"), "no_such_thing"),
        (
            path("'; drop table assignments; --").replace(' ', "%20"),
            "no_such_thing",
        ),
        (path(&"x".repeat(201)), "not_found"),
        (path("%00"), "not_found"),
        (path("%FF"), "not_found"),
        (path(""), "not_found"),
        (format!("{right}/"), "not_found"),
        (right.replace("/last-contact-date", ""), "not_found"),
        (right.replace("last-contact-date", "status"), "not_found"),
    ] {
        let (status, answer) = patch(&app, &wrong, &body).await?;
        assert_eq!((status, &answer["code"]), (404, &json!(code)), "{wrong}");
    }
    assert_eq!(db.count(TRACES).await?, 0);
    Ok(())
}

#[tokio::test]
async fn only_patch_with_the_key_corrects_whatever_is_signed() -> anyhow::Result<()> {
    let (db, path) = assignment().await?;
    let text = secret_text(&[7; 32]);
    let app = App::start(&db, Setup::offline().with("webhook_secret", text.as_str())).await?;
    let body = correction(json!(TO)).to_string();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        let (status, answer) = app
            .send(method, &path, &format!("Bearer {KEY}"), &body)
            .await?;
        assert_eq!(status, 405, "{method}");
        assert_eq!(answer["message"], "use PATCH", "{method}");
    }
    for key in ["", "Bearer wrong", KEY] {
        let (status, answer) = app.send("PATCH", &path, key, &body).await?;
        assert_eq!((status, &answer["code"]), (401, &json!("unauthorized")));
    }
    let now = db
        .count("select extract(epoch from clock_timestamp())")
        .await?;
    let at = u64::try_from(now)?;
    let signature = webhook::sign(&webhook::secrets(&text)?, "msg_1", at, body.as_bytes());
    let at = at.to_string();
    let headers = [
        (webhook::ID, "msg_1"),
        (webhook::TIMESTAMP, at.as_str()),
        (webhook::SIGNATURE, signature.as_str()),
    ];
    for method in ["PATCH", "POST"] {
        let (status, answer) = app.send_with(method, &path, &headers, &body).await?;
        assert_eq!(status, 401, "{method}: {answer}");
    }
    assert_eq!(db.count(TRACES).await?, 0);
    // The same signature opens what takes signatures.
    let (status, answer) = app
        .post_with("/jobs/follow-up-reminders", &headers, &body)
        .await?;
    assert_eq!(status, 400, "it is known, and its body is not: {answer}");
    Ok(())
}
