//! Syncs against real servers, call by call.

mod doors;
mod jmap;
mod jmap_quirks;
mod listings;
mod origins;
mod pages;
mod queue;

use baton::contract::native::call;
use process_chunks::source::sealed;
use process_chunks::sources::SaveSource;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{App, Setup};
use crate::support::db::Db;
use crate::support::jmap::{Jmap, PASSWORD, USER};
use crate::support::pages::Pages;

/// An application that may ask the servers of tests.
pub(super) fn near() -> Setup {
    Setup::offline().with("sync_hosts", "http://127.0.0.1:*")
}

/// Adds the source `mail`, whose chunks get 20 messages.
async fn add_mail(db: &Db, jmap: &Jmap, password: &str) -> anyhow::Result<()> {
    let source = SaveSource {
        name: "mail".to_owned(),
        kind: "jmap".to_owned(),
        url: jmap.url(),
        username: Some(USER.to_owned()),
        secret: Some(password.to_owned()),
        settings: json!({ "chunk_size": 20 }),
        who: "test".to_owned(),
    };
    call(&db.owner, source).await?;
    Ok(())
}

/// Adds the source `records` at this URL, and starts its sync.
pub(super) async fn sync_pages(db: &Db, url: String, max_parallel: u32) -> anyhow::Result<Uuid> {
    let mut settings = Pages::settings();
    settings["max_parallel"] = max_parallel.into();
    let source = SaveSource {
        name: "records".to_owned(),
        kind: "json".to_owned(),
        url,
        username: None,
        secret: None,
        settings,
        who: "test".to_owned(),
    };
    call(&db.owner, source).await?;
    start(db, "records", true).await
}

async fn start(db: &Db, source: &str, full: bool) -> anyhow::Result<Uuid> {
    let sql = "select (start_sync($1, $2, 'test')->>'sync_job_id')::uuid";
    Ok(db.owner.query_one(sql, &[&source, &full]).await?.get(0))
}

/// Calls until nothing is left to do, and makes what waits for its next attempt due at once; the answers of the calls that
/// did something.
async fn drain(db: &Db, app: &App) -> anyhow::Result<Vec<Value>> {
    let mut runs = Vec::new();
    loop {
        let sql = "update ready_items set run_at = baton.clock() where run_at > baton.clock()";
        db.owner.execute(sql, &[]).await?;
        let (status, answer) = app.process().await?;
        match answer["status"].as_str() {
            Some("ran") => runs.push(answer),
            Some("idle") => return Ok(runs),
            _ => anyhow::bail!("{status} {answer}\n{}", app.log("process-chunks")),
        }
        anyhow::ensure!(runs.len() < 500, "it goes on for ever: {runs:?}");
    }
}

/// A sync job's status, and how many of its chunks are completed and failed.
pub(super) async fn outcome(db: &Db, sync_job: Uuid) -> anyhow::Result<String> {
    let sql = "select concat_ws(' ', overall_status, completed_chunks, failed_chunks) from chunk_processing_status where parent_sync_job_id = $1::uuid::text";
    Ok(db.owner.query_one(sql, &[&sync_job]).await?.get(0))
}

/// How many items are here.
async fn items(db: &Db) -> anyhow::Result<i64> {
    db.count("select count(*) from synced_emails").await
}

#[tokio::test]
async fn an_encrypted_password_needs_its_key_and_costs_no_try_without() -> anyhow::Result<()> {
    const KEY: &str = "the-key-of-this-test";
    const OTHER: &str = "another-key-of-enough-bytes";
    let (db, jmap) = (Db::new().await?, Jmap::start(20).await?);
    let stored = sealed::seal(KEY, "mail", PASSWORD, [5; sealed::NONCE])?;
    add_mail(&db, &jmap, &stored).await?;
    let sync_job = start(&db, "mail", true).await?;
    for (keys, why) in [
        ("", "the variable source_key is not set"),
        (OTHER, "no key in the variable source_key opens the secret"),
    ] {
        let app = App::start(&db, near().with("source_key", keys)).await?;
        let (status, answer) = app.process().await?;
        assert_eq!(
            (status, &answer["code"]),
            (500, &json!("misconfigured")),
            "{answer}"
        );
        let log = app.log("process-chunks");
        assert!(log.contains("source mail: ") && log.contains(why), "{log}");
        assert!(!log.contains(OTHER) && !log.contains(&stored), "{log}");
        let chunk = "select status || ' ' || attempts from chunk_processing_queue";
        assert_eq!(db.text(chunk).await?.as_deref(), Some("pending 0"));
        let waits =
            "update item_groups set blocked_until = null where blocked_until > baton.clock()";
        assert_eq!(db.owner.execute(waits, &[]).await?, 1);
        let due = "update ready_items set run_at = baton.clock()";
        db.owner.execute(due, &[]).await?;
    }
    let keys = format!("{OTHER} {KEY}");
    let app = App::start(&db, near().with("source_key", keys)).await?;
    drain(&db, &app).await?;
    assert_eq!(items(&db).await?, 20);
    assert_eq!(outcome(&db, sync_job).await?, "completed 2 0");
    Ok(())
}
