//! Settlements of contacts and messages that claim the next batch in the same transaction.

use baton::contract::native::call;
use baton::contract::{Claim, SettleAnswer, Settlement, Trigger};
use dispatch::Outcome;
use dispatch::calls::{MessageAttempt, SettleMessages};
use serde_json::json;
use tokio_postgres::Client;
use validate_contacts::calls::{Attempt, SettleContacts, Throttle};
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::messages::{
    claim_auto_syncs, claim_reminders, claimed, letter_to, no_quiet_hours, sent, submit, told,
    trouble,
};
use crate::support::settling::{claim, verdicts};

#[tokio::test]
async fn contacts_are_settled_and_claimed_until_none_is_due() -> anyhow::Result<()> {
    let (db, worker, mut attempt) = five_contacts().await?;
    let mut sizes = vec![attempt.contacts.len()];
    loop {
        let settlement = settle_contacts(&worker, &attempt).await?;
        // The second time nothing is settled and nothing claimed.
        let again = settle_contacts(&worker, &attempt).await?;
        assert_eq!((again.counts, again.next), (settlement.counts, None));
        let Some(Claim::Claimed(next)) = settlement.next else {
            assert!(!settlement.again);
            break;
        };
        sizes.push(next.contacts.len());
        attempt = next;
    }
    assert_eq!(sizes, [2, 2, 1]);
    let cycles = "select string_agg(status || ' ' || done_items, ',') from baton.cycles";
    assert_eq!(db.text(cycles).await?.as_deref(), Some("completed 5"));
    let runs = "select string_agg(trigger || ' ' || settled, ',' order by id) from (select id, trigger, result->>'settled' as settled from baton.attempts) a";
    assert_eq!(
        db.text(runs).await?.as_deref(),
        Some("tick 2,next 2,next 1")
    );
    Ok(())
}

#[tokio::test]
async fn a_provider_that_asks_for_patience_ends_a_call_with_contacts() -> anyhow::Result<()> {
    let (db, worker, attempt) = five_contacts().await?;
    let settle = SettleContacts {
        throttle: Some(Throttle {
            seconds: 60,
            reason: "provider_throttled",
        }),
        ..settlement_of(&attempt)
    };
    let settlement = call(&worker, settle).await?.settlement();
    let settlement = settlement.map_err(anyhow::Error::msg)?;
    assert_eq!((settlement.again, settlement.next), (false, None));
    let open = "select count(*) from baton.attempts where finished_at is null";
    assert_eq!(db.count(open).await?, 0);
    Ok(())
}

#[tokio::test]
async fn reminders_are_settled_and_claimed_until_none_is_due() -> anyhow::Result<()> {
    let (db, worker, first) = reminders(5).await?;
    assert_eq!(send_all(&worker, first).await?, [2, 2, 1]);
    let submitted = "select count(*) from messages where status = 'submitted'";
    assert_eq!(db.count(submitted).await?, 5);
    let cycles = "select string_agg(status, ',') from baton.cycles";
    assert_eq!(db.text(cycles).await?.as_deref(), Some("completed"));
    Ok(())
}

#[tokio::test]
async fn messages_of_auto_syncs_are_settled_and_claimed_until_none_is_due() -> anyhow::Result<()> {
    let db = Db::new().await?;
    no_quiet_hours(&db).await?;
    db.configure_job("auto-sync-jobs", json!({ "batch_size": 2 }))
        .await?;
    db.add_auto_sync(5, "25 hours").await?;
    let worker = db.worker().await?;
    let first = claimed(claim_auto_syncs(&worker, Trigger::Manual).await?)?;
    assert_eq!(send_all(&worker, first).await?, [2, 2, 1]);
    let submitted = "select count(*) from auto_sync_messages where status = 'submitted'";
    assert_eq!(db.count(submitted).await?, 5);
    Ok(())
}

#[tokio::test]
async fn a_provider_that_refuses_ends_a_call_with_messages() -> anyhow::Result<()> {
    let (_db, worker, first) = reminders(5).await?;
    submit_all(&worker, &first).await?;
    let refused = Outcome::Refused(trouble("bad_key"));
    let settlement = settle_messages(&worker, &first, &refused).await?;
    assert_eq!(settlement.refused.as_deref(), Some("provider_refused"));
    assert_eq!(settlement.next, None);
    Ok(())
}

