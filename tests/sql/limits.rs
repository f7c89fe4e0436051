use baton::contract::native::call;
use baton::contract::scheduler::DueState;
use baton::contract::{Claim, Trigger};
use serde_json::json;
use validate_contacts::calls::{SettleContacts, Throttle};
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::{claim, due_job, settle, verdicts};

#[tokio::test]
async fn no_window_of_a_minute_has_more_than_the_limit_and_its_burst() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    let (rate, burst) = (60, 30);
    db.configure(json!({ "rate_per_minute": rate, "rate_burst": burst, "batch_size": 20 }))
        .await?;
    db.add_many_contacts(2000).await?;
    let worker = db.worker().await?;
    // Seconds at which calls may have happened: anywhere between claim and settlement, so both ends are booked apart.
    let mut calls: Vec<(u32, u32, usize)> = Vec::new();
    let mut now = 0;
    // A pause that fills the bucket, a slow batch whose calls may all come late, then a claim every two seconds.
    for step in 0..200_u32 {
        let (work, wait) = match step % 40 {
            0 => (19, 0),
            39 => (0, 60),
            _ => (0, 2),
        };
        if let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? {
            db.advance(&format!("{work} seconds")).await?;
            // Beating, or a slow batch would be swept.
            call(
                &worker,
                baton::contract::ExtendAttempt {
                    attempt_id: attempt.attempt_id,
                },
            )
            .await?;
            let outcomes = verdicts(&attempt, Status::Risky, Reason::Role);
            calls.push((now, now + work, outcomes.len()));
            now += work;
            settle(&worker, attempt.attempt_id, outcomes).await?;
        }
        db.advance(&format!("{wait} seconds")).await?;
        now += wait;
    }
    let total: usize = calls.iter().map(|it| it.2).sum();
    assert!(total > 400, "the limit is used: {total} in {now} s");
    for start in 0..now {
        let within: usize = calls
            .iter()
            .filter(|(from, to, _)| *from < start + 60 && *to >= start)
            .map(|it| it.2)
            .sum();
        // A batch at the right edge may as well have made all its calls inside.
        assert!(
            within <= rate + burst,
            "{within} calls in the minute from second {start}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_throttled_job_says_until_when_and_is_free_then() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.configure(json!({ "rate_per_minute": 60, "rate_burst": 10, "batch_size": 10 }))
        .await?;
    db.add_many_contacts(100).await?;
    let worker = db.worker().await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("work is due")
    };
    let outcomes = verdicts(&attempt, Status::Risky, Reason::Role);
    settle(&worker, attempt.attempt_id, outcomes).await?;
    let Claim::Skipped { reason, until } = claim(&worker, Trigger::Manual).await? else {
        panic!("the limit is spent")
    };
    assert_eq!(reason, "throttled");
    let wait = db
        .text(&format!(
            "select '{}'::timestamptz - baton.clock() = interval '6 seconds'",
            until.expect("the time is known")
        ))
        .await?;
    assert_eq!(
        wait.as_deref(),
        Some("true"),
        "six seconds' worth is one more batch"
    );
    db.advance("6 seconds").await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("tokens are back")
    };
    assert_eq!(attempt.contacts.len(), 6);
    Ok(())
}

#[tokio::test]
async fn a_provider_that_wants_a_pause_gets_it_from_everyone() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_many_contacts(100).await?;
    let worker = db.worker().await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("work is due")
    };
    let throttle = Some(Throttle {
        seconds: 90,
        reason: "provider_throttled",
    });
    let settled = SettleContacts {
        attempt_id: attempt.attempt_id,
        outcomes: Vec::new(),
        routes: Vec::new(),
        throttle,
        claim_next: false,
    };
    call(&worker, settled).await?;
    let Claim::Skipped { reason, .. } = claim(&worker, Trigger::Manual).await? else {
        panic!("everybody waits")
    };
    assert_eq!(reason, "provider_throttled");
    assert_eq!(
        due_job(&worker, "validate-contacts").await?.state,
        DueState::Throttled
    );
    db.advance("91 seconds").await?;
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Claimed(_)
    ));
    Ok(())
}
