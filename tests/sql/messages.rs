//! What becomes of messages: by what a sender says, by what it does not say, by a provider, and by people.

use baton::contract::native::call;
use baton::contract::scheduler::{DueState, Prune};
use baton::contract::{Claim, Trigger, codes};
use dispatch::calls::{Action, Letter, SettledMessages};
use dispatch::{Channel, Delivery, Outcome};
use serde_json::json;

use crate::support::db::Db;
use crate::support::settling::due_job;
use crate::support::settling::messages::{
    Stage, claim_auto_syncs, claim_reminders, claimed, letter_to, no_quiet_hours, sent, sent_with,
    settle_messages, told, trouble,
};

mod callbacks;
mod caps;
mod corrections;
mod decisions;
mod losses;
mod nights;
mod unknowns;

/// Each outcome on a message of its own, all in one settlement, after they were submitted.
#[tokio::test]
async fn each_outcome_leaves_a_message_in_its_state() -> anyhow::Result<()> {
    let outcomes = [
        (sent(), "submitted"),
        (sent_with(Some(Delivery::Submitted)), "submitted"),
        (sent_with(Some(Delivery::Delivered)), "delivered"),
        (
            sent_with(Some(Delivery::Undelivered(trouble("unreachable")))),
            "undelivered unreachable it went wrong",
        ),
        (
            sent_with(Some(Delivery::Failed(trouble("landline")))),
            "failed landline it went wrong",
        ),
        (
            Outcome::Failed(trouble("invalid_number")),
            "failed invalid_number it went wrong",
        ),
        (
            Outcome::Retry {
                trouble: trouble("provider_trouble"),
                wait: None,
            },
            "reserved provider_trouble it went wrong",
        ),
        (
            Outcome::Unknown {
                trouble: trouble("timeout"),
                askable: true,
            },
            "unknown timeout it went wrong",
        ),
        (
            Outcome::Unknown {
                trouble: trouble("provider_trouble"),
                askable: false,
            },
            "unknown provider_trouble it went wrong",
        ),
        (Outcome::Outbox, "reserved no_provider"),
    ];
    let stage = Stage::new(i32::try_from(outcomes.len())?).await?;
    assert_eq!(stage.submit().await?, outcomes.len());
    let ids = stage.ids();
    let settled = ids
        .iter()
        .zip(&outcomes)
        .map(|(id, (it, _))| told(*id, it.clone()));
    let settled = stage.settle(settled.collect()).await?;
    assert!(
        matches!(
            settled,
            SettledMessages::Settled {
                submitted: 4,
                held: 2,
                failed: 2,
                unknown: 2,
                refused: None,
                again: false,
                ..
            }
        ),
        "{settled:?}"
    );
    let state = "select concat_ws(' ', status, reason, detail) from messages where id = $1";
    // Ended ones have an end, what waits is due, what the provider has names it, and nobody holds any.
    let facts = "select concat_ws(' ', ended_at = baton.clock(), due_at > baton.clock(), provider_id, attempt_id, attempts) from messages where id = $1";
    for (id, (outcome, expected)) in ids.iter().zip(&outcomes) {
        assert_eq!(stage.db.list(state, &[id]).await?, [*expected]);
        let ends = ["delivered", "undelivered", "failed"];
        let mut fact = Vec::new();
        if ends.iter().any(|it| expected.starts_with(it)) {
            fact.push("t");
        }
        if expected.starts_with("reserved") || expected.contains("timeout") {
            fact.push("t");
        }
        if matches!(outcome, Outcome::Submitted { .. }) {
            fact.push("SM1");
        }
        fact.push("1");
        assert_eq!(
            stage.db.list(facts, &[id]).await?,
            [fact.join(" ")],
            "{expected}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_retry_waits_for_up_to_a_minute_and_twice_as_long_each_time() -> anyhow::Result<()> {
    let mut stage = Stage::new(30).await?;
    let retry = Outcome::Retry {
        trouble: trouble("provider_trouble"),
        wait: None,
    };
    for longest in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        stage.end_as(&retry).await?;
        let within = format!(
            "select count(*) from messages where due_at between baton.clock() and baton.clock() + interval '{longest} seconds'"
        );
        assert_eq!(stage.db.count(&within).await?, 30, "{longest}");
        let spread = format!(
            "select count(*) from messages where due_at > baton.clock() + interval '{} seconds'",
            longest / 2
        );
        assert_ne!(stage.db.count(&spread).await?, 0, "not all at once");
        stage.db.advance(&format!("{longest} seconds")).await?;
        assert_eq!(stage.claim().await?, [Action::Send; 30]);
    }
    Ok(())
}

/// Both jobs send by the same account, so both wait.
#[tokio::test]
async fn a_provider_that_takes_nothing_now_keeps_both_jobs_waiting() -> anyhow::Result<()> {
    let retry = |reason, wait| Outcome::Retry {
        trouble: trouble(reason),
        wait,
    };
    let rows = [
        (retry("throttled", Some(90)), "provider_throttled", 90, 0),
        (retry("throttled", Some(0)), "provider_throttled", 1, 0),
        (
            retry("throttled", Some(99_999)),
            "provider_throttled",
            3600,
            0,
        ),
        (
            retry("provider_unreachable", None),
            "provider_unreachable",
            30,
            1,
        ),
        (
            Outcome::Refused(trouble("provider_refused")),
            "provider_refused",
            60,
            1,
        ),
    ];
    for (outcome, reason, seconds, attempts) in rows {
        let mut stage = Stage::new(2).await?;
        stage.db.add_auto_sync(1, "25 hours").await?;
        stage.submit().await?;
        let [first, second] = stage.ids()[..] else {
            panic!("there are two")
        };
        let settled = stage
            .settle(vec![told(first, outcome), told(second, sent())])
            .await?;
        let SettledMessages::Settled {
            again_in, again, ..
        } = settled
        else {
            panic!("nothing else happens")
        };
        let again_in = again_in.unwrap_or_default();
        assert!(!again && again_in >= f64::from(seconds), "{again_in}");
        let counted = "select attempts from messages where status = 'reserved'";
        assert_eq!(stage.db.count(counted).await?, attempts, "{reason}");
        // A message whose provider could not be reached also waits for its own retry.
        let retried = "update messages set due_at = baton.clock() where due_at is not null";
        stage.db.owner.execute(retried, &[]).await?;
        // The queue is worked, and what comes of it waits.
        let queued = claimed(claim_auto_syncs(&stage.worker, Trigger::Manual).await?)?;
        assert_eq!(queued.messages.len(), 0);
        settle_messages(&stage.worker, queued.attempt_id, Vec::new()).await?;
        for claim in [
            claim_reminders(&stage.worker, Trigger::Manual).await?,
            claim_auto_syncs(&stage.worker, Trigger::Manual).await?,
        ] {
            let Claim::Skipped { reason: it, .. } = claim else {
                panic!("both jobs wait")
            };
            assert_eq!(it, reason);
        }
        let job = due_job(&stage.worker, "auto-sync-jobs").await?;
        assert_eq!(
            (job.state, job.reason.as_deref()),
            (DueState::Throttled, Some(reason))
        );
        stage.db.advance(&format!("{seconds} seconds")).await?;
        assert_eq!(stage.claim().await?, [Action::Send], "nothing is lost");
    }
    Ok(())
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_holds_up_its_own_channels() -> anyhow::Result<()> {
    let waits = Outcome::Retry {
        trouble: trouble("throttled"),
        wait: Some(600),
    };
    for (email_by, blocked, may_go) in [("resend", "sms", 1), ("twilio", "email,sms", 0)] {
        let db = Db::new().await?;
        db.freeze().await?;
        no_quiet_hours(&db).await?;
        db.add_assignments(1).await?;
        add_email_assignment(&db).await?;
        let mut stage = Stage::on(db).await?;
        let letters = |stage: &Stage, sms_by: &'static str| -> Vec<Letter> {
            let by = |it: Channel| match it {
                Channel::Sms => sms_by,
                Channel::Email => email_by,
            };
            let messages = stage.attempt.messages.iter();
            messages
                .map(|it| Letter {
                    provider: by(it.channel),
                    ..letter_to(it)
                })
                .collect()
        };
        assert_eq!(stage.submit_letters(letters(&stage, "twilio")).await?, 2);
        let outcomes = stage.attempt.messages.iter().map(|it| match it.channel {
            Channel::Sms => told(it.id, waits.clone()),
            Channel::Email => told(it.id, sent()),
        });
        stage.settle(outcomes.collect()).await?;
        let sql = "select string_agg(channel, ',' order by channel) from baton.channels where blocked_until > baton.clock()";
        assert_eq!(stage.db.text(sql).await?.as_deref(), Some(blocked));

        stage.db.add_assignments(1).await?;
        add_email_assignment(&stage.db).await?;
        stage.attempt = claimed(claim_reminders(&stage.worker, Trigger::Manual).await?)?;
        assert_eq!(
            stage.attempt.messages.len(),
            2,
            "a blocked channel stays out"
        );
        assert_eq!(
            stage.submit_letters(letters(&stage, "twilio")).await?,
            may_go
        );
        stage.settle(Vec::new()).await?;
        let Claim::Skipped { reason, .. } = claim_reminders(&stage.worker, Trigger::Tick).await?
        else {
            panic!("what is left waits for the provider")
        };
        assert_eq!(reason, "provider_throttled");

        // A provider that replaces another one has not asked to wait.
        stage.db.add_assignments(1).await?;
        stage.attempt = claimed(claim_reminders(&stage.worker, Trigger::Manual).await?)?;
        assert_eq!(stage.submit_letters(letters(&stage, "webhook")).await?, 1);
    }
    Ok(())
}

async fn add_email_assignment(db: &Db) -> anyhow::Result<()> {
    let sql = "insert into assignments (peer_mentor_name, peer_mentor_email, created_at)
               values ('Mentor', gen_random_uuid() || '@x.test', baton.clock() - interval '8 days')";
    db.owner.execute(sql, &[]).await?;
    Ok(())
}

#[tokio::test]
async fn a_run_in_which_the_provider_refuses_the_account_has_failed() -> anyhow::Result<()> {
    let mut stage = Stage::new(3).await?;
    stage.submit().await?;
    let [first, second, third] = stage.ids()[..] else {
        panic!("there are three")
    };
    let refused = Outcome::Refused(trouble("provider_refused"));
    let settled = stage
        .settle(vec![
            told(first, sent()),
            told(second, refused.clone()),
            told(third, refused),
        ])
        .await?;
    assert!(
        matches!(&settled, SettledMessages::Settled { submitted: 1, held: 2, refused: Some(reason), .. } if reason == "provider_refused"),
        "{settled:?}"
    );
    let log = "select concat_ws(' ', status, reason, counts->>'claimed', counts->>'submitted', counts->>'held') from execution_log";
    assert_eq!(
        stage.db.list(log, &[]).await?,
        ["failed provider_refused 3 1 2"]
    );
    stage.db.advance("60 seconds").await?;
    assert_eq!(stage.claim().await?.len(), 2);
    stage.end_as(&sent()).await?;
    assert_eq!(stage.states().await?, ["submitted"; 3]);
    Ok(())
}

/// Without a provider messages stay in the outbox, and go out when there is one.
#[tokio::test]
async fn what_has_no_provider_is_looked_at_every_hour_until_it_expires() -> anyhow::Result<()> {
    let mut stage = Stage::new(1).await?;
    let id = stage.ids()[0];
    for _ in 0..3 {
        // Nobody submits what cannot be sent.
        stage.settle(vec![told(id, Outcome::Outbox)]).await?;
        assert_eq!(stage.states().await?, ["reserved no_provider"]);
        let held = "select held_until - baton.clock() = interval '1 hour' from message_log";
        assert_eq!(stage.db.text(held).await?.as_deref(), Some("true"));
        assert!(stage.is_idle().await?);
        stage.db.advance("1 hour").await?;
        stage.claim().await?;
    }
    stage.end_as(&sent()).await?;
    assert_eq!(stage.states().await?, ["submitted"]);

    let mut stage = Stage::new(1).await?;
    let outbox = vec![told(stage.ids()[0], Outcome::Outbox)];
    stage.settle(outbox.clone()).await?;
    stage.db.advance("7 days").await?;
    stage.claim().await?;
    stage.settle(outbox).await?;
    assert_eq!(stage.states().await?, ["failed expired"]);
    Ok(())
}

/// Whatever became of it, and whether the provider told or not.
#[tokio::test]
async fn an_old_message_goes_unless_it_is_in_doubt() -> anyhow::Result<()> {
    let stage = Stage::new(4).await?;
    stage.submit().await?;
    let doubt = Outcome::Unknown {
        trouble: trouble("timeout"),
        askable: false,
    };
    let outcomes = [
        sent(),
        sent_with(Some(Delivery::Delivered)),
        Outcome::Failed(trouble("rejected")),
        doubt,
    ];
    let outcomes = stage.ids().into_iter().zip(outcomes);
    stage
        .settle(outcomes.map(|(id, it)| told(id, it)).collect())
        .await?;
    stage.db.advance("30 days").await?;
    call(&stage.worker, Prune { limit: 100 }).await?;
    assert_eq!(stage.states().await?.len(), 4);
    stage.db.advance("1 second").await?;
    call(&stage.worker, Prune { limit: 2 }).await?;
    assert_eq!(stage.states().await?.len(), 2, "a sweep is bounded");
    call(&stage.worker, Prune { limit: 2 }).await?;
    assert_eq!(stage.states().await?, ["unknown timeout"]);
    Ok(())
}

#[tokio::test]
async fn what_is_settled_or_submitted_malformed_is_refused_by_code() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    let attempt = stage.attempt.attempt_id;
    let nobody = uuid::Uuid::nil();
    for (sql, attempt, argument, code) in [
        (
            "settle_messages($1, $2)",
            attempt,
            json!({}),
            codes::BAD_ARGUMENT,
        ),
        (
            "settle_messages($1, $2)",
            attempt,
            json!("[]"),
            codes::BAD_ARGUMENT,
        ),
        (
            "submit_messages($1, $2, '[]')",
            attempt,
            json!({}),
            codes::BAD_ARGUMENT,
        ),
        (
            "submit_messages($1, '[]', $2)",
            attempt,
            json!({}),
            codes::BAD_ARGUMENT,
        ),
        (
            "settle_messages($1, $2)",
            nobody,
            json!([]),
            codes::NO_SUCH_THING,
        ),
        (
            "submit_messages($1, $2, '[]')",
            nobody,
            json!([]),
            codes::NO_SUCH_THING,
        ),
    ] {
        let sql = format!("select baton_api.{sql}");
        let error = stage.worker.execute(&sql, &[&attempt, &argument]).await;
        let error = error.expect_err(&sql);
        assert_eq!(error.code().map(|it| it.code()), Some(code), "{sql}");
    }
    assert_eq!(stage.states().await?, ["reserved"]);
    Ok(())
}

