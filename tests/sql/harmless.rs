//! What Baton does to the application's own statements, and what outages and operators do to Baton.

use baton::contract::native::call;
use baton::contract::scheduler::{DueState, DueWork, EndDeadAttempts, Prune};
use baton::contract::{Claim, Trigger, codes};
use futures::future::join_all;
use serde_json::json;
use validate_contacts::email::{Reason, Status};

use crate::support::db::Db;
use crate::support::settling::messages::{
    Stage, claim_auto_syncs, claim_reminders, claimed, letter_to, no_quiet_hours, settle_messages,
    submit,
};
use crate::support::settling::{claim, due_job, settle, take, verdicts};

fn code<T: std::fmt::Debug>(result: &anyhow::Result<T>) -> Option<String> {
    let error = result.as_ref().err()?;
    let error = error
        .chain()
        .find_map(|it| it.downcast_ref::<tokio_postgres::Error>())?;
    error.code().map(|it| it.code().to_owned())
}

/// Writers about one assignment hold its key share, by their foreign key, when the trigger wants the row.
#[tokio::test]
async fn writers_of_activities_never_deadlock() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_assignments(3).await?;
    let mut writers = Vec::new();
    for _ in 0..5 {
        let writer = db.session().await?;
        // Above it, PostgreSQL has them retry.
        writer
            .batch_execute("set default_transaction_isolation = 'read committed'")
            .await?;
        writers.push(writer);
    }
    let insert = "insert into activities (assignment_id) select id from assignments order by id";
    for _ in 0..10 {
        for written in join_all(writers.iter().map(|it| it.execute(insert, &[]))).await {
            assert_eq!(written?, 3);
        }
    }
    assert_eq!(db.count("select count(*) from activities").await?, 150);
    assert_eq!(
        db.count("select count(*) from assignments where last_contact_date is null")
            .await?,
        0
    );
    Ok(())
}

#[tokio::test]
async fn an_activity_is_written_although_its_assignment_cannot_be() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_assignments(1).await?;
    db.owner
        .batch_execute("alter table assignments add constraint none check (false) not valid")
        .await?;
    let insert = "insert into activities (assignment_id) select id from assignments";
    assert_eq!(db.owner.execute(insert, &[]).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_broken_table_breaks_its_job_and_no_other() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let worker = db.worker().await?;
    db.add_sync("trial", 1).await?;
    take(&worker).await?;
    db.owner
        .batch_execute("alter table contacts rename column email to mail")
        .await?;
    let due = call(&worker, DueWork { limit: 10 }).await?;
    let state = |job: &str| due.jobs.iter().find(|it| it.job == job).map(|it| it.state);
    assert_eq!(state("validate-contacts"), Some(DueState::Broken));
    assert_eq!(state("process-chunks"), Some(DueState::Busy));
    assert_eq!(state("follow-up-reminders"), Some(DueState::Idle));
    let broken = due_job(&worker, "validate-contacts")
        .await?
        .reason
        .unwrap_or_default();
    assert!(broken.contains("email"), "{broken}");
    call(&worker, EndDeadAttempts { limit: 10 }).await?;
    let swept = call(&worker, Prune { limit: 10 }).await?;
    assert_eq!(
        swept.failed.keys().collect::<Vec<_>>(),
        ["sample of validate-contacts"],
        "{swept:?}"
    );
    let shown = "select state || ' ' || (reason like '%email%') from baton_board.job_overview where job = 'validate-contacts'";
    assert_eq!(db.text(shown).await?.as_deref(), Some("broken true"));
    Ok(())
}

