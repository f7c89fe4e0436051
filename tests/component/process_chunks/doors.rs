//! Who may ask for chunks to be processed, and whom that may ask.

use baton::webhook::{self, TOLERANCE};
use serde_json::json;

use super::{drain, items, near, outcome, sync_pages};
use crate::support::app::App;
use crate::support::bouncer::Bouncer;
use crate::support::db::Db;
use crate::support::pages::{Pages, RECORDS};
use crate::support::until;

const PATH: &str = "/jobs/process-chunks";
/// Whatever a refused call could have changed.
const TRACES: &str = "select (select count(*) from baton.attempts) + (select count(*) from baton.runs)
                           + (select count(*) from chunk_processing_queue where status <> 'pending')";

#[tokio::test]
async fn a_signature_opens_the_door_while_it_is_fresh_and_fits() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_sync("trial", 3).await?;
    let [text, other] = [7, 8].map(|it| webhook::secret_text(&[it; 32]));
    let app = App::start(&db, near().with("webhook_secret", text.as_str())).await?;
    let (secrets, others) = (webhook::secrets(&text)?, webhook::secrets(&other)?);
    let now = db
        .count("select extract(epoch from clock_timestamp())")
        .await?;
    let now = u64::try_from(now)?;
    let body = r#"{"trigger":"wake"}"#;
    let post = async |signed_by, signed_body: &str, at: u64| {
        let signature = webhook::sign(signed_by, "msg_1", at, signed_body.as_bytes());
        let at = at.to_string();
        let headers = [
            (webhook::ID, "msg_1"),
            (webhook::TIMESTAMP, at.as_str()),
            (webhook::SIGNATURE, signature.as_str()),
        ];
        app.post_with(PATH, &headers, body).await
    };
    let minute = 60;
    for (what, signed_by, signed_body, at) in [
        ("expired", &secrets, body, now - TOLERANCE - minute),
        ("of the future", &secrets, body, now + TOLERANCE + minute),
        ("for another body", &secrets, r#"{"trigger":"manual"}"#, now),
        ("by another secret", &others, body, now),
    ] {
        let (status, answer) = post(signed_by, signed_body, at).await?;
        assert_eq!(status, 401, "a signature {what}: {answer}");
    }
    assert_eq!(db.count(TRACES).await?, 0);
    let (status, answer) = post(&secrets, body, now - minute).await?;
    assert_eq!((status, &answer["completed"]), (200, &json!(3)), "{answer}");
    Ok(())
}

/// The failure of a URL that may not be asked.
fn denied(url: &str) -> Option<String> {
    let url = url.parse::<hyper::Uri>().ok()?;
    let (scheme, authority) = (url.scheme_str()?, url.authority()?.as_str().to_lowercase());
    // As the URL standard writes these addresses.
    let authority = authority
        .replace("0x7f.1", "127.0.0.1")
        .replace("127.0.0.1]", "7f00:1]");
    Some(format!(
        "1 the variable sync_hosts does not allow {scheme}://{authority}; `*` allows public addresses only"
    ))
}

#[tokio::test]
async fn a_host_that_sync_hosts_does_not_allow_is_not_asked() -> anyhow::Result<()> {
    let pages = Pages::start(1).await?;
    let url = format!("http://localhost:{}/records", pages.port());
    let failure = only_failure("http://127.0.0.1:*", &url).await?;
    assert_eq!(
        failure,
        denied(&url),
        "at once, because it would not help to try again"
    );
    assert_eq!(pages.asked_in_all(), 0);
    Ok(())
}

#[tokio::test]
async fn a_wildcard_does_not_reach_addresses_of_the_machine() -> anyhow::Result<()> {
    let pages = Pages::start(1).await?;
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{}/records", pages.port());
        let failure = only_failure("http://*:*", &url).await?;
        assert_eq!(failure, denied(&url), "{host}");
    }
    assert_eq!(pages.asked_in_all(), 0);
    Ok(())
}

#[tokio::test]
async fn a_literal_reaches_an_address_of_the_machine() -> anyhow::Result<()> {
    let pages = Pages::start(1).await?;
    let url = format!("http://localhost:{}/records", pages.port());
    let allowed = format!("http://localhost:{}", pages.port());
    assert_eq!(only_failure(&allowed, &url).await?, None);
    assert_eq!(pages.asked_in_all(), 1);
    Ok(())
}

#[tokio::test]
async fn a_wildcard_does_not_reach_another_component() -> anyhow::Result<()> {
    let url = "http://scheduler.spin.internal/tick";
    let failure = only_failure("http://*:*", url).await?;
    assert_eq!(failure, denied(url));
    let url = "http://SCHEDULER.spin.internal/tick";
    let failure = only_failure("http://*.internal", url).await?;
    assert_eq!(failure, denied(url));
    Ok(())
}

/// Syncs a source of one page at `url`; why that failed, after how many attempts.
async fn only_failure(sync_hosts: &str, url: &str) -> anyhow::Result<Option<String>> {
    let db = Db::new().await?;
    let app = App::start(&db, near().with("sync_hosts", sync_hosts)).await?;
    let sync_job = sync_pages(&db, url.to_owned(), 4).await?;
    drain(&db, &app).await?;
    let failure = db
        .text("select attempts || ' ' || error_message from failed_chunks")
        .await?;
    let expected = match failure {
        Some(_) => "failed 0 1",
        None => "completed 1 0",
    };
    assert_eq!(outcome(&db, sync_job).await?, expected, "{failure:?}");
    Ok(failure)
}

#[tokio::test]
async fn a_sync_works_behind_a_pooler() -> anyhow::Result<()> {
    let (db, pages) = (Db::new().await?, Pages::start(8).await?);
    let pooler = Bouncer::start(db.port, &db.logins().await?, 2).await?;
    let mut setup = near();
    setup.bouncer = Some(pooler.port());
    let app = App::start(&db, setup).await?;
    let sync_job = sync_pages(&db, pages.url(), 4).await?;
    until("the sync is completed", async || {
        assert_eq!(app.tick().await?.0, 200);
        let done = outcome(&db, sync_job).await? == "completed 8 0";
        Ok(done.then_some(()))
    })
    .await?;
    assert_eq!(items(&db).await?, 8 * RECORDS);
    assert_eq!(db.left_behind().await?, 0);
    Ok(())
}
