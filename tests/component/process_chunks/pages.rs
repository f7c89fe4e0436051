use std::time::Duration;

use baton::contract::native::call;
use futures::future::join_all;
use process_chunks::sources::SaveSource;
use serde_json::json;

use super::{drain, items, near, outcome, start, sync_pages};
use crate::support::app::App;
use crate::support::db::Db;
use crate::support::pages::{Pages, RECORDS, Trouble};
use crate::support::receiver::Receiver;
use crate::support::until;

#[tokio::test]
async fn a_poison_page_is_given_up_after_three_attempts_and_holds_up_no_other() -> anyhow::Result<()>
{
    let (db, pages) = (Db::new().await?, Pages::start(6).await?);
    let app = App::start(&db, near()).await?;
    pages.break_page(3, Trouble::Broken);
    let sync_job = sync_pages(&db, pages.url(), 4).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "partial_failure 5 1");
    assert_eq!(
        (pages.asked(3), pages.asked_in_all(), items(&db).await?),
        (3, 3 + 5, 5 * RECORDS)
    );
    let why = "select concat_ws(' ', work->>'number', attempts, error_message) from failed_chunks";
    assert_eq!(
        db.text(why).await?.as_deref(),
        Some("3 3 the source is in trouble (500)")
    );
    pages.heal();
    db.owner
        .execute("select retry_sync('records', 'test')", &[])
        .await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 6 0");
    assert_eq!(
        (pages.asked_in_all(), items(&db).await?),
        (3 + 5 + 1, 6 * RECORDS),
        "nothing but the page that failed is asked for again"
    );
    Ok(())
}

#[tokio::test]
async fn a_source_that_asks_for_patience_is_asked_by_nobody_and_no_attempt_counts()
-> anyhow::Result<()> {
    let (db, pages) = (Db::new().await?, Pages::start(4).await?);
    let app = App::start(&db, near()).await?;
    pages.break_page(2, Trouble::Patience(90));
    let sync_job = sync_pages(&db, pages.url(), 4).await?;
    app.process().await?;
    app.process().await?;
    let asked = pages.asked_in_all();
    for answer in join_all((0..4).map(|_| app.process())).await {
        let (status, answer) = answer?;
        assert_eq!(
            (status, &answer["reason"]),
            (409, &json!("all_sources_busy")),
            "{answer}"
        );
    }
    assert_eq!((asked, pages.asked_in_all()), (2, 2));
    let wait = "select blocked_until between now() + interval '80 seconds' and now() + interval '90 seconds' from item_groups";
    assert_eq!(db.text(wait).await?.as_deref(), Some("true"));
    let attempts = "select max(attempts) from chunk_processing_queue where status <> 'completed'";
    assert_eq!(db.count(attempts).await?, 0);
    pages.heal();
    db.owner
        .batch_execute("update item_groups set blocked_until = now()")
        .await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 4 0");
    assert_eq!(
        db.count("select max(attempts) from chunk_processing_queue")
            .await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn a_source_is_never_asked_more_at_once_than_it_allows() -> anyhow::Result<()> {
    let (db, pages) = (Db::new().await?, Pages::start(9).await?);
    let app = App::start(&db, near()).await?;
    let sync_job = sync_pages(&db, pages.url(), 2).await?;
    app.process().await?;
    pages.hold();
    let calls = join_all((0..8).map(|_| app.process()));
    let release = async {
        // The other six are sent away while two wait for the source.
        until("six calls are sent away", async || {
            let sent_away = "select count(*) from runs where reason = 'all_sources_busy'";
            Ok((db.count(sent_away).await? >= 6).then_some(()))
        })
        .await?;
        until("two are asking", async || {
            Ok((pages.under_way() == 2).then_some(()))
        })
        .await?;
        pages.release();
        anyhow::Ok(())
    };
    let (answers, released) = futures::join!(calls, release);
    released?;
    let mut statuses = Vec::new();
    for answer in answers {
        statuses.push(answer?.0);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 409, 409, 409, 409, 409, 409]);
    for _ in 0..4 {
        join_all((0..8).map(|_| app.process())).await;
    }
    drain(&db, &app).await?;
    // Of two calls that each take the other for the last one, neither ends the sync; the sweep of a tick does.
    app.tick().await?;
    assert_eq!(outcome(&db, sync_job).await?, "completed 9 0");
    assert_eq!((pages.most_at_once(), pages.asked_in_all()), (2, 9));
    Ok(())
}

#[tokio::test]
async fn refused_credentials_are_not_tried_page_after_page() -> anyhow::Result<()> {
    let (db, pages) = (Db::new().await?, Pages::start(9).await?);
    let app = App::start(&db, near()).await?;
    db.configure_job("process-chunks", json!({ "batch_size": 4 }))
        .await?;
    let sync_job = sync_pages(&db, pages.url(), 4).await?;
    app.process().await?;
    (2..=9).for_each(|it| pages.break_page(it, Trouble::Refused));
    app.process().await?;
    app.tick().await?;
    assert_eq!(outcome(&db, sync_job).await?, "failed 1 8");
    assert_eq!(pages.asked_in_all(), 2, "page 1, and one that is refused");
    Ok(())
}

#[tokio::test]
async fn a_chunk_that_takes_longer_than_its_lease_keeps_it() -> anyhow::Result<()> {
    let (db, pages) = (Db::new().await?, Pages::start(1).await?);
    let app = App::start(&db, near()).await?;
    let lease = json!({ "lease_seconds": 5 });
    db.configure_job("process-chunks", lease).await?;
    let sync_job = sync_pages(&db, pages.url(), 4).await?;
    pages.hold();
    let others = async {
        // Longer than the lease, shorter than a source may take; a dead attempt would be swept by the others' claims.
        for _ in 0..7 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            app.process().await?;
        }
        pages.release();
        anyhow::Ok(())
    };
    let (answer, others) = futures::join!(app.process(), others);
    others?;
    let (status, answer) = answer?;
    assert_eq!(
        (status, &answer["completed"]),
        (200, &json!(1)),
        "{answer} {}",
        app.log("process-chunks")
    );
    assert_eq!(outcome(&db, sync_job).await?, "completed 1 0");
    assert_eq!(pages.asked_in_all(), 1, "nobody took it over");
    Ok(())
}