/// As when the application adds a foreign key to a table that Baton prunes.
#[tokio::test]
async fn a_part_of_pruning_that_fails_stops_no_other() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    let worker = db.worker().await?;
    db.add_auto_sync(1, "25 hours").await?;
    let attempt = claimed(claim_auto_syncs(&worker, Trigger::Tick).await?)?;
    settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
    db.owner
        .batch_execute(
            "create table kept (job_id uuid references job_queue);
             insert into kept select id from job_queue where status = 'processed';
             insert into baton.dns_cache values ('x.test', '{}', now() - interval '1 year')",
        )
        .await?;
    db.advance("4 days").await?;
    let swept = call(&worker, Prune { limit: 10 }).await?;
    assert!(
        swept.failed["old rows of auto-sync-jobs"].starts_with("23503"),
        "{swept:?}"
    );
    assert_eq!(swept.failed.len(), 1);
    assert_eq!(db.count("select count(*) from baton.dns_cache").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_messages_fate_is_on_disk_whatever_the_database_is_set_to() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    let mode = async |set: &str| {
        stage
            .worker
            .batch_execute(&format!("begin; set local synchronous_commit = {set}"))
            .await?;
        let letters = stage.attempt.messages.iter().map(letter_to).collect();
        submit(&stage.worker, stage.attempt.attempt_id, Vec::new(), letters).await?;
        let row = stage
            .worker
            .query_one("select current_setting('synchronous_commit')", &[])
            .await?;
        stage.worker.batch_execute("rollback").await?;
        anyhow::Ok(row.get::<_, String>(0))
    };
    for (set, expected) in [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ] {
        assert_eq!(mode(set).await?, expected, "{set}");
    }
    Ok(())
}