#[tokio::test]
async fn an_outcome_of_anothers_message_changes_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.configure_job("follow-up-reminders", json!({ "batch_size": 1 }))
        .await?;
    no_quiet_hours(&db).await?;
    db.add_assignments(2).await?;
    let mut stage = Stage::on(db).await?;
    let first = stage.attempt.clone();
    stage.end_as(&sent()).await?;
    stage.claim().await?;
    // The present attempt speaks of the message of the one before.
    stage
        .settle(vec![told(
            first.messages[0].id,
            Outcome::Failed(trouble("rejected")),
        )])
        .await?;
    assert_eq!(stage.states().await?, ["submitted", "reserved"]);
    Ok(())
}

#[tokio::test]
async fn a_message_changes_state_only_as_the_diagram_says() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let document = std::fs::read_to_string(crate::support::home().join("migrations/STATES.md"))?;
    let diagram = document
        .split("\n## Message\n")
        .nth(1)
        .and_then(|it| it.split("```").nth(1))
        .expect("messages have a diagram");
    let states = [
        "reserved",
        "submitting",
        "submitted",
        "delivered",
        "undelivered",
        "failed",
        "unknown",
    ];
    let set = "status = $1, ended_at = case when $1 in ('delivered', 'undelivered', 'failed') then now() end";
    for from in states {
        for to in states.into_iter().filter(|it| *it != from) {
            db.owner.execute("delete from messages", &[]).await?;
            db.owner
                .execute(
                    "insert into messages (job, purpose, subject_id, recipient_id, period_start, channel, recipient, status, ended_at)
                     values ('follow-up-reminders', 'follow_up', '1', '', now(), 'sms', '1', $1, case when $1 in ('delivered', 'undelivered', 'failed') then now() end)",
                    &[&from],
                )
                .await?;
            let changed = db
                .owner
                .execute(&format!("update messages set {set}"), &[&to])
                .await;
            let drawn = diagram
                .lines()
                .any(|it| it.trim().starts_with(&format!("{from} --> {to}:")));
            match changed {
                Ok(_) => assert!(drawn, "{from} to {to} is not in STATES.md"),
                Err(error) => {
                    assert!(!drawn, "{from} to {to} is in STATES.md: {error}");
                    assert_eq!(
                        error.code().map(|it| it.code()),
                        Some(codes::ILLEGAL_TRANSITION)
                    );
                }
            }
        }
    }
    Ok(())
}
