use futures::future::join_all;
use loopback_resolver::LoopbackResolver;
use serde_json::{Value, json};

use super::process_chunks::{near, outcome};
use crate::support::app::{App, Setup};
use crate::support::daemon::free_ports;
use crate::support::db::Db;
use crate::support::pages::Pages;
use crate::support::receiver::Receiver;
use crate::support::sms::{each_got_one, let_time_go_on, member, mentor, setup, stage};
use crate::support::until;

/// How a tick left the validation.
fn validation(answer: &Value) -> &Value {
    let jobs = answer["jobs"].as_array().into_iter().flatten();
    let mut of_validation = jobs.filter(|it| it["job"] == "validate-contacts");
    of_validation.next().unwrap_or(&Value::Null)
}

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
        (200, &json!("done"), &json!(1)),
        "{answer}"
    );
    assert_eq!(validation(&answer)["reason"], "restart_delay");
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is null")
            .await?,
        0
    );
    assert_eq!(
        db.count(
            "select count(*) from baton.slots where due_at > now() and job = 'validate-contacts'"
        )
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
    assert_eq!(validation(&answer)["state"], "throttled", "{answer}");
    assert!(validation(&answer)["until"].is_string());
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
            .with("resolver1", dns.url()),
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
async fn a_job_that_cannot_be_reached_is_named_and_the_tick_fails() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(10).await?;
    let [nobody] = free_ports()?;
    let url = format!("http://127.0.0.1:{nobody}");
    let app = App::start(&db, Setup::offline().with("components_url", &url)).await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(
        (status, &answer["status"]),
        (502, &json!("unreachable")),
        "{answer}"
    );
    let named = json!([{ "job": "validate-contacts", "url": format!("{url}/jobs/validate-contacts"), "message": "ConnectionRefused" }]);
    assert_eq!(answer["unreachable"], named);
    let logged = "select count(*) from baton_board.tick_log where status = 'unreachable' and calls = 3 and unreachable = $1";
    let logged: i64 = db.owner.query_one(logged, &[&named]).await?.get(0);
    assert_eq!(logged, 1);
    Ok(())
}

/// A page that answers everything is no component.
#[tokio::test]
async fn what_answers_without_json_is_no_component() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(10).await?;
    let page = Receiver::start().await?;
    let app = App::start(&db, Setup::offline().with("components_url", page.url())).await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(
        (status, &answer["status"]),
        (502, &json!("unreachable")),
        "{answer}"
    );
    Ok(())
}

/// As when the application renames a column.
#[tokio::test]
async fn a_broken_table_stops_no_other_job() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.set_wake("none").await?;
    let sync_job = db.add_sync("trial", 3).await?;
    db.owner
        .batch_execute("alter table contacts rename column email to mail")
        .await?;
    let app = App::start(&db, near()).await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("done")),
        "{answer}"
    );
    assert_eq!(outcome(&db, sync_job).await?, "completed 3 0");
    assert_eq!(validation(&answer)["state"], "broken", "{answer}");
    let reason = validation(&answer)["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("email"), "{answer}");
    let sample = &answer["swept"]["failed"]["sample of validate-contacts"];
    assert!(sample.is_string(), "{answer}");
    let (code, answer) = app.validate().await?;
    assert_eq!(code, 500, "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_job_of_another_deployment_is_called_there() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(1).await?;
    db.configure(json!({ "base_url": "http://127.0.0.1:9" }))
        .await?;
    let app = App::start(&db, Setup::offline()).await?;
    let (code, answer) = app.tick().await?;
    let called = &answer["unreachable"][0]["url"];
    assert_eq!(
        (code, called),
        (502, &json!("http://127.0.0.1:9/jobs/validate-contacts")),
        "{answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_tick_deletes_as_much_as_is_old() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "insert into baton.runs (job, status, reason, trigger, worker, started_at, finished_at)
             select 'validate-contacts', 'idle', 'nothing_due', 'tick', 'test', now() - interval '1 year', now() - interval '1 year' from generate_series(1, 2500)",
        )
        .await?;
    let app = App::start(&db, Setup::offline()).await?;
    let (_, answer) = app.tick().await?;
    assert_eq!(answer["swept"]["pruned"], 2500, "{answer}");
    Ok(())
}

#[tokio::test]
async fn every_tick_is_recorded() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(10).await?;
    let app = App::start(&db, Setup::offline()).await?;
    app.tick().await?;
    app.tick().await?;
    let ticks = "select string_agg(status || ' ' || calls, ', ' order by id) from baton_board.tick_log where finished_at >= started_at";
    assert_eq!(db.text(ticks).await?.as_deref(), Some("done 1, done 0"));
    Ok(())
}

