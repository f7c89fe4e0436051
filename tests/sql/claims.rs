use std::collections::BTreeSet;

use baton::contract::native::call;
use baton::contract::operator::{PauseJob, ResumeJob};
use baton::contract::{Claim, Trigger};
use serde_json::json;
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::{claim, outcome, settle};

#[tokio::test]
async fn a_busy_job_is_skipped_and_the_log_says_so() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(100).await?;
    let worker = db.worker().await?;
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Claimed(_)
    ));
    let Claim::Skipped { reason, until } = claim(&worker, Trigger::Cron).await? else {
        panic!("the job is busy")
    };
    assert_eq!((reason.as_str(), until.is_some()), ("busy", true));
    assert_eq!(db.runs().await?, [("skipped busy".to_owned(), 1)].into());
    Ok(())
}

#[tokio::test]
async fn whoever_holds_the_operators_lock_keeps_the_job_busy() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(1).await?;
    db.owner
        .execute("select pg_advisory_lock(123456789)", &[])
        .await?;
    let worker = db.worker().await?;
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Skipped { .. }
    ));
    db.owner
        .execute("select pg_advisory_unlock(123456789)", &[])
        .await?;
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Claimed(_)
    ));
    Ok(())
}

#[tokio::test]
async fn a_paused_job_gives_nothing_until_it_is_resumed() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(1).await?;
    let worker = db.worker().await?;
    let job = "validate-contacts".to_owned();
    call(
        &db.owner,
        PauseJob {
            job: job.clone(),
            who: "ann".to_owned(),
            reason: None,
        },
    )
    .await?;
    let Claim::Skipped { reason, .. } = claim(&worker, Trigger::Manual).await? else {
        panic!("the job is paused")
    };
    assert_eq!(reason, "paused");
    call(
        &db.owner,
        ResumeJob {
            job,
            who: "ann".to_owned(),
        },
    )
    .await?;
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Claimed(_)
    ));
    let audit = db.list("select concat_ws(' ', noun, to_state, who) from baton.events where noun = 'job' order by id", &[]).await?;
    assert_eq!(audit, ["job paused ann", "job active ann"]);
    Ok(())
}

#[tokio::test]
async fn settings_hold_from_the_next_claim_on() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(100).await?;
    db.configure(json!({ "batch_size": 7 })).await?;
    let Claim::Claimed(attempt) = claim(&db.worker().await?, Trigger::Manual).await? else {
        panic!("work is due")
    };
    assert_eq!(attempt.contacts.len(), 7);
    Ok(())
}

#[tokio::test]
async fn a_setting_that_is_none_or_out_of_range_is_refused_by_name() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for (changes, expected) in [
        (
            json!({ "bach_size": 7 }),
            "bach_size is not a setting of a job",
        ),
        (
            json!({ "batch_size": 1001 }),
            "job_batch_size_within_1_and_1000",
        ),
        (
            json!({ "lease_seconds": 1 }),
            "job_lease_within_4_and_300_seconds",
        ),
        (json!({ "mode": "rigid" }), "job_mode_is_known"),
    ] {
        let error = db
            .configure(changes)
            .await
            .expect_err("the setting is not accepted");
        assert!(format!("{error:?}").contains(expected), "{error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_order_is_never_validated_then_unknown_then_stale() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_contacts(&[
        "stale@x.test",
        "fresh@x.test",
        "unknown@x.test",
        "later@x.test",
        "never@x.test",
    ])
    .await?;
    db.owner
        .batch_execute(
            "update contacts set email_validation_status = 'deliverable', external_heartbeat_checked_at = now() - interval '31 days' where email like 'stale%';
             update contacts set email_validation_status = 'deliverable', external_heartbeat_checked_at = now() - interval '29 days' where email like 'fresh%';
             update contacts set email_validation_status = 'unknown', external_heartbeat_checked_at = now(), email_validation_retry_at = now() - interval '1 second' where email like 'unknown%';
             update contacts set email_validation_status = 'unknown', external_heartbeat_checked_at = now(), email_validation_retry_at = now() + interval '1 hour' where email like 'later%'",
        )
        .await?;
    let Claim::Claimed(attempt) = claim(&db.worker().await?, Trigger::Manual).await? else {
        panic!("work is due")
    };
    let emails: Vec<&str> = attempt
        .contacts
        .iter()
        .map(|it| it.email.as_str())
        .collect();
    assert_eq!(emails, ["never@x.test", "unknown@x.test", "stale@x.test"]);
    Ok(())
}

#[tokio::test]
async fn known_routes_come_with_the_claim_until_they_expire() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_contacts(&["a@Known.Test ", "b@other.test"]).await?;
    db.owner
        .execute(
            "insert into baton.dns_cache values ('known.test', '{\"route\": \"null_mx\", \"ttl\": 60}', baton.clock() + interval '60 seconds')",
            &[],
        )
        .await?;
    let worker = db.worker().await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("work is due")
    };
    let keys: BTreeSet<&str> = attempt.routes.keys().map(String::as_str).collect();
    assert_eq!(keys, ["known.test"].into());
    assert_eq!(
        validate_contacts::email::cache_key("a@Known.Test "),
        Some("known.test".to_owned()),
        "Rust and SQL agree on the key"
    );
    db.advance("61 seconds").await?;
    let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
        panic!("work is due again")
    };
    assert!(attempt.routes.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_contact_that_kills_its_worker_is_set_aside_after_three_attempts() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.configure(json!({ "batch_size": 10 })).await?;
    db.add_many_contacts(10).await?;
    let worker = db.worker().await?;
    for expected in [10, 10, 1] {
        let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? else {
            panic!("work is due")
        };
        assert_eq!(
            attempt.contacts.len(),
            expected,
            "the third time, each is taken alone"
        );
        db.advance("9 seconds").await?;
    }
    let mut settled = 0;
    while let Claim::Claimed(attempt) = claim(&worker, Trigger::Manual).await? {
        let it = &attempt.contacts[0];
        settle(
            &worker,
            attempt.attempt_id,
            vec![outcome(
                &it.id,
                &it.email,
                Status::Deliverable,
                Reason::Accepted,
            )],
        )
        .await?;
        settled += 1;
    }
    assert_eq!(settled, 9, "the innocent ones get their verdicts");
    let given_up = db
        .list(
            "select email from contacts where email_validation_reason = 'gave_up'",
            &[],
        )
        .await?;
    assert_eq!(given_up, ["user1@d0001.test"]);
    assert_eq!(
        db.text("select status from validation_sessions")
            .await?
            .as_deref(),
        Some("completed")
    );
    assert_eq!(db.count("select count(*) from baton.item_losses").await?, 0);
    Ok(())
}
