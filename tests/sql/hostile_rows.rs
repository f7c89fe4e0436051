//! A row that cannot be handled costs itself only, in every table of the application that Baton works.

use baton::contract::native::call;
use baton::contract::operator::{DropSetAside, RetrySetAside};
use baton::contract::{Claim, Trigger};
use serde_json::json;
use tokio_postgres::Client;
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::messages::{
    claim_reminders, claimed, no_quiet_hours, settle_messages,
};
use crate::support::settling::{claim, settle, verdicts};

const GOOD: i64 = 20;

/// Contacts that cannot be handled, each as a statement after 20 good ones were added.
const HOSTILE_CONTACTS: &[(&str, &str)] = &[
    (
        "a row that breaks a check which came later",
        "insert into contacts (email) values ('bad@x.test');
         alter table contacts add constraint no_bad check (email <> 'bad@x.test') not valid",
    ),
    (
        "a trigger that raises",
        "insert into contacts (email) values ('bad@x.test');
         create function raise_on_bad() returns trigger language plpgsql as $$ begin
           if new.email = 'bad@x.test' then raise exception 'not this one'; end if; return new; end $$;
         create trigger refuse before update on contacts for each row execute function raise_on_bad()",
    ),
    (
        "a trigger that divides by zero",
        "insert into contacts (email) values ('bad@x.test');
         create function divide_on_bad() returns trigger language plpgsql as $$ begin
           if new.email = 'bad@x.test' then perform 1 / 0; end if; return new; end $$;
         create trigger refuse before update on contacts for each row execute function divide_on_bad()",
    ),
    (
        "an address of 10 MiB",
        "insert into contacts (email) select repeat('x', 10 * 1024 * 1024) || '@x.test'",
    ),
    (
        "a null instant",
        "alter table contacts alter created_at drop not null; insert into contacts (email, created_at) values ('null@x.test', null)",
    ),
    (
        "instants without end",
        "insert into contacts (email, created_at) values ('past@x.test', '-infinity'), ('future@x.test', 'infinity')",
    ),
    (
        "an instant before Christ",
        "insert into contacts (email, created_at) values ('old@x.test', '4000-01-01 00:00:00 BC')",
    ),
    (
        "a verdict that was never given",
        "insert into contacts (email, email_validation_status, external_heartbeat_checked_at) values ('odd@x.test', 'odd', '-infinity')",
    ),
];

/// Claims and settles until nothing is left to claim.
async fn validate_all(worker: &Client) -> anyhow::Result<()> {
    for _ in 0..20 {
        let Claim::Claimed(attempt) = claim(worker, Trigger::Manual).await? else {
            return Ok(());
        };
        let outcomes = verdicts(&attempt, Status::Deliverable, Reason::Accepted);
        settle(worker, attempt.attempt_id, outcomes).await?;
    }
    anyhow::bail!("there is no end to it")
}

#[tokio::test]
async fn a_hostile_contact_costs_itself_only() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let worker = db.worker().await?;
    db.configure(json!({ "rate_per_minute": null })).await?;
    for (hostile, statement) in HOSTILE_CONTACTS {
        db.owner
            .batch_execute("truncate contacts, baton.set_aside; delete from baton.item_losses")
            .await?;
        db.add_many_contacts(20).await?;
        db.owner.batch_execute(statement).await?;
        validate_all(&worker)
            .await
            .map_err(|it| it.context(*hostile))?;
        let good = "select count(*) from contacts where email like 'user%' and email_validation_status = 'deliverable'";
        assert_eq!(db.count(good).await?, GOOD, "{hostile}");
        db.owner
            .batch_execute(
                "drop trigger if exists refuse on contacts; drop function if exists raise_on_bad, divide_on_bad;
                 alter table contacts drop constraint if exists no_bad; update validation_sessions set status = 'failed' where status = 'running'",
            )
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_contact_that_cannot_be_written_is_set_aside_until_retried() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    let worker = db.worker().await?;
    db.add_many_contacts(20).await?;
    db.owner.batch_execute(HOSTILE_CONTACTS[0].1).await?;
    validate_all(&worker).await?;
    let listed = "select job || ' ' || sqlstate || ' ' || tries from baton_board.set_aside_items";
    assert_eq!(db.list(listed, &[]).await?, ["validate-contacts 23514 1"]);
    // It is tried again by itself after an hour, then after two.
    db.advance("61 minutes").await?;
    validate_all(&worker).await?;
    assert_eq!(db.list(listed, &[]).await?, ["validate-contacts 23514 2"]);
    db.advance("61 minutes").await?;
    validate_all(&worker).await?;
    assert_eq!(db.list(listed, &[]).await?, ["validate-contacts 23514 2"]);
    let job = "validate-contacts".to_owned();
    let dropped = call(
        &db.owner,
        DropSetAside {
            job: job.clone(),
            item_id: None,
            who: "ann".to_owned(),
        },
    )
    .await?;
    assert_eq!(dropped["dropped"], 1);
    db.advance("30 days").await?;
    let bad = "select email_validation_status is null from contacts where email = 'bad@x.test'";
    validate_all(&worker).await?;
    assert_eq!(db.text(bad).await?.as_deref(), Some("true"), "given up");
    db.owner
        .batch_execute("alter table contacts drop constraint no_bad")
        .await?;
    let retried = call(
        &db.owner,
        RetrySetAside {
            job,
            item_id: None,
            who: "ann".to_owned(),
        },
    )
    .await?;
    assert_eq!(retried["retried"], 1);
    validate_all(&worker).await?;
    assert_eq!(db.text(bad).await?.as_deref(), Some("false"));
    assert_eq!(db.list(listed, &[]).await?, [""; 0]);
    Ok(())
}