#[tokio::test]
async fn anyone_may_ask_whether_it_lives_and_nothing_else_is_there() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let app = App::start(&db, Setup::offline()).await?;
    assert_eq!(app.send("GET", "/healthz", "", "").await?.0, 200);
    assert_eq!(app.send("HEAD", "/healthz", "", "").await?.0, 200);
    assert_eq!(app.send("POST", "/healthz", "", "").await?.0, 405);
    assert_eq!(app.send("GET", "/other", "", "").await?.0, 404);
    app.stop().await;
    Ok(())
}

#[tokio::test]
async fn readiness_needs_a_recent_tick() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let app = App::start(&db, Setup::offline()).await?;
    let ask = async || app.send("GET", "/readyz", "", "").await;
    let not_ready = |reason| json!({ "status": "not_ready", "reasons": [reason] });
    assert_eq!(ask().await?, (503, not_ready("no_recent_tick")));
    assert_eq!(app.send("HEAD", "/readyz", "", "").await?.0, 503);
    app.tick().await?;
    assert_eq!(ask().await?, (200, json!({ "status": "ready" })));
    assert_eq!(
        app.send("HEAD", "/readyz", "", "").await?,
        (200, Value::Null)
    );
    assert_eq!(app.send("POST", "/readyz", "", "").await?.0, 405);
    db.freeze().await?;
    db.advance("4 minutes").await?;
    assert_eq!(ask().await?, (503, not_ready("no_recent_tick")));
    Ok(())
}

#[tokio::test]
async fn readiness_tells_of_overdue_work_that_is_not_paused() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let app = App::start(&db, Setup::offline()).await?;
    app.tick().await?;
    db.owner
        .batch_execute("insert into slots (job, due_at) values ('follow-up-reminders', now() - interval '13 hours')")
        .await?;
    let overdue = json!({ "status": "not_ready", "reasons": ["work_overdue"] });
    let ask = async || app.send("GET", "/readyz", "", "").await;
    assert_eq!(ask().await?, (503, overdue));
    db.owner
        .batch_execute("update jobs set paused_at = now(), paused_by = 'a test' where name = 'follow-up-reminders'")
        .await?;
    assert_eq!(ask().await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn readiness_tells_of_a_database_that_is_out_of_reach() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let [nobody] = free_ports()?;
    let setup = Setup::offline().with("pg_port", nobody.to_string());
    let app = App::start(&db, setup).await?;
    let (status, answer) = app.send("GET", "/readyz", "", "").await?;
    assert_eq!(
        (status, &answer["reasons"]),
        (503, &json!(["database_unreachable"]))
    );
    db.owner
        .batch_execute("drop function baton_api.readiness")
        .await?;
    let app = App::start(&db, Setup::offline()).await?;
    let (status, answer) = app.send("GET", "/readyz", "", "").await?;
    assert_eq!(
        (status, &answer["reasons"]),
        (503, &json!(["misconfigured"]))
    );
    Ok(())
}

