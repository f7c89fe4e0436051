use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::baton::{Home, Running};
use crate::support::db::Db;
use crate::support::until;

/// A sound secret, and no deployment's.
const OTHER_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The newest session that listens for wakes.
const LISTENER: &str = "select max(pid) filter (where backend_start = newest) from (
    select pid, backend_start, max(backend_start) over () as newest from pg_stat_activity
    where datname = current_database() and state = 'idle' and query like 'listen %') s";

async fn relay(home: &Home, db: &Db, url: &str) -> anyhow::Result<Running> {
    Running::start(home.command(db, &["--json", "relay", "--url", url])?).await
}

async fn until_all_is_done(db: &Db) -> anyhow::Result<()> {
    until("all chunks and contacts are done", async || {
        let left = "select (select count(*) from chunk_processing_queue where status in ('pending', 'processing'))
                         + (select count(*) from contacts where email_validation_status is null)";
        Ok((db.count(left).await? == 0).then_some(()))
    })
    .await
}

#[tokio::test]
async fn signed_wakes_alone_get_chunks_and_contacts_done() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let up = home.up(&db, &["--no-wakes", "--dns", "off"]).await?;
    let relay = relay(&home, &db, &up.url).await?;
    db.add_sync("forty", 40).await?;
    db.add_many_contacts(30).await?;
    until_all_is_done(&db).await?;
    let triggers = "select distinct job || ' ' || trigger from baton.attempts order by 1";
    assert_eq!(
        db.list(triggers, &[]).await?,
        ["process-chunks wake", "validate-contacts wake"]
    );
    assert_eq!(relay.interrupt().await?, Some(130));
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn a_relay_that_loses_its_connection_delivers_again_afterwards() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let up = home.up(&db, &["--no-wakes"]).await?;
    let relay = relay(&home, &db, &up.url).await?;
    let listener = async || db.text(LISTENER).await;
    let first = listener().await?;
    let its_pid = format!("pid = {}", first.clone().unwrap_or_default());
    assert_eq!(db.end_sessions(&its_pid).await?, 1);
    until("another session listens", async || {
        let now = listener().await?;
        Ok((now.is_some() && now != first).then_some(()))
    })
    .await?;
    db.add_sync("four", 4).await?;
    until_all_is_done(&db).await?;
    assert_eq!(relay.interrupt().await?, Some(130));
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn a_relay_with_a_wrong_secret_changes_nothing_and_says_what_to_do() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let up = home.up(&db, &["--no-wakes"]).await?;
    let mut command = home.command(&db, &["relay", "--url", &up.url])?;
    let mut relay = command
        .env("BATON_WEBHOOK_SECRET", OTHER_SECRET)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut shown =
        BufReader::new(relay.stdout.take().context("standard output is piped")?).lines();
    let said = relay.stderr.take().context("standard error is piped")?;
    let says = shown.next_line().await?.unwrap_or_default();
    assert!(says.contains("Ctrl-C ends it"), "{says}");
    db.add_sync("four", 4).await?;
    let mut said = BufReader::new(said).lines();
    let refusal = async {
        loop {
            let line = said.next_line().await?.context("it has ended")?;
            if line.contains("refuses the signature") {
                return anyhow::Ok(line);
            }
        }
    };
    let refusal = tokio::time::timeout(std::time::Duration::from_secs(20), refusal).await??;
    assert!(
        refusal.contains("webhook_secret") && !refusal.contains(OTHER_SECRET),
        "{refusal}"
    );
    assert_eq!(db.count("select count(*) from baton.attempts").await?, 0);
    assert_eq!(db.count("select count(*) from baton.runs").await?, 0);
    relay.kill().await?;
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn a_relay_that_cannot_sign_does_not_start_and_says_what_to_do() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let url = "http://127.0.0.1:1";
    for (secret, expected) in [
        (None, "there is no webhook secret"),
        (Some("not a secret"), "whsec_"),
        (Some("whsec_AAAA"), "at least"),
    ] {
        let mut command = home.command(&db, &["relay", "--url", url])?;
        if let Some(secret) = secret {
            command.env("BATON_WEBHOOK_SECRET", secret);
        }
        let out = command.output().await?;
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{err}");
        assert!(
            err.contains(expected) && err.contains("BATON_WEBHOOK_SECRET"),
            "{err}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_address_without_a_scheme_is_refused_with_an_example() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    for command in ["relay", "tick", "status"] {
        let (code, _, err) = home
            .run(&db, &[command, "--url", "jobs.example.com"])
            .await?;
        assert!(
            code == 2 && err.contains("not an address like https://"),
            "{command}: {code} {err}"
        );
    }
    Ok(())
}