#[tokio::test]
async fn messages_are_held_when_the_servers_history_changed() -> anyhow::Result<()> {
    for (setting, held) in [("hold", true), ("continue", false)] {
        let db = Db::new().await?;
        no_quiet_hours(&db).await?;
        db.configure_settings(json!({ "after_failover": setting }))
            .await?;
        db.add_assignments(3).await?;
        let worker = db.worker().await?;
        let first = claimed(claim_reminders(&worker, Trigger::Manual).await?)?;
        settle_messages(&worker, first.attempt_id, Vec::new()).await?;
        // As the timeline is after a promotion.
        db.owner
            .batch_execute("update baton.settings set server_history = regexp_replace(server_history, '[0-9A-F]{8}$', '00000009')")
            .await?;
        let next = claim_reminders(&worker, Trigger::Tick).await?;
        match (held, &next) {
            (true, Claim::Skipped { reason, .. }) => assert_eq!(reason, "paused"),
            (false, Claim::Claimed(_)) => {}
            other => panic!("{other:?}"),
        }
        let paused =
            "select count(*) from baton.jobs where pause_reason like 'the database failed over%'";
        assert_eq!(db.count(paused).await?, if held { 2 } else { 0 });
        if held {
            db.owner
                .batch_execute("select baton_api.resume_job(name, 'ann') from baton.jobs where paused_at is not null")
                .await?;
            assert!(matches!(
                claim_reminders(&worker, Trigger::Tick).await?,
                Claim::Claimed(_)
            ));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_pause_stops_the_next_wave_of_messages() -> anyhow::Result<()> {
    let stage = Stage::new(5).await?;
    let pause = "select baton_api.pause_job('follow-up-reminders', 'ann', 'the wrong text')";
    stage.db.owner.execute(pause, &[]).await?;
    assert_eq!(stage.submit().await?, 0, "none may go");
    stage.settle(Vec::new()).await?;
    assert_eq!(stage.states().await?, vec!["reserved"; 5]);
    stage
        .db
        .owner
        .execute(
            "select baton_api.resume_job('follow-up-reminders', 'ann')",
            &[],
        )
        .await?;
    let attempt = claimed(claim_reminders(&stage.worker, Trigger::Tick).await?)?;
    assert_eq!(attempt.messages.len(), 5);
    Ok(())
}

#[tokio::test]
async fn repeated_pauses_and_resumes_write_no_false_events() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for call in [
        "pause_job('validate-contacts', 'ann', 'why')",
        "pause_job('validate-contacts', 'bob', 'still')",
        "resume_job('validate-contacts', 'ann')",
        "resume_job('validate-contacts', 'ann')",
    ] {
        db.owner
            .execute(&format!("select baton_api.{call}"), &[])
            .await?;
    }
    let events = "select concat_ws(' ', from_state, to_state, who, why) from baton.events where noun = 'job' order by id";
    assert_eq!(
        db.list(events, &[]).await?,
        [
            "active paused ann why",
            "paused paused bob still",
            "paused active ann still"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn another_isolation_level_is_refused() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(3).await?;
    for level in ["repeatable read", "serializable"] {
        let worker = db.worker().await?;
        worker
            .batch_execute(&format!(
                "set session characteristics as transaction isolation level {level}"
            ))
            .await?;
        let refused = claim(&worker, Trigger::Manual).await;
        assert_eq!(
            code(&refused).as_deref(),
            Some(codes::WRONG_ISOLATION),
            "{level}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_attempt_of_another_job_cannot_be_settled() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    let worker = &stage.worker;
    let id = stage.attempt.attempt_id;
    for statement in [
        "select baton_api.settle_contacts($1, '[]', '[]', '{}')",
        "select baton_api.complete_chunk_job_safe($1, '[]')",
    ] {
        let error = worker
            .query_one(statement, &[&id])
            .await
            .expect_err(statement);
        assert_eq!(
            error.code().map(|it| it.code()),
            Some(codes::BAD_ARGUMENT),
            "{error}"
        );
    }
    stage.db.add_many_contacts(1).await?;
    let Claim::Claimed(contacts) = claim(worker, Trigger::Manual).await? else {
        panic!("a contact is due")
    };
    for statement in [
        "select baton_api.settle_messages($1, '[]')",
        "select baton_api.submit_messages($1, '[]', '[]')",
    ] {
        let error = worker
            .query_one(statement, &[&contacts.attempt_id])
            .await
            .expect_err(statement);
        assert_eq!(
            error.code().map(|it| it.code()),
            Some(codes::BAD_ARGUMENT),
            "{error}"
        );
    }
    Ok(())
}

/// A virtual machine that was suspended, or a failover to a host whose clock is ahead.
#[tokio::test]
async fn a_clock_that_was_ahead_stops_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(10).await?;
    db.configure(json!({ "batch_size": 5 })).await?;
    let worker = db.worker().await?;
    db.freeze().await?;
    db.advance("1 year").await?;
    let Claim::Claimed(first) = claim(&worker, Trigger::Manual).await? else {
        panic!("contacts are due")
    };
    let outcomes = verdicts(&first, Status::Deliverable, Reason::Accepted);
    settle(&worker, first.attempt_id, outcomes).await?;
    assert!(
        matches!(claim(&worker, Trigger::Manual).await?, Claim::Claimed(_)),
        "its worker dies"
    );
    db.owner
        .batch_execute("update baton.limiters set blocked_until = baton.clock() + interval '1 hour', blocked_reason = 'provider_throttled'")
        .await?;
    db.advance("-1 year").await?;
    assert_eq!(
        due_job(&worker, "validate-contacts").await?.state,
        DueState::Due
    );
    let claimed = claim(&worker, Trigger::Manual).await?;
    assert!(matches!(claimed, Claim::Claimed(_)), "{claimed:?}");
    Ok(())
}

#[tokio::test]
async fn messages_outlive_the_run_log_and_lose_personal_data_first() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    stage.submit().await?;
    stage
        .end_as(&crate::support::settling::messages::sent())
        .await?;
    stage
        .db
        .configure_settings(json!({ "runs_kept_for": "1 hour", "personal_data_kept_for": "2 days", "messages_kept_for": "7 days" }))
        .await?;
    let row = "select string_agg((recipient <> '') || ' ' || (body is not null), ',') from baton.messages";
    for (wait, expected) in [
        ("3 hours", Some("true true")),
        ("3 days", Some("false false")),
        ("5 days", None),
    ] {
        stage.db.advance(wait).await?;
        call(&stage.worker, Prune { limit: 10 }).await?;
        assert_eq!(
            stage.db.text(row).await?.as_deref(),
            expected,
            "after {wait}"
        );
    }
    let short = stage
        .db
        .configure_settings(json!({ "messages_kept_for": "6 days" }))
        .await;
    assert_eq!(code(&short).as_deref(), Some("23514"));
    Ok(())
}

#[tokio::test]
async fn a_period_longer_than_the_first_wait_is_refused() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let refused = db
        .configure_settings(json!({ "follow_up_after": "1 day" }))
        .await;
    assert_eq!(
        code(&refused).as_deref(),
        Some("23514"),
        "a reminder would be swallowed"
    );
    db.configure_settings(json!({ "follow_up_after": "1 day", "follow_up_every": "1 day" }))
        .await
}

#[tokio::test]
async fn users_cannot_write_to_crews_of_others_or_send_links() -> anyhow::Result<()> {
    let db = Db::new().await?;
    no_quiet_hours(&db).await?;
    let worker = db.worker().await?;
    let sync = db.add_auto_sync(1, "25 hours").await?;
    let own = "update crews set owner_id = gen_random_uuid()";
    db.owner.execute(own, &[]).await?;
    let Claim::Claimed(attempt) = claim_auto_syncs(&worker, Trigger::Tick).await? else {
        panic!("a queued job is due")
    };
    assert_eq!(
        (attempt.messages.len(), attempt.jobs.get("skipped")),
        (0, Some(&json!(1)))
    );
    settle_messages(&worker, attempt.attempt_id, Vec::new()).await?;
    let why = "select error_message from job_queue where sync_id = $1";
    assert_eq!(
        db.list(why, &[&sync]).await?,
        ["the crew belongs to another user"]
    );
    let words = "select baton_api.plain_words($1, 60)";
    for (written, sent) in [
        (
            "Your parcel: pay CHF 2.90 at http://evil.example/x now",
            "Your parcel: pay CHF 2.90 at now",
        ),
        ("www.evil.example", ""),
        ("two\r\nlines\tand\u{7}a bell", "two lines and a bell"),
        (
            "plain words, wie gehabt: 4.5 %",
            "plain words, wie gehabt: 4.5 %",
        ),
    ] {
        let shown: Option<String> = db.owner.query_one(words, &[&written]).await?.get(0);
        assert_eq!(shown.unwrap_or_default(), sent);
    }
    Ok(())
}

/// The numbers of the locks are known, and every role of the database may take them.
#[tokio::test]
async fn a_lock_that_another_session_holds_is_shown_with_its_holder() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    let other = db.session().await?;
    let pid: i32 = other
        .query_one(
            "select pg_backend_pid() from (select pg_advisory_lock(123456789)) l",
            &[],
        )
        .await?
        .get(0);
    let shown = "select state || ' ' || (reason like '%(pid ' || $1::int || ')') from baton_board.job_overview where job = 'validate-contacts'";
    db.advance("10 seconds").await?;
    assert_eq!(db.list(shown, &[&pid]).await?, ["busy true"]);
    Ok(())
}

#[tokio::test]
async fn rows_that_are_never_due_are_counted_with_a_remedy() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let counted = "baton_api.unreachable_rows()";
    assert_eq!(db.text(counted).await?.as_deref(), Some("[]"));
    db.owner
        .batch_execute(
            "insert into contacts (email, email_validation_status) select 'a' || g || '@x.test', 'unknown' from generate_series(1, 10005) g;
             insert into contacts (email, email_validation_status, email_validation_retry_at) values ('b@x.test', 'unknown', 'infinity'), ('c@x.test', 'unknown', now());
             insert into contacts (email, email_validation_status) values ('d@x.test', 'deliverable');
             insert into contacts (email, email_validation_status, external_heartbeat_checked_at) values ('e@x.test', 'risky', now()), ('f@x.test', 'risky', 'infinity');
             insert into contacts (email, created_at) values ('g@x.test', 'infinity'), ('h@x.test', '-infinity'), (null, 'infinity');
             alter table assignments alter created_at drop not null;
             insert into assignments (created_at, last_contact_date, last_reminder_at, status) values
               (null, null, null, 'active'), (null, null, null, 'ended'), (now(), 'infinity', null, 'active'),
               (now(), null, 'infinity', 'active'), (now(), null, now(), 'active')",
        )
        .await?;
    let found: serde_json::Value = db
        .owner
        .query_one(&format!("select {counted}"), &[])
        .await?
        .get(0);
    let kinds = found.as_array().cloned().unwrap_or_default();
    let rows: Vec<_> = kinds.iter().map(|it| it["rows"].as_i64()).collect();
    assert_eq!(rows, [1, 2, 10_001, 2, 1].map(Some), "{found}");
    for kind in kinds {
        let remedy = kind["remedy"].as_str().unwrap_or_default();
        db.owner.batch_execute(remedy).await?;
    }
    assert_eq!(db.text(counted).await?.as_deref(), Some("[]"));
    Ok(())
}
