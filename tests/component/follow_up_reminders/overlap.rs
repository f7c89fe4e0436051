//! Runs of reminders never overlap, and none leaves anything behind, however it ends.

use std::pin::pin;

use futures::future::select;
use host::{FaultKind, FaultPlan};
use loopback_sms::{AUTH_TOKEN, Fault};
use serde_json::json;

use crate::support::sms::{Scene, mentor, setup, tally};

const JOB: &str = "follow-up-reminders";
/// How each run stands in the execution log, the first one first.
const EXECUTIONS: &str = "select concat_ws(' ', status, reason) from execution_log where job = 'follow-up-reminders' order by id";

#[tokio::test]
async fn of_two_invocations_at_once_one_succeeds_and_one_is_skipped() -> anyhow::Result<()> {
    let scene = Scene::new(25).await?;
    scene.sms.hold();
    let (one, other) = (pin!(scene.app.remind()), pin!(scene.app.remind()));
    let (loser, mut winner) = select(one, other).await.factor_first();
    let (status, answer) = loser?;
    assert_eq!(
        (status, &answer["status"], &answer["reason"]),
        (409, &json!("skipped"), &json!("busy")),
        "{answer}"
    );
    tokio::select! {
        answer = &mut winner => panic!("its messages are held back: {answer:?}"),
        () = scene.sms.until_waiting(20) => scene.sms.release(),
    }
    let (status, answer) = winner.await?;
    assert_eq!(
        (status, &answer["status"], &answer["submitted"]),
        (200, &json!("ran"), &json!(25)),
        "{answer}"
    );
    assert_eq!(scene.sms.most_at_once(), 20, "a wave");
    let mut executions = scene.db.list(EXECUTIONS, &[]).await?;
    executions.sort();
    assert_eq!(executions, ["skipped busy", "success"]);
    assert_eq!(scene.db.left_behind().await?, 0);
    scene.each_got_one((1..=25).map(mentor))
}

#[tokio::test]
async fn after_a_forced_end_in_the_middle_the_next_invocation_succeeds() -> anyhow::Result<()> {
    // The second of three messages is under way.
    let scene = Scene::with(3, |sms| {
        let mut setup = setup(sms);
        setup.faults = Some(FaultPlan {
            component: JOB.to_owned(),
            nth_call: 5,
            kind: FaultKind::Trap,
        });
        setup
    })
    .await?;
    assert_eq!(scene.app.remind().await?.0, 500);
    assert_eq!(scene.db.left_behind().await?, 0, "no lock outlives its run");
    scene.db.add_assignments(2).await?;
    // Its lease is all that outlives it, and that ends by itself.
    assert_eq!(scene.app.remind().await?.0, 409);
    scene.advance("9 seconds").await?;
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("ran")),
        "{answer}"
    );
    assert_eq!(
        scene.db.list(EXECUTIONS, &[]).await?,
        ["skipped busy", "failed lease_expired", "success"]
    );
    Ok(())
}

#[tokio::test]
async fn a_provider_that_refuses_the_account_fails_the_run_and_loses_nothing() -> anyhow::Result<()>
{
    let scene = Scene::new(25).await?;
    let refusal = Fault::Error {
        status: 401,
        code: 20003,
    };
    scene.sms.misbehave(None, refusal);
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (
            status,
            &answer["status"],
            &answer["reason"],
            &answer["held"]
        ),
        (
            502,
            &json!("failed"),
            &json!("provider_refused"),
            &json!(25)
        ),
        "{answer}"
    );
    assert_eq!(
        scene.sms.asked().posts,
        20,
        "nothing goes after the first wave"
    );
    let untried = "select count(*) from messages where status = 'reserved' and attempts = 0";
    assert_eq!(scene.db.count(untried).await?, 5, "what was kept back");
    assert_eq!(scene.db.left_behind().await?, 0);
    let (status, answer) = scene.app.remind().await?;
    assert_eq!(
        (status, &answer["reason"]),
        (409, &json!("provider_refused")),
        "{answer}"
    );
    assert_eq!(
        scene.db.list(EXECUTIONS, &[]).await?,
        ["failed provider_refused", "skipped provider_refused"]
    );
    let details = "select string_agg(detail, ' ') from messages";
    let told = scene.db.text(details).await?.unwrap_or_default() + &scene.app.log(JOB);
    assert!(told.contains("sms_key"), "{told}");
    assert!(!told.contains(AUTH_TOKEN), "{told}");

    scene.sms.heal();
    scene.settle_down().await?;
    assert_eq!(scene.states().await?, tally([("submitted", 25)]));
    scene.each_got_one((1..=25).map(mentor))
}

#[tokio::test]
async fn a_component_that_breaks_down_fails_the_run_and_leaves_nothing_locked() -> anyhow::Result<()>
{
    let scene = Scene::with(3, |sms| {
        let mut setup = setup(sms);
        // As it settles.
        setup.faults = Some(FaultPlan {
            component: JOB.to_owned(),
            nth_call: 7,
            kind: FaultKind::Trap,
        });
        setup
    })
    .await?;
    assert_eq!(scene.app.remind().await?.0, 500);
    assert_eq!(scene.db.left_behind().await?, 0);
    scene.settle_down().await?;
    let executions = scene.db.list(EXECUTIONS, &[]).await?;
    let ends = [executions.first(), executions.last()];
    assert_eq!(
        ends.map(|it| it.map(String::as_str)),
        [Some("failed lease_expired"), Some("success")],
        "{executions:?}"
    );
    scene.each_got_one((1..=3).map(mentor))
}
