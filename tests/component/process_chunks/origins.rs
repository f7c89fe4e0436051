//! Which servers get a source's credentials.

use baton::contract::native::call;
use process_chunks::sources::SaveSource;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{drain, near, outcome, start};
use crate::support::app::App;
use crate::support::db::Db;
use crate::support::receiver::Receiver;

const WHY: &str = "select attempts || ' ' || error_message from failed_chunks";

#[tokio::test]
async fn a_redirect_to_another_origin_gets_no_credentials() -> anyhow::Result<()> {
    let (db, given, other) = servers().await?;
    given.redirect_to(&format!("{}/jmap", other.url()));
    let app = App::start(&db, near()).await?;
    let sync_job = sync(&db, &given, json!({})).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "failed 0 1");
    assert_eq!(db.text(WHY).await?, Some(refusal(&other)));
    assert_eq!((asked(&given), asked(&other)), (vec![true], vec![]));
    Ok(())
}

#[tokio::test]
async fn an_api_on_another_origin_gets_no_credentials() -> anyhow::Result<()> {
    let (db, given, other) = servers().await?;
    given.answer_body(session(&format!("{}/steal", other.url())));
    let app = App::start(&db, near()).await?;
    let sync_job = sync(&db, &given, json!({})).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "failed 0 1");
    assert_eq!(db.text(WHY).await?, Some(refusal(&other)));
    assert_eq!((asked(&given), asked(&other)), (vec![true], vec![]));
    Ok(())
}

#[tokio::test]
async fn the_stored_api_origin_gets_the_credentials() -> anyhow::Result<()> {
    let (db, given, other) = servers().await?;
    given.answer_body(session(&format!("{}/api", other.url())));
    other.answer_body(empty_mailbox());
    let app = App::start(&db, near()).await?;
    let sync_job = sync(&db, &given, json!({ "api_origin": other.url() })).await?;
    drain(&db, &app).await?;
    assert_eq!(
        outcome(&db, sync_job).await?,
        "completed 1 0",
        "{:?}",
        db.text(WHY).await?
    );
    assert_eq!((asked(&given), asked(&other)), (vec![true], vec![true]));
    Ok(())
}

#[tokio::test]
async fn an_api_origin_that_changes_later_gets_no_credentials() -> anyhow::Result<()> {
    let (db, given, other) = servers().await?;
    let third = Receiver::start().await?;
    given.answer_body(session(&format!("{}/api", third.url())));
    let app = App::start(&db, near()).await?;
    let sync_job = sync(&db, &given, json!({ "api_origin": other.url() })).await?;
    drain(&db, &app).await?;
    assert_eq!(outcome(&db, sync_job).await?, "failed 0 1");
    assert_eq!(db.text(WHY).await?, Some(refusal(&third)));
    assert_eq!((asked(&other), asked(&third)), (vec![], vec![]));
    Ok(())
}

async fn servers() -> anyhow::Result<(Db, Receiver, Receiver)> {
    Ok((
        Db::new().await?,
        Receiver::start().await?,
        Receiver::start().await?,
    ))
}

fn refusal(other: &Receiver) -> String {
    let url = other.url();
    format!("1 the server now names {url}; run `baton sync add` again to allow it")
}

/// Of each request, whether it carried credentials.
fn asked(server: &Receiver) -> Vec<bool> {
    let received = server.received();
    received
        .iter()
        .map(|it| it.headers().contains_key("authorization"))
        .collect()
}

fn session(api_url: &str) -> String {
    let (core, mail) = ("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail");
    json!({
        "apiUrl": api_url,
        "capabilities": { core: {}, mail: {} },
        "accounts": { "a": {} },
        "primaryAccounts": { mail: "a" },
    })
    .to_string()
}

fn empty_mailbox() -> String {
    let responses = json!([
        ["Email/get", { "state": "1", "list": [] }, "state"],
        ["Email/query", { "ids": [], "total": 0 }, "list"],
    ]);
    json!({ "methodResponses": responses }).to_string()
}

async fn sync(db: &Db, server: &Receiver, settings: Value) -> anyhow::Result<Uuid> {
    let source = SaveSource {
        name: "mail".to_owned(),
        kind: "jmap".to_owned(),
        url: format!("{}/jmap", server.url()),
        username: Some("alice".to_owned()),
        secret: Some("wonderland".to_owned()),
        settings,
        who: "test".to_owned(),
    };
    call(&db.owner, source).await?;
    start(db, "mail", true).await
}
