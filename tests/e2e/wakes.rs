use std::process::Stdio;

use anyhow::Context as _;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::until;

#[tokio::test]
async fn new_contacts_wake_their_job_and_each_batch_wakes_the_next() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure(json!({ "rate_per_minute": null, "batch_size": 50 }))
        .await?;
    let home = Home::new()?;
    let up = home.up(&db, &["--dns", "off"]).await?;
    db.add_many_contacts(170).await?;
    until("all are validated, without a tick", async || {
        let left = "select count(*) from contacts where email_validation_status is null";
        Ok((db.count(left).await? == 0).then_some(()))
    })
    .await?;
    assert_eq!(
        db.list("select distinct trigger from baton.attempts", &[])
            .await?,
        ["next", "wake"]
    );
    assert_eq!(
        db.count("select count(*) from baton.attempts where outcome = 'settled'")
            .await?,
        4
    );
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn work_that_came_while_the_listener_was_cut_off_is_done_when_it_is_back()
-> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let listens = "query like 'listen%'";
    let mut command = home.command(
        &db,
        &[
            "--json",
            "up",
            "--listen",
            "127.0.0.1:0",
            "--no-tick",
            "--dns",
            "off",
        ],
    )?;
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(child.stderr.take().context("it is piped")?).lines();
    until("it listens", async || {
        Ok((db.sessions(listens).await? == 1).then_some(()))
    })
    .await?;
    let admin = host::pg::connect(&db.url.replace(&format!("/{}", db.name), "/postgres")).await?;
    let allow = |whether: &str| format!("alter database {} allow_connections {whether}", db.name);
    admin.batch_execute(&allow("false")).await?;
    let own: i32 = db
        .owner
        .query_one("select pg_backend_pid()", &[])
        .await?
        .get(0);
    let end =
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> $2";
    assert!(admin.execute(end, &[&db.name, &own]).await? > 0);
    db.add_contacts(&["ann@firma.de"]).await?;
    admin.batch_execute(&allow("true")).await?;
    until(
        "it is validated, without a tick of the clock and without a wake",
        async || {
            let left = "select count(*) from contacts where email_validation_status is null";
            Ok((db.count(left).await? == 0).then_some(()))
        },
    )
    .await?;
    let pid = child.id().context("it runs")?.to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .await?
            .success()
    );
    let mut all = Vec::new();
    while let Some(line) = said.next_line().await? {
        all.push(line);
    }
    assert_eq!(child.wait().await?.code(), Some(130));
    for expected in [
        "lost the connection",
        "listening for wakes again",
        "Stopping;",
        "Stopped.",
    ] {
        assert!(
            all.iter().any(|it| it.contains(expected)),
            "{expected}: {all:?}"
        );
    }
    Ok(())
}
