//! Everything that a component does outside goes wrong in turn, in every way; the work is done all the same, once.

use std::time::Duration;

use futures::future::join_all;
use host::{FaultKind, FaultPlan};
use loopback_resolver::LoopbackResolver;
use serde_json::json;

use crate::support::app::{App, Setup};
use crate::support::bouncer::Bouncer;
use crate::support::db::{Db, WORKER_PASSWORD};

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

async fn each_call_goes_wrong(kind: FaultKind, behind_a_pooler: bool) -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.watch_verdicts().await?;
    db.configure(json!({ "batch_size": 4, "rate_per_minute": null, "restart_delay_seconds": 0 }))
        .await?;
    let dns = LoopbackResolver::start().await?;
    let pooler = match behind_a_pooler {
        true => Some(Bouncer::start(db.port, &[("baton_worker", WORKER_PASSWORD)], 4).await?),
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
            .batch_execute("update baton.attempts set leased_until = now() - interval '1 second' where finished_at is null; select baton_api.sweep(100);
                            update baton.cycles set status = 'completed' where status = 'running'")
            .await?;
        if made < nth_call {
            return Ok(());
        }
    }
}