#[tokio::test]
async fn an_answer_of_too_many_values_fails_its_chunk_only() -> anyhow::Result<()> {
    let server = Receiver::start().await?;
    let list = |records: String| format!(r#"{{"records":[{records}],"text":""#);
    let many: String = (1..38_000).map(|it| format!(r#"{{"id":{it}}},"#)).collect();
    let refused = Some(
        "1 the answer is too large to read; ask for smaller pages, by the address or by --page-size",
    );
    for (mut body, expected) in [
        (list("0,".repeat(4_000_000) + "0"), refused),
        (list(r#"{"id":1},"#.repeat(900_000) + "{}"), refused),
        // As heavy as an answer may be.
        (list(many + r#"{"id":0}"#), None),
    ] {
        body.push_str(&"x".repeat((8 << 20) - body.len() - 2));
        body.push_str("\"}");
        server.answer_body(body);
        let db = Db::new().await?;
        let app = App::start(&db, near()).await?;
        let source = SaveSource {
            name: "records".to_owned(),
            kind: "json".to_owned(),
            url: server.url(),
            username: None,
            secret: None,
            settings: json!({ "records": "/records" }),
            who: "test".to_owned(),
        };
        call(&db.owner, source).await?;
        let sync_job = start(&db, "records", true).await?;
        drain(&db, &app).await?;
        let failure = db
            .text("select attempts || ' ' || error_message from failed_chunks")
            .await?;
        let logs = app.log("process-chunks");
        assert_eq!(failure.as_deref(), expected, "{logs}");
        let ended = ["failed 0 1", "completed 1 0"][usize::from(expected.is_none())];
        assert_eq!(outcome(&db, sync_job).await?, ended);
        assert!(!logs.contains("trap"), "{logs}");
    }
    Ok(())
}
