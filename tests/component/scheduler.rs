use futures::future::join_all;
use loopback_resolver::LoopbackResolver;
use serde_json::json;

use crate::support::app::{App, Setup};
use crate::support::db::Db;

#[tokio::test]
async fn a_tick_goes_on_until_nothing_is_due() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure(json!({ "rate_per_minute": null, "batch_size": 20 }))
        .await?;
    db.add_many_contacts(100).await?;
    let app = App::start(&db, Setup::offline()).await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(
        (status, &answer["status"], &answer["calls"]),
        (200, &json!("done"), &json!(5)),
        "{answer}"
    );
    assert_eq!(answer["jobs"][1]["reason"], "restart_delay");
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is null")
            .await?,
        0
    );
    assert_eq!(
        db.count("select count(*) from baton.slots where due_at > now()")
            .await?,
        1,
        "the next slot is planned"
    );
    Ok(())
}

#[tokio::test]
async fn two_ticks_at_once_are_harmless() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.watch_verdicts().await?;
    db.configure(json!({ "rate_per_minute": null, "batch_size": 10 }))
        .await?;
    db.add_many_contacts(100).await?;
    let app = App::start(&db, Setup::offline()).await?;
    for answer in join_all((0..8).map(|_| app.tick())).await {
        assert_eq!(answer?.0, 200);
    }
    // Whoever lost every race has given up early; the next tick does the rest.
    app.tick().await?;
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is null")
            .await?,
        0
    );
    assert_eq!(
        db.count("select count(*) from validation_sessions").await?,
        1
    );
    assert_eq!((db.settled_twice().await?, db.left_behind().await?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_tick_says_why_nothing_runs() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(200).await?;
    let app = App::start(&db, Setup::offline()).await?;
    let (_, answer) = app.tick().await?;
    assert_eq!(answer["jobs"][1]["state"], "throttled", "{answer}");
    assert!(answer["jobs"][1]["until"].is_string());
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is not null")
            .await?,
        100,
        "the limit and no more"
    );
    Ok(())
}

#[tokio::test]
async fn a_job_that_fails_is_left_to_the_next_tick_after_three_calls() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(10).await?;
    let dns = LoopbackResolver::start().await?;
    let app = App::start(
        &db,
        Setup::offline()
            .with("dns", "sometimes")
            .with("resolver_1", dns.url()),
    )
    .await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(
        (status, &answer["runs"][0]["http_status"], &answer["calls"]),
        (200, &json!(500), &json!(3)),
        "{answer}"
    );
    assert!(
        app.log("validate-contacts").contains("set it to on or off"),
        "the log names the variable and the remedy"
    );
    assert!(
        !answer.to_string().contains("on or off"),
        "the caller does not learn what is inside"
    );
    Ok(())
}

#[tokio::test]
async fn anyone_may_ask_whether_it_lives_and_nothing_else_is_there() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let app = App::start(&db, Setup::offline()).await?;
    assert_eq!(app.send("GET", "/healthz", "", "").await?.0, 200);
    assert_eq!(app.send("GET", "/other", "", "").await?.0, 404);
    app.stop().await;
    Ok(())
}
