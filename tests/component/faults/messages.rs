//! The same for what sends messages, and what asks about those in doubt.

use std::time::Duration;

use futures::future::join_all;
use host::{FaultKind, FaultPlan};
use loopback_sms::Fault;
use serde_json::json;

use crate::support::bouncer::Bouncer;
use crate::support::db::Db;
use crate::support::sms::{Scene, member, mentor, setup, tally};

/// The two components that send messages.
const JOBS: [&str; 2] = ["follow-up-reminders", "auto-sync-jobs"];

#[tokio::test]
async fn a_trap_before_any_outside_call_sends_nobody_two_messages() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::Trap, false).await
}

#[tokio::test]
async fn a_trap_after_any_outside_call_sends_nobody_two_messages() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::AfterTrap, false).await
}

#[tokio::test]
async fn an_error_of_any_outside_call_sends_nobody_two_messages() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::Error, false).await
}

#[tokio::test]
async fn the_deadline_in_any_outside_call_sends_nobody_two_messages() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::Hang, false).await
}

#[tokio::test]
async fn behind_a_pooler_a_trap_sends_nobody_two_messages_either() -> anyhow::Result<()> {
    each_call_goes_wrong(FaultKind::AfterTrap, true).await
}

async fn each_call_goes_wrong(kind: FaultKind, behind_a_pooler: bool) -> anyhow::Result<()> {
    let db = Db::new().await?;
    let pooler = match behind_a_pooler {
        true => Some(Bouncer::start(db.port, &db.logins().await?, 4).await?),
        false => None,
    };
    for job in JOBS {
        // Connect, claim, submit, two posts, settle, for each of two batches; then connect, claim, two questions, settle for
        // what the provider had taken without saying so. The last plan never comes true.
        let mut nth_call = 0;
        while goes_wrong(job, nth_call + 1, kind, pooler.as_ref()).await? {
            nth_call += 1;
        }
        anyhow::ensure!(nth_call >= 17, "{job} makes {nth_call} calls");
    }
    Ok(())
}

/// Whether the plan came true.
async fn goes_wrong(
    job: &'static str,
    nth_call: u64,
    kind: FaultKind,
    pooler: Option<&Bouncer>,
) -> anyhow::Result<bool> {
    let scene = Scene::with(0, |sms| {
        let mut setup = setup(sms);
        setup.deadline = Duration::from_millis(500);
        setup.bouncer = pooler.map(Bouncer::port);
        setup.faults = Some(FaultPlan {
            component: job.to_owned(),
            nth_call,
            kind,
        });
        setup
    })
    .await?;
    scene
        .db
        .configure_job(job, json!({ "batch_size": 2 }))
        .await?;
    let number = match job {
        "auto-sync-jobs" => {
            scene.db.add_auto_sync(4, "25 hours").await?;
            member
        }
        _ => {
            scene.db.add_assignments(4).await?;
            mentor
        }
    };
    scene.sms.misbehave(Some(&number(1)), Fault::AcceptThen500);
    scene
        .sms
        .misbehave(Some(&number(4)), Fault::AcceptThenBreak);
    // The victim and an innocent caller that shares its instance; then they come again.
    let path = format!("/jobs/{job}");
    for _ in 0..2 {
        join_all((0..2).map(|_| scene.app.post(&path, ""))).await;
    }
    scene.sms.heal();
    let log = || format!("call {nth_call} of {job}:\n{}", scene.app.log(job));
    if let Err(error) = scene.settle_down().await {
        return Err(error.context(log()));
    }
    assert_eq!(
        scene.states().await?,
        tally([("submitted", 4)]),
        "{}",
        log()
    );
    if let Err(error) = scene.each_got_one((1..=4).map(number)) {
        return Err(error.context(log()));
    }
    assert_eq!(scene.db.left_behind().await?, 0, "{}", log());
    Ok(scene.app.stats().outside_calls[job] >= nth_call)
}
