use baton::contract::{Claim, Trigger};
use futures::future::try_join_all;
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::{claim, outcome, settle, verdicts};
use crate::support::until;

#[tokio::test]
async fn of_fifty_claims_at_once_one_starts_the_cycle() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(500).await?;
    let workers = try_join_all((0..50).map(|_| db.worker())).await?;
    let claims = try_join_all(workers.iter().map(|it| claim(it, Trigger::Manual))).await?;
    let claimed = claims
        .iter()
        .filter(|it| matches!(it, Claim::Claimed(_)))
        .count();
    let skipped = claims
        .iter()
        .filter(|it| matches!(it, Claim::Skipped { .. }))
        .count();
    assert_eq!((claimed, skipped), (1, 49));
    assert_eq!(db.runs().await?, [("skipped busy".to_owned(), 49)].into());
    assert_eq!(
        db.count("select count(*) from validation_sessions").await?,
        1
    );
    Ok(())
}

/// Nothing is under way, so no caller may hear that the job is busy.
#[tokio::test]
async fn fifty_claims_of_an_idle_job_all_find_it_idle() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let workers = try_join_all((0..50).map(|_| db.worker())).await?;
    for _ in 0..5 {
        let claims = try_join_all(workers.iter().map(|it| claim(it, Trigger::Manual))).await?;
        let idle = claims.iter().filter(|it| matches!(it, Claim::Idle { .. }));
        assert_eq!(idle.count(), 50);
    }
    Ok(())
}

#[tokio::test]
async fn an_operators_stop_waits_for_a_settlement_under_way() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(100).await?;
    let worker = db.worker().await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("work is due")
    };
    let outcomes = verdicts(&attempt, Status::Risky, Reason::Role);
    worker.batch_execute("begin").await?;
    settle(&worker, attempt.attempt_id, outcomes).await?;
    let operator = db.session().await?;
    // Above it, PostgreSQL refuses to change what another session just changed.
    operator
        .batch_execute("set default_transaction_isolation = 'read committed'")
        .await?;
    let stop = tokio::spawn(async move {
        operator
            .execute(
                "update validation_sessions set status = 'failed' where status = 'running'",
                &[],
            )
            .await
    });
    until("the operator waits for a lock", async || {
        let n = db.sessions("wait_event_type = 'Lock'").await?;
        Ok((n > 0).then_some(()))
    })
    .await?;
    worker.batch_execute("commit").await?;
    assert_eq!(stop.await??, 1);
    assert_eq!(
        db.text("select status || ' ' || validated_count from validation_sessions")
            .await?
            .as_deref(),
        Some("failed 50")
    );
    Ok(())
}

#[tokio::test]
async fn a_stop_during_the_batch_comes_before_its_settlement() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(1).await?;
    let worker = db.worker().await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("work is due")
    };
    db.owner
        .batch_execute(
            "begin; update validation_sessions set status = 'failed' where status = 'running'",
        )
        .await?;
    let it = attempt.contacts[0].clone();
    let settlement = tokio::spawn(async move {
        settle(
            &worker,
            attempt.attempt_id,
            vec![outcome(&it.id, &it.email, Status::Risky, Reason::Role)],
        )
        .await
    });
    until("the settlement waits for a lock", async || {
        let n = db.sessions("wait_event_type = 'Lock'").await?;
        Ok((n > 0).then_some(()))
    })
    .await?;
    db.owner.batch_execute("commit").await?;
    assert!(matches!(
        settlement.await??,
        validate_contacts::calls::Settle::Lost { .. }
    ));
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is not null")
            .await?,
        0
    );
    Ok(())
}