/// What killed its worker three times is written off, and its row cannot be written.
#[tokio::test]
async fn a_poison_contact_that_cannot_be_written_stops_no_claim() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    let worker = db.worker().await?;
    db.owner.batch_execute(HOSTILE_CONTACTS[0].1).await?;
    for _ in 0..3 {
        anyhow::ensure!(matches!(
            claim(&worker, Trigger::Manual).await?,
            Claim::Claimed(_)
        ));
        db.advance("9 seconds").await?;
    }
    db.add_many_contacts(20).await?;
    db.advance("1 second").await?;
    validate_all(&worker).await?;
    db.advance("2 minutes").await?;
    validate_all(&worker).await?;
    let good = "select count(*) from contacts where email_validation_status = 'deliverable'";
    assert_eq!(db.count(good).await?, GOOD);
    Ok(())
}

/// Assignments that cannot be handled, after 20 good ones were added.
const HOSTILE_ASSIGNMENTS: &[(&str, &str)] = &[
    (
        "a contact before all time",
        "with a as (insert into assignments (peer_mentor_phone, created_at) values ('+41790000000', now() - interval '9 days') returning id)
         insert into activities (assignment_id, occurred_at) select id, '-infinity' from a",
    ),
    (
        "a date without end",
        "insert into assignments (peer_mentor_phone, created_at, last_contact_date) values ('+41790000000', now() - interval '9 days', '-infinity')",
    ),
    (
        "a creation without end",
        "insert into assignments (peer_mentor_phone, created_at) values ('+41790000000', '-infinity')",
    ),
    (
        "a row that breaks a check which came later",
        "insert into assignments (peer_mentor_phone, created_at, contact_name) values ('+41790000000', now() - interval '9 days', 'bad');
         alter table assignments add constraint no_bad check (contact_name <> 'bad') not valid",
    ),
    (
        "a trigger that raises",
        "insert into assignments (peer_mentor_phone, created_at, contact_name) values ('+41790000000', now() - interval '9 days', 'bad');
         create function raise_on_bad() returns trigger language plpgsql as $$ begin
           if new.contact_name = 'bad' then raise exception 'not this one'; end if; return new; end $$;
         create trigger refuse before update on assignments for each row execute function raise_on_bad()",
    ),
    (
        "names of 10 MiB",
        "insert into assignments (peer_mentor_phone, peer_mentor_name, contact_name, created_at)
         select '+41790000000', repeat('n', 10 * 1024 * 1024), repeat(E'x\\n', 1024 * 1024), now() - interval '9 days'",
    ),
];

#[tokio::test]
async fn a_hostile_assignment_costs_itself_only() -> anyhow::Result<()> {
    let db = Db::new().await?;
    no_quiet_hours(&db).await?;
    let worker = db.worker().await?;
    for (hostile, statement) in HOSTILE_ASSIGNMENTS {
        db.owner
            .batch_execute("truncate assignments, activities, baton.messages, baton.set_aside")
            .await?;
        db.add_assignments(20).await?;
        db.owner.batch_execute(statement).await?;
        let attempt = claimed(claim_reminders(&worker, Trigger::Manual).await?)
            .map_err(|it| it.context(*hostile))?;
        assert!(
            attempt.messages.len() >= 20,
            "{hostile}: {}",
            attempt.messages.len()
        );
        settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
        let good = "select count(*) from baton.messages where recipient like '+4179100%'";
        assert_eq!(db.count(good).await?, GOOD, "{hostile}");
        let longest = "select coalesce(max(length(fields::text)), 0) from baton.messages";
        assert!(db.count(longest).await? < 1_000, "{hostile}");
        db.owner
            .batch_execute(
                "drop trigger if exists refuse on assignments; drop function if exists raise_on_bad;
                 alter table assignments drop constraint if exists no_bad; update baton.cycles set status = 'failed' where status = 'running'",
            )
            .await?;
    }
    Ok(())
}
