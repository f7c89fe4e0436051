//! Follow-up reminders: about which assignments, how often, and in which cycle.

use baton::contract::scheduler::DueState;
use baton::contract::{Claim, Trigger};
use serde_json::json;
use tokio_postgres::Client;

use crate::support::db::Db;
use crate::support::settling::due_job;
use crate::support::settling::messages::{Stage, claim_reminders, claimed, no_quiet_hours, sent};

const JOB: &str = "follow-up-reminders";

#[tokio::test]
async fn an_assignment_is_due_by_its_status_its_last_contact_and_its_last_reminder()
-> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.configure_settings(json!({ "follow_up_after": "3 days", "follow_up_every": "2 days" }))
        .await?;
    // How long ago, in hours: made, last contact, last reminder.
    for (status, made, contact, reminder, due) in [
        ("active", 72, None, None, true),
        ("active", 71, None, None, false),
        ("active", 999, Some(72), None, true),
        ("active", 999, Some(71), None, false),
        ("active", 999, None, Some(48), true),
        ("active", 999, None, Some(47), false),
        ("active", 999, Some(90), Some(48), true),
        ("active", 999, Some(90), Some(47), false),
        // Reminded of, then followed up, and then nothing for long.
        ("active", 999, Some(72), Some(80), true),
        ("active", 999, Some(71), Some(80), false),
        ("paused", 999, None, None, false),
        ("completed", 999, Some(90), Some(80), false),
    ] {
        db.owner
            .execute(
                "insert into assignments (status, peer_mentor_phone, created_at, last_contact_date, last_reminder_at)
                 select $1, '1', baton.clock() - $2::int * interval '1 hour', baton.clock() - $3::int * interval '1 hour',
                        baton.clock() - $4::int * interval '1 hour'",
                &[&status, &made, &contact, &reminder],
            )
            .await?;
        let found = db
            .count("select count(*) from baton_api.due_assignments(null, null)")
            .await?;
        let row = format!("{status} {made} {contact:?} {reminder:?}");
        assert_eq!(found, i64::from(due), "{row}");
        db.owner.execute("delete from assignments", &[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_assignment_is_reminded_of_once_in_a_period_whatever_becomes_of_its_last_reminder()
-> anyhow::Result<()> {
    let mut stage = Stage::new(3).await?;
    stage.end_as(&sent()).await?;
    let forget = "update assignments set last_reminder_at = null";
    stage.db.owner.execute(forget, &[]).await?;
    let again = claimed(claim_reminders(&stage.worker, Trigger::Manual).await?)?;
    assert_eq!(again.messages, []);
    stage.attempt = again;
    stage.settle(Vec::new()).await?;
    let messages = "select count(*) from messages";
    assert_eq!(stage.db.count(messages).await?, 3);
    stage.db.advance("7 days").await?;
    let next = claimed(claim_reminders(&stage.worker, Trigger::Manual).await?)?;
    assert_eq!(next.messages.len(), 3, "the next period has its own");
    Ok(())
}

/// Past the job's lock: the assignment's row keeps the second away, and after that the unique key does.
#[tokio::test]
async fn of_two_that_reserve_a_reminder_at_once_one_gets_it() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_assignments(1).await?;
    let reserve = "select cardinality(r.ids), r.seen from baton_api.reserve_reminders(null, gen_random_uuid(), 10, baton.clock()) r";
    let first = db.session().await?;
    first.batch_execute("begin").await?;
    let row = first.query_one(reserve, &[]).await?;
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (1, 1));
    let second = db.session().await?;
    let row = second.query_one(reserve, &[]).await?;
    assert_eq!(
        (row.get::<_, i32>(0), row.get::<_, i32>(1)),
        (0, 0),
        "while the first has the assignment, it is passed by"
    );
    first.batch_execute("commit").await?;
    db.owner
        .execute("update assignments set last_reminder_at = null", &[])
        .await?;
    let row = second.query_one(reserve, &[]).await?;
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (0, 1));
    assert_eq!(db.count("select count(*) from messages").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_cycle_reminds_of_what_was_due_at_its_start_and_ends() -> anyhow::Result<()> {
    let mut stage = Stage::in_batches(5, 2).await?;
    stage.end_as(&sent()).await?;
    stage.db.advance("1 second").await?;
    let late = "insert into assignments (peer_mentor_phone, created_at) values ('1', baton.clock() - interval '7 days')";
    stage.db.owner.execute(late, &[]).await?;
    for expected in [2, 1] {
        assert_eq!(stage.claim().await?.len(), expected);
        stage.end_as(&sent()).await?;
    }
    assert!(stage.is_idle().await?, "the new one is for the next cycle");
    let cycle = "select concat_ws(' ', status, total_items, done_items, iteration) from cycle_log";
    assert_eq!(
        stage.db.text(cycle).await?.as_deref(),
        Some("completed 5 5 3")
    );
    assert_eq!(stage.db.count("select count(*) from messages").await?, 5);
    let next = claimed(claim_reminders(&stage.worker, Trigger::Cron).await?)?;
    assert_eq!(next.messages.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_slot_starts_the_cycle_and_a_tick_without_one_is_idle() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_assignments(1).await?;
    let worker = db.worker().await?;
    let idle = (DueState::Idle, "waits_for_schedule".to_owned());
    assert_eq!(state(&worker).await?, idle);
    for trigger in [Trigger::Tick, Trigger::Wake] {
        let Claim::Idle { reason, .. } = claim_reminders(&worker, trigger).await? else {
            panic!("its time has not come")
        };
        assert_eq!(reason, "waits_for_schedule");
    }
    let slot = "insert into baton.slots (job, due_at) values ('follow-up-reminders', baton.clock() + interval '1 hour')";
    db.owner.execute(slot, &[]).await?;
    db.advance("1 hour").await?;
    assert_eq!(
        state(&worker).await?,
        (DueState::Due, "slot_due".to_owned())
    );
    let attempt = claimed(claim_reminders(&worker, Trigger::Tick).await?)?;
    assert_eq!(attempt.messages.len(), 1);
    assert_eq!(
        db.text("select status from baton.slots").await?.as_deref(),
        Some("started")
    );
    Ok(())
}

#[tokio::test]
async fn a_message_goes_to_the_phone_else_by_e_mail_else_it_has_failed() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.owner
        .batch_execute(
            "insert into assignments (peer_mentor_phone, peer_mentor_email, contact_name, created_at) values
               (' +41791000001 ', 'a@x.test', 'a', baton.clock() - interval '9 days'),
               ('  ', 'b@x.test', 'b', baton.clock() - interval '9 days'),
               (null, '', 'c', baton.clock() - interval '9 days')",
        )
        .await?;
    let worker = db.worker().await?;
    let attempt = claimed(claim_reminders(&worker, Trigger::Manual).await?)?;
    assert_eq!(attempt.messages.len(), 2);
    let sql = "select concat_ws(' ', fields->>'contact_name', fields->>'days', channel, recipient, status, reason) from messages order by fields->>'contact_name'";
    assert_eq!(
        db.list(sql, &[]).await?,
        [
            "a 9 sms +41791000001 reserved",
            "b 9 email b@x.test reserved",
            "c 9  failed no_address"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn held_messages_go_out_by_tick_outside_of_a_cycle() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze_at("2026-06-01T20:00Z").await?;
    db.configure_settings(json!({ "quiet_from": "19:00", "quiet_until": "07:00" }))
        .await?;
    db.add_assignments(2).await?;
    let mut stage = Stage::on(db).await?;
    assert_eq!(stage.submit().await?, 0);
    stage.settle(Vec::new()).await?;
    let cycle = "select status from cycle_log";
    assert_eq!(stage.db.text(cycle).await?.as_deref(), Some("completed"));
    assert_eq!(
        due_job(&stage.worker, JOB).await?.until.as_deref(),
        Some("2026-06-02T07:00:00+00:00")
    );
    assert!(stage.is_idle().await?);
    stage.db.advance("11 hours").await?;
    assert_eq!(
        state(&stage.worker).await?,
        (DueState::Due, "messages_due".to_owned())
    );
    stage.claim().await?;
    stage.end_as(&sent()).await?;
    assert_eq!(stage.states().await?, ["submitted"; 2]);
    assert_eq!(stage.db.count("select count(*) from cycle_log").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_cycle_that_takes_over_half_an_hour_leaves_one_alert() -> anyhow::Result<()> {
    for swept in [false, true] {
        let mut stage = Stage::in_batches(2, 1).await?;
        stage.end_as(&sent()).await?;
        stage.db.advance("30 minutes").await?;
        stage.claim().await?;
        stage
            .db
            .owner
            .execute("select end_dead_attempts(10)", &[])
            .await?;
        let alerts = "select count(*) from alerts";
        assert_eq!(stage.db.count(alerts).await?, 0, "not yet over");
        stage.db.advance("1 second").await?;
        if swept {
            for _ in 0..2 {
                stage
                    .db
                    .owner
                    .execute("select end_dead_attempts(10)", &[])
                    .await?;
            }
        }
        stage.end_as(&sent()).await?;
        let alert = "select concat_ws(' ', a.job, a.reason, round(a.seconds), c.status) from baton_board.alerts a join cycle_log c on c.id = a.cycle_id";
        assert_eq!(
            stage.db.list(alert, &[]).await?,
            ["follow-up-reminders running_too_long 1801 completed"],
            "swept: {swept}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn after_an_operators_stop_no_further_batch_opens() -> anyhow::Result<()> {
    let mut stage = Stage::in_batches(5, 2).await?;
    let stop = "update baton.cycles set status = 'failed', error_message = 'Manually stopped' where status = 'running'";
    stage.db.owner.execute(stop, &[]).await?;
    stage.end_as(&sent()).await?;
    assert_eq!(
        state(&stage.worker).await?,
        (DueState::Idle, "waits_for_schedule".to_owned())
    );
    assert!(stage.is_idle().await?);
    assert_eq!(
        stage.states().await?,
        ["submitted"; 2],
        "the batch under way was settled"
    );
    let next = claimed(claim_reminders(&stage.worker, Trigger::Manual).await?)?;
    stage.attempt = next;
    assert_eq!(stage.ids().len(), 2, "a person may go on");
    Ok(())
}

/// The application's table keeps its rows, its columns and the type of its key.
#[tokio::test]
async fn an_existing_table_of_assignments_is_extended() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "drop schema baton, baton_api, baton_board cascade; drop table assignments, activities cascade;
             create table assignments (id bigint generated always as identity primary key, status text not null, last_contact_date timestamptz,
               peer_mentor_phone text, note text);
             insert into assignments (status, last_contact_date, peer_mentor_phone, note) values
               ('active', now() - interval '8 days', '+41791000001', 'Ann'), ('active', null, '+41791000002', 'Bob'), ('ended', null, null, 'Cid')",
        )
        .await?;
    let mut owner = db.session().await?;
    schema::migrate(&mut owner).await?;
    no_quiet_hours(&db).await?;
    let mut stage = Stage::on(db).await?;
    assert_eq!(stage.end_as(&sent()).await?, ended(1));
    let reminded = "select note from assignments where last_reminder_at is not null";
    assert_eq!(
        stage.db.list(reminded, &[]).await?,
        ["Ann"],
        "whose age nobody knows is as old as the column"
    );
    stage
        .db
        .owner
        .execute("insert into activities (assignment_id) values (1)", &[])
        .await?;
    let correct =
        "select baton_api.correct_last_contact_date('2', '2020-01-01T00:00:00Z', 'ann', 'told me')";
    stage.db.owner.execute(correct, &[]).await?;
    let contacts = "select concat(note, ' ', last_contact_date > now() - interval '1 hour') from assignments order by id";
    assert_eq!(
        stage.db.list(contacts, &[]).await?,
        ["Ann t", "Bob f", "Cid "]
    );
    stage.attempt = claimed(claim_reminders(&stage.worker, Trigger::Manual).await?)?;
    let subjects = "select subject_id from messages order by id";
    assert_eq!(stage.db.list(subjects, &[]).await?, ["1", "2"]);
    Ok(())
}

fn ended(submitted: u32) -> dispatch::calls::SettledMessages {
    dispatch::calls::SettledMessages::Settled {
        submitted,
        held: 0,
        failed: 0,
        unknown: 0,
        refused: None,
        again: false,
        again_in: None,
        next: None,
    }
}

async fn state(worker: &Client) -> anyhow::Result<(DueState, String)> {
    let job = due_job(worker, JOB).await?;
    Ok((job.state, job.reason.unwrap_or_default()))
}