#[tokio::test]
async fn a_message_that_was_kept_back_is_due_at_once_and_was_not_tried() -> anyhow::Result<()> {
    let (db, worker, first) = reminders(1).await?;
    submit_all(&worker, &first).await?;
    let tried = "select concat_ws(' ', status, attempts, due_at <= baton.clock()) from messages";
    assert_eq!(db.text(tried).await?.as_deref(), Some("submitting 1"));
    let settlement = settle_messages(&worker, &first, &Outcome::Unsent).await?;
    let Some(Claim::Claimed(next)) = settlement.next else {
        panic!("it is due: {settlement:?}");
    };
    assert_eq!(next.messages[0].id, first.messages[0].id);
    assert_eq!(db.text(tried).await?.as_deref(), Some("reserved 0"));
    Ok(())
}

/// Five contacts, and a worker that has the first two.
async fn five_contacts() -> anyhow::Result<(Db, Client, Attempt)> {
    let db = Db::new().await?;
    db.configure(json!({ "batch_size": 2, "rate_per_minute": null }))
        .await?;
    db.add_many_contacts(5).await?;
    let worker = db.worker().await?;
    match claim(&worker, Trigger::Tick).await? {
        Claim::Claimed(attempt) => Ok((db, worker, attempt)),
        other => anyhow::bail!("nothing could be claimed: {other:?}"),
    }
}

/// So many assignments to remind of, and a worker that has the first two.
async fn reminders(n: i32) -> anyhow::Result<(Db, Client, MessageAttempt)> {
    let db = Db::new().await?;
    no_quiet_hours(&db).await?;
    db.configure_job("follow-up-reminders", json!({ "batch_size": 2 }))
        .await?;
    db.add_assignments(n).await?;
    let worker = db.worker().await?;
    let first = claimed(claim_reminders(&worker, Trigger::Manual).await?)?;
    Ok((db, worker, first))
}

/// Sends batch after batch; the sizes of the batches.
async fn send_all(worker: &Client, first: MessageAttempt) -> anyhow::Result<Vec<usize>> {
    let mut sizes = Vec::new();
    let mut next = Some(Claim::Claimed(first));
    while let Some(Claim::Claimed(attempt)) = next {
        sizes.push(attempt.messages.len());
        submit_all(worker, &attempt).await?;
        let settlement = settle_messages(worker, &attempt, &sent()).await?;
        // The second time nothing is settled and nothing claimed.
        let again = settle_messages(worker, &attempt, &sent()).await?;
        assert_eq!((again.counts, again.next), (settlement.counts, None));
        next = settlement.next;
    }
    Ok(sizes)
}

async fn submit_all(worker: &Client, attempt: &MessageAttempt) -> anyhow::Result<()> {
    let letters = attempt.messages.iter().map(letter_to).collect();
    submit(worker, attempt.attempt_id, Vec::new(), letters).await?;
    Ok(())
}

async fn settle_messages(
    worker: &Client,
    attempt: &MessageAttempt,
    outcome: &Outcome,
) -> anyhow::Result<Settlement<MessageAttempt>> {
    let outcomes = attempt.messages.iter();
    let settle = SettleMessages {
        attempt_id: attempt.attempt_id,
        outcomes: outcomes.map(|it| told(it.id, outcome.clone())).collect(),
        claim_next: true,
    };
    let settlement = call(worker, settle).await?.settlement();
    settlement.map_err(anyhow::Error::msg)
}

async fn settle_contacts(
    worker: &Client,
    attempt: &Attempt,
) -> anyhow::Result<Settlement<Attempt>> {
    let settlement = call(worker, settlement_of(attempt)).await?.settlement();
    settlement.map_err(anyhow::Error::msg)
}

fn settlement_of(attempt: &Attempt) -> SettleContacts {
    SettleContacts {
        attempt_id: attempt.attempt_id,
        outcomes: verdicts(attempt, Status::Risky, Reason::NotChecked),
        routes: Vec::new(),
        throttle: None,
        claim_next: true,
    }
}
