//! Whether a listing is whole, by real requests. How servers lead from page to page is tested beside `paged`.

use baton::contract::native::call;
use bytes::Bytes;
use hyper::{Request, Response, StatusCode};
use process_chunks::sources::SaveSource;
use serde_json::{Value, json};

use super::{drain, items, near, outcome, start};
use crate::support::app::App;
use crate::support::db::Db;
use crate::support::scripted::Scripted;

const WHY: &str = "select error_message from failed_chunks";

/// The page that a request asks for.
fn page(request: &Request<Bytes>) -> u64 {
    let query = request.uri().query().unwrap_or_default();
    let number = query
        .split('&')
        .find_map(|it| it.strip_prefix("page=")?.parse().ok());
    number.unwrap_or(1)
}

/// Ten records of a page.
fn records(page: u64) -> Value {
    (page * 10..page * 10 + 10)
        .map(|it| json!({ "id": it }))
        .collect()
}

fn reply(body: &Value) -> Response<Bytes> {
    Response::new(body.to_string().into())
}

async fn add(db: &Db, url: String, secret: Option<&str>, settings: Value) -> anyhow::Result<()> {
    let source = SaveSource {
        name: "records".to_owned(),
        kind: "json".to_owned(),
        url,
        username: None,
        secret: secret.map(str::to_owned),
        settings,
        who: "test".to_owned(),
    };
    call(&db.owner, source).await?;
    Ok(())
}

