use baton::contract::scheduler::DueState;
use baton::contract::{Claim, Trigger};
use serde_json::json;
use tokio_postgres::Client;
use validate_contacts::calls::Settle;
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::{claim, due_job, settle, verdicts};

#[tokio::test]
async fn a_cycle_validates_what_was_due_at_its_start_once_and_ends() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.configure(json!({ "batch_size": 10, "rate_per_minute": null }))
        .await?;
    db.add_many_contacts(25).await?;
    let worker = db.worker().await?;
    assert_eq!(
        validate_batch(&worker, Trigger::Tick, Status::Deliverable).await?,
        Some(true)
    );
    db.advance("1 second").await?;
    db.owner
        .execute(
            "insert into contacts (email, created_at) values ('new@x.test', baton.clock())",
            &[],
        )
        .await?;
    assert_eq!(
        validate_batch(&worker, Trigger::Tick, Status::Unknown).await?,
        Some(true)
    );
    assert_eq!(
        validate_batch(&worker, Trigger::Tick, Status::Deliverable).await?,
        Some(false)
    );
    let session = db.text("select concat_ws(' ', status, total_contacts, validated_count, iteration) from validation_sessions").await?;
    assert_eq!(session.as_deref(), Some("completed 25 25 3"));
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is null")
            .await?,
        1,
        "the new one waits"
    );
    Ok(())
}

#[tokio::test]
async fn a_self_adaptive_job_goes_on_after_the_delay_when_there_is_new_work() -> anyhow::Result<()>
{
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_contacts(&["a@x.test"]).await?;
    let worker = db.worker().await?;
    validate_batch(&worker, Trigger::Tick, Status::Deliverable).await?;
    db.owner
        .execute(
            "insert into contacts (email, created_at) values ('b@x.test', baton.clock())",
            &[],
        )
        .await?;
    assert_eq!(
        state(&worker).await?,
        (DueState::Idle, "restart_delay".to_owned())
    );
    let Claim::Idle { reason, until } = claim(&worker, Trigger::Wake).await? else {
        panic!("the delay is not over")
    };
    assert_eq!((reason.as_str(), until.is_some()), ("restart_delay", true));
    db.advance("61 seconds").await?;
    assert_eq!(
        state(&worker).await?,
        (DueState::Due, "self_adaptive".to_owned())
    );
    assert_eq!(
        validate_batch(&worker, Trigger::Tick, Status::Deliverable).await?,
        Some(false)
    );
    db.advance("61 seconds").await?;
    assert_eq!(
        state(&worker).await?,
        (DueState::Idle, "nothing_due".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn unknown_verdicts_neither_come_again_in_the_cycle_nor_make_cycles_spin()
-> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.configure(json!({ "restart_delay_seconds": 0 })).await?;
    db.add_many_contacts(5).await?;
    let worker = db.worker().await?;
    assert_eq!(
        validate_batch(&worker, Trigger::Tick, Status::Unknown).await?,
        Some(false),
        "the cycle ends"
    );
    assert_eq!(
        state(&worker).await?,
        (DueState::Idle, "nothing_due".to_owned())
    );
    let soonest = "select min(email_validation_retry_at) >= baton.clock() + interval '1 minute' from contacts";
    assert_eq!(db.text(soonest).await?.as_deref(), Some("true"));
    db.advance("17 minutes").await?;
    assert_eq!(
        state(&worker).await?,
        (DueState::Due, "self_adaptive".to_owned()),
        "15 minutes is the most for a first retry"
    );
    Ok(())
}

#[tokio::test]
async fn a_protected_job_waits_for_its_schedule_but_a_person_may_start_it() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.configure(json!({ "mode": "protected" })).await?;
    db.add_contacts(&["a@x.test"]).await?;
    let worker = db.worker().await?;
    assert_eq!(
        state(&worker).await?,
        (DueState::Idle, "waits_for_schedule".to_owned())
    );
    assert!(matches!(
        claim(&worker, Trigger::Tick).await?,
        Claim::Idle { .. }
    ));
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Claimed(_)
    ));
    Ok(())
}

#[tokio::test]
async fn what_a_person_stopped_starts_again_by_person_or_schedule_only() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(100).await?;
    let worker = db.worker().await?;
    validate_batch(&worker, Trigger::Tick, Status::Deliverable).await?;
    db.owner
        .execute(
            "update validation_sessions set status = 'failed' where status = 'running'",
            &[],
        )
        .await?;
    assert_eq!(
        state(&worker).await?,
        (DueState::Idle, "cycle_stopped".to_owned())
    );
    assert!(matches!(
        claim(&worker, Trigger::Wake).await?,
        Claim::Idle { .. }
    ));
    assert!(matches!(
        claim(&worker, Trigger::Cron).await?,
        Claim::Claimed(_)
    ));
    Ok(())
}

#[tokio::test]
async fn a_cycle_changes_state_only_as_the_diagram_says() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let diagram = std::fs::read_to_string(crate::support::home().join("migrations/STATES.md"))?;
    let states = ["running", "completed", "failed"];
    for from in states {
        for to in states.into_iter().filter(|it| *it != from) {
            db.owner
                .batch_execute(&format!("delete from baton.cycles; insert into baton.cycles (job, status) values ('validate-contacts', '{from}')"))
                .await?;
            let changed = db
                .owner
                .execute(&format!("update baton.cycles set status = '{to}'"), &[])
                .await;
            let allowed = diagram
                .lines()
                .any(|it| it.trim().starts_with(&format!("{from} --> {to}")));
            match changed {
                Ok(_) => assert!(allowed, "{from} to {to} is not in STATES.md"),
                Err(error) => {
                    assert!(!allowed, "{from} to {to} is in STATES.md: {error}");
                    assert_eq!(
                        error.code().map(|it| it.code()),
                        Some(baton::contract::codes::ILLEGAL_TRANSITION)
                    );
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_contact_without_an_address_is_never_due() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .execute("insert into contacts (email) values (null)", &[])
        .await?;
    assert!(matches!(
        claim(&db.worker().await?, Trigger::Manual).await?,
        Claim::Idle { .. }
    ));
    Ok(())
}

/// Claims and settles one batch with this status; whether another call finds work, or None when there was nothing.
async fn validate_batch(
    worker: &Client,
    trigger: Trigger,
    status: Status,
) -> anyhow::Result<Option<bool>> {
    let Claim::Claimed(attempt) = claim(worker, trigger).await? else {
        return Ok(None);
    };
    let outcomes = verdicts(&attempt, status, Reason::Accepted);
    let Settle::Settled { again, .. } = settle(worker, attempt.attempt_id, outcomes).await? else {
        panic!("nothing else happens")
    };
    Ok(Some(again))
}

async fn state(worker: &Client) -> anyhow::Result<(DueState, String)> {
    let job = due_job(worker, "validate-contacts").await?;
    Ok((job.state, job.reason.unwrap_or_default()))
}
