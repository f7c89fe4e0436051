//! Everything that a component does outside goes wrong in turn, in every way; the work is done all the same, once.

mod messages;

use std::time::Duration;

use futures::future::join_all;
use host::{FaultKind, FaultPlan};
use loopback_resolver::LoopbackResolver;
use serde_json::json;

use super::process_chunks::{near, outcome, sync_pages};
use crate::support::app::{App, Setup};
use crate::support::bouncer::Bouncer;
use crate::support::db::Db;
use crate::support::pages::{Pages, RECORDS};

#[tokio::test]
async fn a_trap_before_any_outside_call_loses_and_repeats_nothing() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::Trap, false).await
}

#[tokio::test]
async fn a_trap_after_any_outside_call_loses_and_repeats_nothing() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::AfterTrap, false).await
}

#[tokio::test]
async fn an_error_of_any_outside_call_loses_and_repeats_nothing() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::Error, false).await
}

#[tokio::test]
async fn the_deadline_in_any_outside_call_loses_and_repeats_nothing() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::Hang, false).await
}

#[tokio::test]
async fn behind_a_pooler_a_trap_loses_and_repeats_nothing_either() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::AfterTrap, true).await
}

#[tokio::test]
async fn behind_a_pooler_the_deadline_loses_and_repeats_nothing_either() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::Hang, true).await
}

#[tokio::test]
async fn a_trap_before_any_outside_call_of_a_sync_loses_and_repeats_nothing() -> anyhow::Result<()>
{
    each_call_of_a_sync_goes_wrong(FaultKind::Trap, false).await
}

#[tokio::test]
async fn a_trap_after_any_outside_call_of_a_sync_loses_and_repeats_nothing() -> anyhow::Result<()> {
    each_call_of_a_sync_goes_wrong(FaultKind::AfterTrap, false).await
}

#[tokio::test]
async fn an_error_of_any_outside_call_of_a_sync_loses_and_repeats_nothing() -> anyhow::Result<()> {
    each_call_of_a_sync_goes_wrong(FaultKind::Error, false).await
}

#[tokio::test]
async fn the_deadline_in_any_outside_call_of_a_sync_loses_and_repeats_nothing() -> anyhow::Result<()>
{
    each_call_of_a_sync_goes_wrong(FaultKind::Hang, false).await
}

#[tokio::test]
async fn behind_a_pooler_a_trap_in_a_sync_loses_and_repeats_nothing_either() -> anyhow::Result<()> {
    each_call_of_a_sync_goes_wrong(FaultKind::AfterTrap, true).await
}

async fn each_call_goes_wrong(kind: FaultKind, behind_a_pooler: bool) -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.watch_verdicts().await?;
    db.configure(json!({ "batch_size": 4, "rate_per_minute": null, "restart_delay_seconds": 0 }))
        .await?;
    let dns = LoopbackResolver::start().await?;
    let pooler = match behind_a_pooler {
        true => Some(Bouncer::start(db.port, &db.logins().await?, 4).await?),
        false => None,
    };
    // Connect, claim, three questions, settle, for each of the two batches; the last plan never comes true.
    let mut nth_call = 0;
    loop {
        nth_call += 1;
        db.owner.batch_execute("truncate contacts restart identity; truncate baton.test_verdicts, baton.dns_cache, baton.item_losses").await?;
        db.owner
            .execute("insert into contacts (email) select 'u' || g || '@d' || g % 3 || '.test' from generate_series(1, 8) g", &[])
            .await?;
        let mut setup = Setup::resolver(&dns.url());
        setup.deadline = Duration::from_millis(500);
        setup.bouncer = pooler.as_ref().map(Bouncer::port);
        setup.faults = Some(FaultPlan {
            component: "validate-contacts".to_owned(),
            nth_call,
            kind,
        });
        let app = App::start(&db, setup).await?;

        // The victim and innocent callers that share its instance.
        join_all((0..4).map(|_| app.validate())).await;
        // Death is noticed by silence: the lease is made to run out instead of waiting for it.
        let mut rounds = 0;
        while db
            .count("select count(*) from contacts where email_validation_status is null")
            .await?
            > 0
        {
            db.owner.batch_execute("update baton.attempts set leased_until = now() - interval '1 second' where finished_at is null").await?;
            let (status, answer) = app.tick().await?;
            // Where the fault strikes in a tick of its own, that tick waits for the lease, up to its deadline.
            assert!(
                [200, 504].contains(&status),
                "call {nth_call}: {status} {answer}"
            );
            rounds += 1;
            assert!(
                rounds < 10,
                "call {nth_call}: the work is not getting done: {answer}\n{}",
                app.log("validate-contacts")
            );
        }
        assert_eq!(db.settled_twice().await?, 0, "call {nth_call}");
        assert_eq!(
            db.count("select count(*) from baton.test_verdicts").await?,
            8,
            "call {nth_call}: everyone got one verdict"
        );
        assert_eq!(db.left_behind().await?, 0, "call {nth_call}");
        let made = app.stats().outside_calls["validate-contacts"];
        app.stop().await;
        db.owner
            .batch_execute("update baton.attempts set leased_until = now() - interval '1 second' where finished_at is null; select baton_api.end_dead_attempts(100);
                            update baton.cycles set status = 'completed' where status = 'running'")
            .await?;
        if made < nth_call {
            return Ok(());
        }
    }
}

