use baton::contract::native::call;
use baton::contract::{Claim, Extend, ExtendAttempt, Trigger};
use tokio_postgres::Client;
use uuid::Uuid;
use validate_contacts::calls::{Resolved, Settle, SettleContacts};
use validate_contacts::doh::Route;
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::{claim, outcome, settle};

#[tokio::test]
async fn a_lease_past_its_time_that_nobody_swept_still_settles() -> anyhow::Result<()> {
    let (db, worker, attempt) = claimed(&["a@x.test"]).await?;
    db.advance("1 hour").await?;
    assert!(matches!(
        call(
            &worker,
            ExtendAttempt {
                attempt_id: attempt
            }
        )
        .await?,
        Extend::Extended { .. }
    ));
    db.advance("1 hour").await?;
    let settled = settle(
        &worker,
        attempt,
        vec![outcome("1", "a@x.test", Status::Risky, Reason::Role)],
    )
    .await?;
    assert_eq!(
        settled,
        Settle::Settled {
            settled: 1,
            left: 0,
            again: false,
            next: None,
        }
    );
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_keeps_the_sweep_away() -> anyhow::Result<()> {
    let (db, worker, attempt) = claimed(&["a@x.test"]).await?;
    for _ in 0..10 {
        db.advance("7 seconds").await?;
        assert!(matches!(
            call(
                &worker,
                ExtendAttempt {
                    attempt_id: attempt
                }
            )
            .await?,
            Extend::Extended { .. }
        ));
        assert_eq!(
            call(
                &worker,
                baton::contract::scheduler::EndDeadAttempts { limit: 10 }
            )
            .await?
            .lost,
            0
        );
    }
    Ok(())
}

#[tokio::test]
async fn stopping_the_cycle_loses_the_batch_under_way() -> anyhow::Result<()> {
    let (db, worker, attempt) = claimed(&["a@x.test"]).await?;
    db.owner
        .execute("UPDATE validation_sessions SET status = 'failed', error_message = 'Manually stopped' WHERE status = 'running'", &[])
        .await?;
    let settled = settle(
        &worker,
        attempt,
        vec![outcome("1", "a@x.test", Status::Risky, Reason::Role)],
    )
    .await?;
    assert_eq!(
        settled,
        Settle::Lost {
            reason: "cycle_stopped".to_owned()
        }
    );
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is not null")
            .await?,
        0
    );
    assert_eq!(
        call(
            &worker,
            ExtendAttempt {
                attempt_id: attempt
            }
        )
        .await?,
        Extend::Lost
    );
    assert_eq!(
        db.runs().await?,
        [("lost cycle_stopped".to_owned(), 1)].into()
    );
    Ok(())
}

#[tokio::test]
async fn a_verdict_counts_only_for_the_address_that_was_judged() -> anyhow::Result<()> {
    let (db, worker, attempt) = claimed(&["old@x.test", "b@x.test"]).await?;
    db.owner
        .execute(
            "update contacts set email = 'new@x.test' where email = 'old@x.test'",
            &[],
        )
        .await?;
    let outcomes = vec![
        outcome("1", "old@x.test", Status::Deliverable, Reason::Accepted),
        outcome("2", "b@x.test", Status::Deliverable, Reason::Accepted),
    ];
    assert_eq!(
        settle(&worker, attempt, outcomes).await?,
        Settle::Settled {
            settled: 1,
            left: 1,
            again: true,
            next: None,
        }
    );
    let Claim::Claimed(next) = claim(&worker, Trigger::Manual).await? else {
        panic!("the new address is due")
    };
    assert_eq!(next.contacts[0].email, "new@x.test");
    Ok(())
}

#[tokio::test]
async fn an_outcome_for_anothers_contact_changes_nothing() -> anyhow::Result<()> {
    let (db, worker, attempt) = claimed(&["a@x.test"]).await?;
    db.add_contacts(&["b@x.test"]).await?;
    let outcomes = vec![outcome(
        "2",
        "b@x.test",
        Status::Deliverable,
        Reason::Accepted,
    )];
    assert_eq!(
        settle(&worker, attempt, outcomes).await?,
        Settle::Settled {
            settled: 0,
            left: 1,
            again: false,
            next: None,
        }
    );
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status is not null")
            .await?,
        0
    );
    Ok(())
}

