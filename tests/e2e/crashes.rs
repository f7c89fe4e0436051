use cluster::Cluster;
use loopback_resolver::LoopbackResolver;
use serde_json::json;

use crate::support::app::{App, Setup};
use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::http::Http;
use crate::support::until;
use crate::support::variant::Variant;

#[tokio::test]
async fn a_killed_host_loses_nothing_and_repeats_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.watch_verdicts().await?;
    db.configure(json!({ "rate_per_minute": null, "batch_size": 20 }))
        .await?;
    db.add_many_contacts(60).await?;
    let dns = LoopbackResolver::start().await?;
    dns.hold();
    let home = Home::new()?;
    let args = [
        "--no-wakes",
        "--resolver",
        &dns.url(),
        "--variable",
        "allow_reserved=test",
    ];
    let up = home.up(&db, &args).await?;
    let url = up.url.clone();
    tokio::select! {
        answer = up.post("/jobs/validate-contacts") => panic!("the batch is held open: {answer:?}"),
        () = dns.until_waiting(1) => {}
    }
    up.kill().await?;
    dns.release();
    assert!(
        Http::new()
            .send("GET", &format!("{url}/healthz"), "", "")
            .await
            .is_err(),
        "the host is gone"
    );
    assert_eq!(
        db.count("select count(*) from baton.attempts where finished_at is null")
            .await?,
        1
    );

    let up = home.up(&db, &args).await?;
    let (status, answer) = up.post("/tick").await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("done")),
        "{answer}"
    );
    let lost = "select seconds >= 8 from run_log where status = 'lost'";
    assert_eq!(
        db.text(lost).await?.as_deref(),
        Some("true"),
        "who may still live is not taken for dead"
    );
    let recovery = "select started_at < (select started_at from run_log where status = 'lost') + interval '10 seconds'
                    from run_log where status = 'ran' order by started_at limit 1";
    assert_eq!(
        db.text(recovery).await?.as_deref(),
        Some("true"),
        "the work goes on within 10 s, in the first tick"
    );
    assert_eq!(
        db.text("select validated_count from validation_sessions")
            .await?
            .as_deref(),
        Some("60")
    );
    assert_eq!((db.settled_twice().await?, db.left_behind().await?), (0, 0));
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn a_crashed_database_loses_nothing_and_repeats_nothing() -> anyhow::Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("baton-crash-")
        .tempdir_in("/tmp")?;
    let options = Variant::read()?.options(&[("max_connections", "50")])?;
    let mut cluster = Cluster::start(&folder.path().join("postgres"), options).await?;
    let db = Db::on(&cluster).await?;
    db.watch_verdicts().await?;
    db.configure(json!({ "rate_per_minute": null, "batch_size": 20 }))
        .await?;
    db.add_many_contacts(60).await?;
    let dns = LoopbackResolver::start().await?;
    dns.hold();
    let app = App::start(&db, Setup::resolver(&dns.url())).await?;
    let (answer, crashed) = tokio::join!(app.validate(), async {
        dns.until_waiting(1).await;
        cluster.kill_immediate().await?;
        dns.release();
        anyhow::Ok(())
    });
    crashed?;
    assert_eq!(answer?.0, 503, "the caller is told to come again");
    assert_eq!(app.tick().await?.0, 503);
    cluster.restart().await?;

    let db = Db::reopen(&cluster).await?;
    until("the cycle is completed", async || {
        app.tick().await?;
        Ok((db
            .text("select status from validation_sessions")
            .await?
            .as_deref()
            == Some("completed"))
        .then_some(()))
    })
    .await?;
    assert_eq!(
        db.text("select validated_count from validation_sessions")
            .await?
            .as_deref(),
        Some("60")
    );
    assert_eq!((db.settled_twice().await?, db.left_behind().await?), (0, 0));
    app.stop().await;
    cluster.kill_immediate().await?;
    Ok(())
}