#[tokio::test]
async fn link_headers_are_followed_with_the_key_in_its_header() -> anyhow::Result<()> {
    let server = Scripted::start(|request| {
        let page = page(request);
        let mut response = reply(&records(page));
        if page < 3 {
            let link = format!("<{}?page={}>; rel=\"next\"", request.uri().path(), page + 1);
            for link in ["</x?page=9>; rel=last", &link] {
                response
                    .headers_mut()
                    .append("link", link.parse().expect("it is a header"));
            }
        }
        response
    })
    .await?;
    let db = Db::new().await?;
    let app = App::start(&db, near()).await?;
    let settings = json!({ "secret_header": "X-API-Key", "headers": { "Accept": "application/vnd.api+json" } });
    add(&db, server.url("/things"), Some("open-sesame"), settings).await?;
    let sync_job = start(&db, "records", true).await?;
    drain(&db, &app).await?;
    assert_eq!(
        outcome(&db, sync_job).await?,
        "completed 3 0",
        "{:?}",
        db.text(WHY).await?
    );
    assert_eq!(items(&db).await?, 30);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for request in asked {
        let header = |name: &str| {
            request
                .headers()
                .get_all(name)
                .iter()
                .map(|it| it.as_bytes().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(header("x-api-key"), [b"open-sesame"]);
        assert_eq!(header("accept"), [b"application/vnd.api+json"]);
        assert!(header("authorization").is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_listing_that_is_not_whole_fails_and_prunes_nothing() -> anyhow::Result<()> {
    let pages = |request: &Request<Bytes>| {
        let page = page(request);
        reply(&json!({ "items": records(page), "total_pages": 3 }))
    };
    let server = Scripted::start(pages).await?;
    let db = Db::new().await?;
    let app = App::start(&db, near()).await?;
    let numbered = json!({ "records": "/items", "page_param": "page", "pages": "/total_pages" });
    add(&db, server.url("/"), None, numbered).await?;
    start(&db, "records", true).await?;
    drain(&db, &app).await?;
    assert_eq!(items(&db).await?, 30);
    add(&db, server.url("/"), None, json!({ "records": "/items" })).await?;
    for (more, why) in [
        (json!({ "total": 30 }), "/total = 30"),
        (json!({ "has_more": true }), "/has_more = true"),
        (json!({ "next": "/?page=2" }), "round in circles"),
        (json!({ "next_cursor": "abc" }), "--cursor /next_cursor"),
        (
            json!({ "ok": false, "error": "busy" }),
            "answers with an error: busy",
        ),
    ] {
        server.answer(move |request| {
            // Page 1 names 2, and 2 names 1.
            let page = page(request);
            let mut body = json!({ "items": records(page) });
            if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
                body.extend(more.clone());
                if body.contains_key("next") {
                    body.insert("next".to_owned(), format!("/?page={}", 3 - page).into());
                }
            }
            reply(&body)
        });
        let sync_job = start(&db, "records", true).await?;
        drain(&db, &app).await?;
        let ended = outcome(&db, sync_job).await?;
        assert!(
            ended.ends_with(" 1") && !ended.starts_with("completed"),
            "{why}: {ended}"
        );
        let failure = db.text("select error_message from chunk_processing_status order by created_at desc limit 1").await?;
        assert!(
            failure.as_ref().is_some_and(|it| it.contains(why)),
            "{why}: {failure:?}"
        );
        assert_eq!(items(&db).await?, 30, "{why}");
    }
    Ok(())
}

#[tokio::test]
async fn numbers_reach_the_table_with_every_digit() -> anyhow::Result<()> {
    const BODY: &str = r#"[{"id":18446744073709551617,"n":[123456789012345678901234567890]},{"id":18446744073709551618,"amount":12345678901234567.89},
        {"id":"18446744073709551619","price":1.10,"small":-0.00000000000000000000000000001}]"#;
    let server = Scripted::start(|_| Response::new(BODY.into())).await?;
    let db = Db::new().await?;
    let app = App::start(&db, near()).await?;
    add(&db, server.url("/"), None, json!({})).await?;
    start(&db, "records", true).await?;
    drain(&db, &app).await?;
    let rows = db
        .list(
            "select id || ' ' || payload::text from synced_emails order by id",
            &[],
        )
        .await?;
    assert_eq!(
        rows,
        [
            r#"18446744073709551617 {"n": [123456789012345678901234567890], "id": 18446744073709551617}"#,
            r#"18446744073709551618 {"id": 18446744073709551618, "amount": 12345678901234567.89}"#,
            r#"18446744073709551619 {"id": "18446744073709551619", "price": 1.10, "small": -0.00000000000000000000000000001}"#,
        ]
    );
    Ok(())
}

#[tokio::test]
async fn records_that_come_twice_count_once() -> anyhow::Result<()> {
    let server = Scripted::start(|request| {
        let page = page(request);
        let records: Value = (page * 5..page * 5 + 10)
            .map(|it| json!({ "id": it }))
            .collect();
        reply(&json!({ "items": records, "pages": 2 }))
    })
    .await?;
    let db = Db::new().await?;
    let app = App::start(&db, near()).await?;
    let numbered = json!({ "records": "/items", "page_param": "page", "pages": "/pages" });
    add(&db, server.url("/"), None, numbered).await?;
    for _ in 0..2 {
        start(&db, "records", true).await?;
        drain(&db, &app).await?;
        let counted = "select synced_items::text from chunk_processing_status order by created_at desc limit 1";
        assert_eq!(db.text(counted).await?.as_deref(), Some("15"));
    }
    assert_eq!(items(&db).await?, 15);
    Ok(())
}

#[tokio::test]
async fn a_403_about_a_rate_limit_waits_and_costs_no_try() -> anyhow::Result<()> {
    let server = Scripted::start(|_| {
        let mut response = reply(&json!({ "message": "API rate limit exceeded" }));
        *response.status_mut() = StatusCode::FORBIDDEN;
        for (name, value) in [("x-ratelimit-remaining", "0"), ("retry-after", "90")] {
            response
                .headers_mut()
                .insert(name, value.parse().expect("it is a header"));
        }
        response
    })
    .await?;
    let db = Db::new().await?;
    let app = App::start(&db, near()).await?;
    add(&db, server.url("/"), Some("open-sesame"), json!({})).await?;
    let sync_job = start(&db, "records", true).await?;
    app.process().await?;
    let wait = "select blocked_until between now() + interval '80 seconds' and now() + interval '90 seconds' from item_groups";
    assert_eq!(db.text(wait).await?.as_deref(), Some("true"));
    assert_eq!(outcome(&db, sync_job).await?, "processing 0 0");
    server.answer(|_| reply(&records(1)));
    db.owner
        .batch_execute("update item_groups set blocked_until = now()")
        .await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 1 0");
    assert_eq!(
        db.count("select max(attempts) from chunk_processing_queue")
            .await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn the_views_show_no_key_of_a_url() -> anyhow::Result<()> {
    let server = Scripted::start(|request| match page(request) {
        1 => reply(&json!({ "items": records(1), "next": "?page=2&api_key=open-sesame" })),
        _ => Response::builder()
            .status(404)
            .body(Bytes::new())
            .expect("it is a response"),
    })
    .await?;
    let db = Db::new().await?;
    let app = App::start(&db, near()).await?;
    let url = server.url("/?api_key=open-sesame&access_token=open-sesame&state=open");
    add(&db, url, None, json!({ "records": "/items" })).await?;
    start(&db, "records", true).await?;
    drain(&db, &app).await?;
    let shown =
        "select concat_ws(' ', to_jsonb(o), to_jsonb(f)) from sync_overview o, failed_chunks f";
    let shown = db.text(shown).await?.unwrap_or_default();
    assert!(!shown.contains("open-sesame"), "{shown}");
    assert!(
        shown.contains("?api_key=***&access_token=***&state=open")
            && shown.contains("page=2&api_key=***"),
        "{shown}"
    );
    Ok(())
}