async fn each_call_of_a_sync_goes_wrong(
    kind: FaultKind,
    behind_a_pooler: bool,
) -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure_job(
        "process-chunks",
        json!({ "batch_size": 2, "max_parallel": 2 }),
    )
    .await?;
    let pages = Pages::start(4).await?;
    let pooler = match behind_a_pooler {
        true => Some(Bouncer::start(db.port, &db.logins().await?, 4).await?),
        false => None,
    };
    // Page 1, pages 2 and 3, page 4: connect, claim, ask, settle for each; the last plan never comes true.
    let mut nth_call = 0;
    loop {
        nth_call += 1;
        db.owner
            .batch_execute("delete from baton.sources; truncate synced_emails")
            .await?;
        let sync_job = sync_pages(&db, pages.url(), 2).await?;
        let mut setup = near();
        setup.deadline = Duration::from_millis(500);
        setup.bouncer = pooler.as_ref().map(Bouncer::port);
        setup.faults = Some(FaultPlan {
            component: "process-chunks".to_owned(),
            nth_call,
            kind,
        });
        let app = App::start(&db, setup).await?;

        // The victim and an innocent caller that shares its instance.
        join_all((0..2).map(|_| app.process())).await;
        let mut rounds = 0;
        while db
            .text("select status in ('pending', 'processing') from sync_jobs")
            .await?
            .as_deref()
            == Some("true")
        {
            // Neither silence nor a pause is waited for.
            db.owner
                .batch_execute("update baton.attempts set leased_until = now() - interval '1 second' where finished_at is null;
                                update ready_items set run_at = now() where run_at > now()")
                .await?;
            let (status, answer) = app.tick().await?;
            assert!(
                [200, 504].contains(&status),
                "call {nth_call}: {status} {answer}"
            );
            rounds += 1;
            assert!(
                rounds < 10,
                "call {nth_call}: the work is not getting done: {answer}\n{}",
                app.log("process-chunks")
            );
        }
        // One fault is no reason to give anything up.
        assert_eq!(
            outcome(&db, sync_job).await?,
            "completed 4 0",
            "call {nth_call}"
        );
        assert_eq!(
            db.count("select count(*) from synced_emails").await?,
            4 * RECORDS,
            "call {nth_call}"
        );
        let completions = "select count(*) from chunk_attempts where outcome = 'completed'";
        assert_eq!(
            db.count(completions).await?,
            4,
            "call {nth_call}: each chunk is settled once"
        );
        assert_eq!(db.left_behind().await?, 0, "call {nth_call}");
        let made = app.stats().outside_calls["process-chunks"];
        app.stop().await;
        db.owner
            .batch_execute("update baton.attempts set leased_until = now() - interval '1 second' where finished_at is null; select baton_api.end_dead_attempts(100)")
            .await?;
        if made < nth_call {
            return Ok(());
        }
    }
}