#[tokio::test]
async fn a_job_that_takes_long_holds_up_no_other() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure(json!({ "rate_per_minute": null, "batch_size": 20 }))
        .await?;
    db.add_many_contacts(100).await?;
    let source = Pages::start(1).await?;
    source.hold();
    db.sync_pages("people", &source.url(), Pages::settings())
        .await?;
    let app = App::start(&db, near()).await?;
    let validated = until(
        "all contacts are validated, and the source is asked",
        async || {
            let left = "select count(*) from contacts where email_validation_status is null";
            Ok((db.count(left).await? == 0 && source.under_way() > 0).then_some(()))
        },
    );
    let (tick, held) = tokio::join!(app.tick(), async {
        let validated = validated.await;
        let held = (source.under_way(), source.asked(1));
        source.release();
        validated.map(|()| held)
    });
    assert_eq!(
        held?,
        (1, 1),
        "five batches, beside one call of another job"
    );
    let (status, answer) = tick?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("done")),
        "{answer}"
    );
    Ok(())
}

#[tokio::test]
async fn four_jobs_with_much_to_do_get_on_beside_each_other_and_get_done_by_ticks_alone()
-> anyhow::Result<()> {
    let (db, sms) = stage(2000).await?;
    let_time_go_on(&db, &sms).await?;
    db.set_wake("none").await?;
    db.configure(json!({ "rate_per_minute": null, "restart_delay_seconds": 0 }))
        .await?;
    db.add_many_contacts(3000).await?;
    let sync_job = db.add_sync("trial", 3000).await?;
    db.add_auto_sync(500, "25 hours").await?;
    db.owner
        .batch_execute("insert into slots (job, due_at) values ('follow-up-reminders', now())")
        .await?;
    let app = App::start(&db, setup(&sms)).await?;
    let mut ticks = 0;
    loop {
        let (status, answer) = app.tick().await?;
        assert_eq!(status, 200, "{answer}");
        ticks += 1;
        if ticks == 1 {
            let jobs = "select distinct job from attempts where outcome = 'settled' order by 1";
            assert_eq!(
                db.list(jobs, &[]).await?,
                [
                    "auto-sync-jobs",
                    "follow-up-reminders",
                    "process-chunks",
                    "validate-contacts"
                ]
            );
            // Each of these goes on by itself for as long as it finds work.
            for long in ["process-chunks", "follow-up-reminders"] {
                let beside = "select count(*)::int from attempts a,
                    (select min(claimed_at) as first, max(claimed_at) as last from attempts where job = $1) l
                    where a.job = 'validate-contacts' and a.claimed_at between l.first and l.last";
                let beside: i32 = db.owner.query_one(beside, &[&long]).await?.get(0);
                assert!(beside > 1, "{beside} batches of validation beside {long}");
            }
        }
        if answer["status"] == "done" {
            break;
        }
        assert!(ticks < 10, "it does not get done: {answer}");
    }
    let left = "select count(*) from contacts where email_validation_status is null";
    assert_eq!(db.count(left).await?, 0);
    assert_eq!(outcome(&db, sync_job).await?, "completed 3000 0");
    each_got_one(&sms, (1..=2000).map(mentor).chain((1..=500).map(member)))?;
    let triggers = "select distinct trigger from attempts order by 1";
    assert_eq!(db.list(triggers, &[]).await?, ["next", "tick"]);
    assert_eq!(db.left_behind().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_tick_replaces_a_slot_that_is_not_the_next_fire() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "insert into baton.slots (job, due_at) values ('validate-contacts', now() + interval '3 years'),
               ('follow-up-reminders', 'infinity')",
        )
        .await?;
    let app = App::start(&db, Setup::offline()).await?;
    for _ in 0..2 {
        app.tick().await?;
        let ahead = "select job || ' ' || (due_at <= now() + interval '1 day') from baton.slots where due_at > now() order by 1";
        assert_eq!(
            db.list(ahead, &[]).await?,
            ["follow-up-reminders true", "validate-contacts true"]
        );
    }
    Ok(())
}