#[tokio::test]
async fn a_contact_that_somebody_holds_locked_stays_due_and_holds_up_nobody() -> anyhow::Result<()>
{
    let (db, worker, attempt) = claimed(&["a@x.test", "b@x.test"]).await?;
    let holder = db.session().await?;
    holder
        .batch_execute("begin; update contacts set email = email where email = 'a@x.test'")
        .await?;
    let outcomes = || {
        vec![
            outcome("1", "a@x.test", Status::Deliverable, Reason::Accepted),
            outcome("2", "b@x.test", Status::Deliverable, Reason::Accepted),
        ]
    };
    assert_eq!(
        settle(&worker, attempt, outcomes()).await?,
        Settle::Settled {
            settled: 1,
            left: 1,
            again: true,
            next: None,
        }
    );
    holder.batch_execute("commit").await?;
    let Claim::Claimed(next) = claim(&worker, Trigger::Manual).await? else {
        panic!("the contact is due")
    };
    assert_eq!(
        settle(&worker, next.attempt_id, outcomes()).await?,
        Settle::Settled {
            settled: 1,
            left: 0,
            again: false,
            next: None,
        }
    );
    Ok(())
}

#[tokio::test]
async fn a_batch_that_could_settle_nothing_makes_the_job_wait() -> anyhow::Result<()> {
    let (db, worker, attempt) = claimed(&["a@x.test"]).await?;
    let holder = db.session().await?;
    holder
        .batch_execute("begin; select from contacts for update")
        .await?;
    let verdict = vec![outcome("1", "a@x.test", Status::Risky, Reason::Role)];
    let settled = settle(&worker, attempt, verdict).await?;
    assert!(matches!(
        settled,
        Settle::Settled {
            settled: 0,
            again: false,
            ..
        }
    ));
    let Claim::Skipped { reason, .. } = claim(&worker, Trigger::Manual).await? else {
        panic!("it would only spin")
    };
    assert_eq!(reason, "nothing_settled");
    db.advance("6 seconds").await?;
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Claimed(_)
    ));
    Ok(())
}

#[tokio::test]
async fn routes_are_remembered_for_their_ttl() -> anyhow::Result<()> {
    let (db, worker, attempt_id) = claimed(&["a@x.test"]).await?;
    let route = Route::Mx {
        hosts: vec!["mail.x.test".to_owned()],
        ttl: 120,
    };
    let routes = vec![Resolved {
        domain: "x.test".to_owned(),
        route,
        ttl: 120,
    }];
    call(
        &worker,
        SettleContacts {
            attempt_id,
            outcomes: Vec::new(),
            routes,
            throttle: None,
            claim_next: false,
        },
    )
    .await?;
    let left = db
        .text("select expires_at - baton.clock() = interval '2 minutes' from baton.dns_cache where domain = 'x.test'")
        .await?;
    assert_eq!(left.as_deref(), Some("true"));
    Ok(())
}

#[tokio::test]
async fn malformed_outcomes_and_unknown_attempts_are_refused_by_code() -> anyhow::Result<()> {
    let (db, worker, attempt) = claimed(&["a@x.test"]).await?;
    let unknown = settle(&worker, Uuid::nil(), Vec::new())
        .await
        .expect_err("there is no such attempt");
    assert_eq!(code(&unknown), Some(baton::contract::codes::NO_SUCH_THING));
    let sql = "select baton_api.settle_contacts($1, $2, '[]', '{}')";
    for outcomes in [
        serde_json::json!({}),
        serde_json::json!([{ "id": "1", "email": "a@x.test", "status": "fine" }]),
    ] {
        let error = worker
            .execute(sql, &[&attempt, &outcomes])
            .await
            .expect_err("the outcomes are malformed");
        assert_eq!(
            error.code().map(|it| it.code()),
            Some(baton::contract::codes::BAD_ARGUMENT)
        );
    }
    assert_eq!(
        db.count("select count(*) from baton.attempts where finished_at is null")
            .await?,
        1
    );
    Ok(())
}

fn code(error: &anyhow::Error) -> Option<&str> {
    error
        .downcast_ref::<tokio_postgres::Error>()?
        .code()
        .map(|it| it.code())
}

/// A stopped clock, these contacts, and an attempt on all of them.
async fn claimed(emails: &[&str]) -> anyhow::Result<(Db, Client, Uuid)> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_contacts(emails).await?;
    let worker = db.worker().await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("work is due")
    };
    assert_eq!(attempt.contacts.len(), emails.len());
    Ok((db, worker, attempt.attempt_id))
}
