//! When an assignment was last followed up: by activities of every kind, and by correction.

use baton::contract::codes;
use baton::contract::native::call;
use follow_up_reminders::calls::CorrectLastContactDate;
use serde_json::json;
use tokio_postgres::Client;

use crate::support::db::Db;
use crate::support::settling::messages::{Stage, sent};

/// Every way by which a contact gets into the table; all of assignments known by the name of their mentor.
const REGISTRATIONS: &[(&str, &str)] = &[
    (
        "directly",
        "insert into activities (assignment_id, registration) select id, 'direct' from assignments where peer_mentor_name = 'Mentor 1'",
    ),
    (
        "by proxy",
        "insert into activities (assignment_id, registration, registered_by) select id, 'proxy', gen_random_uuid() from assignments where peer_mentor_name = 'Mentor 1'",
    ),
    (
        "by a coordinator as proxy",
        "insert into activities (assignment_id, registration, registered_by) select id, 'coordinator_proxy', gen_random_uuid() from assignments where peer_mentor_name = 'Mentor 1'",
    ),
    (
        "in bulk, the same one several times",
        "insert into activities (assignment_id, registration, occurred_at)
         select id, 'bulk', baton.clock() - n * interval '1 day' from assignments, generate_series(0, 3) n where peer_mentor_name in ('Mentor 1', 'Mentor 3')",
    ),
    (
        "by copying from elsewhere with the latest in the middle",
        "insert into activities (assignment_id, registration, occurred_at)
         select id, 'bulk', baton.clock() - n * interval '1 day' from assignments, unnest(array[30, 1, 20]) n where peer_mentor_name = 'Mentor 1'",
    ),
    (
        "by an update of an old one",
        "insert into activities (assignment_id, occurred_at) select id, baton.clock() - interval '30 days' from assignments;
         update activities set occurred_at = baton.clock() where assignment_id = (select id from assignments where peer_mentor_name = 'Mentor 1')",
    ),
    (
        "by an update that gives it to another",
        "insert into activities (assignment_id) select id from assignments where peer_mentor_name = 'Mentor 2';
         update assignments set last_contact_date = null;
         update activities set assignment_id = (select id from assignments where peer_mentor_name = 'Mentor 1')",
    ),
    (
        "for the future",
        "insert into activities (assignment_id, occurred_at) select id, baton.clock() + interval '1 year' from assignments where peer_mentor_name = 'Mentor 1'",
    ),
];

#[tokio::test]
async fn a_contact_of_any_kind_stops_a_reminder_that_is_reserved() -> anyhow::Result<()> {
    for (kind, statement) in REGISTRATIONS {
        let stage = Stage::new(2).await?;
        stage.db.owner.batch_execute(statement).await?;
        assert_eq!(stage.submit().await?, 1, "{kind}: the other one goes out");
        let stopped = "select fields->>'name' from messages where status = 'failed' and reason = 'not_needed'";
        assert_eq!(stage.db.list(stopped, &[]).await?, ["Mentor 1"], "{kind}");
        let late = "select count(*) from assignments where last_contact_date > baton.clock()";
        assert_eq!(stage.db.count(late).await?, 0, "{kind}");
    }
    Ok(())
}

#[tokio::test]
async fn who_registers_a_contact_needs_no_right_to_assignments() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_assignments(1).await?;
    let assignment = db.text("select id from assignments").await?;
    db.owner
        .batch_execute("revoke all on assignments, activities from authenticated; grant insert on activities to authenticated; create policy anyone on activities for insert with check (true)")
        .await?;
    let user = db.session_of("authenticated").await?;
    let insert = format!(
        "insert into activities (assignment_id) values ('{}')",
        assignment.unwrap_or_default()
    );
    user.batch_execute(&insert).await?;
    let contact = "select last_contact_date = baton.clock() from assignments";
    assert_eq!(db.text(contact).await?.as_deref(), Some("true"));
    let error = user.batch_execute("select from assignments").await;
    assert_eq!(code(&error.expect_err("it has no right")), "42501");
    Ok(())
}

/// A writer who chose that level retries; with a warning in its place, the contact would be lost.
#[tokio::test]
async fn under_repeatable_read_no_contact_is_lost() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_assignments(1).await?;
    let late = db.session().await?;
    late.batch_execute("begin isolation level repeatable read; select from assignments")
        .await?;
    let insert = "insert into activities (assignment_id) select id from assignments";
    let older = "insert into activities (assignment_id, occurred_at) select id, now() - interval '5 days' from assignments";
    db.owner.batch_execute(older).await?;
    let error = late.batch_execute(insert).await;
    assert_eq!(code(&error.expect_err("the date is newer")), "40001");
    late.batch_execute("rollback").await?;
    late.batch_execute(insert).await?;
    let noted = "select last_contact_date > now() - interval '1 day' from assignments";
    assert_eq!(db.text(noted).await?.as_deref(), Some("true"));
    Ok(())
}

#[tokio::test]
async fn an_older_contact_does_not_take_a_newer_one_back() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_assignments(1).await?;
    let days = "select extract(day from baton.clock() - last_contact_date) from assignments";
    for (ago, expected) in [(9, 9), (5, 5), (7, 5), (2, 2)] {
        let insert = format!(
            "insert into activities (assignment_id, occurred_at) select id, baton.clock() - interval '{ago} days' from assignments"
        );
        db.owner.batch_execute(&insert).await?;
        assert_eq!(db.count(days).await?, expected);
    }
    db.owner.batch_execute("delete from activities").await?;
    assert_eq!(db.count(days).await?, 2, "what was deleted was said once");
    Ok(())
}

#[tokio::test]
async fn a_contact_makes_the_assignment_due_so_much_later() -> anyhow::Result<()> {
    let stage = Stage::new(1).await?;
    stage.end_as(&sent()).await?;
    stage
        .db
        .owner
        .execute(
            "insert into activities (assignment_id) select id from assignments",
            &[],
        )
        .await?;
    let due = "select count(*) from baton_api.due_assignments(null, null)";
    stage.db.advance("7 days - 1 second").await?;
    assert_eq!(stage.db.count(due).await?, 0);
    stage.db.advance("1 second").await?;
    assert_eq!(stage.db.count(due).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_correction_is_on_the_record_with_who_and_why() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze_at("2026-11-20T12:00Z").await?;
    db.add_assignments(2).await?;
    let assignment = db
        .text("select min(id::text) from assignments")
        .await?
        .expect("there is one");
    let worker = db.worker().await?;
    let steps = [
        (Some("2026-11-20T10:00:00Z"), "2026-11-20T10:00:00+00:00"),
        (
            Some("2026-11-01T09:30:00.5+01:00"),
            "2026-11-01T08:30:00.5+00:00",
        ),
        (Some("2026-11-20T12:00:00Z"), "2026-11-20T12:00:00+00:00"),
        (None, ""),
    ];
    let mut before = "";
    for (date, expected) in steps {
        let answer = correct(&worker, &assignment, date, "ann", "he called me").await?;
        let shown = |it: &str| match it {
            "" => json!(null),
            it => json!(it),
        };
        assert_eq!(
            answer,
            json!({ "assignment_id": assignment, "from": shown(before), "to": shown(expected) })
        );
        let event = "select concat_ws('|', noun, noun_id, coalesce(from_state, ''), coalesce(to_state, ''), who, why) from baton.events order by id desc limit 1";
        let written = format!("assignment|{assignment}|{before}|{expected}|ann|he called me");
        assert_eq!(db.text(event).await?, Some(written));
        before = expected;
    }
    assert_eq!(db.count("select count(*) from baton.events").await?, 4);
    let untouched = "select count(*) from assignments where last_contact_date is not null";
    assert_eq!(
        db.count(untouched).await?,
        0,
        "the other one stays as it is"
    );
    Ok(())
}

#[tokio::test]
async fn a_correction_that_cannot_be_is_refused_by_code_and_changes_nothing() -> anyhow::Result<()>
{
    let db = Db::new().await?;
    db.freeze_at("2026-11-20T12:00Z").await?;
    db.add_assignments(1).await?;
    let contact = "update assignments set last_contact_date = '2026-11-19T00:00Z'";
    db.owner.execute(contact, &[]).await?;
    let known = db.text("select id from assignments").await?;
    let known = known.as_deref().expect("there is one");
    let worker = db.worker().await?;
    let date = Some("2026-11-20T10:00:00Z");
    let nobody = "00000000-0000-0000-0000-000000000001";
    for (assignment, date, who, why, refusal) in [
        (nobody, date, "ann", "because", codes::NO_SUCH_THING),
        ("17", date, "ann", "because", codes::NO_SUCH_THING),
        ("", date, "ann", "because", codes::NO_SUCH_THING),
        ("' or true", date, "ann", "because", codes::NO_SUCH_THING),
        (known, date, "", "because", codes::UNACCEPTABLE),
        (known, date, " \t", "because", codes::UNACCEPTABLE),
        (known, date, "ann", "", codes::UNACCEPTABLE),
        (known, date, "ann", "\n ", codes::UNACCEPTABLE),
        (known, Some("soon"), "ann", "because", codes::UNACCEPTABLE),
        (known, Some(""), "ann", "because", codes::UNACCEPTABLE),
        (
            known,
            Some("2026-02-30T10:00:00Z"),
            "ann",
            "because",
            codes::UNACCEPTABLE,
        ),
        (
            known,
            Some("2026-11-20T12:00:00.001Z"),
            "ann",
            "because",
            codes::UNACCEPTABLE,
        ),
        (
            known,
            Some("1969-12-31T23:59:59Z"),
            "ann",
            "because",
            codes::UNACCEPTABLE,
        ),
        (
            known,
            Some("infinity"),
            "ann",
            "because",
            codes::UNACCEPTABLE,
        ),
        (
            known,
            Some("-infinity"),
            "ann",
            "because",
            codes::UNACCEPTABLE,
        ),
    ] {
        let row = format!("{assignment:?} {date:?} {who:?} {why:?}");
        let error = correct(&worker, assignment, date, who, why).await;
        let error = error.expect_err(&row);
        let error: &tokio_postgres::Error = error.downcast_ref().expect("by the database");
        assert_eq!(code(error), refusal, "{row}: {error:?}");
    }
    let same = "select count(*) from assignments where last_contact_date = '2026-11-19T00:00Z'";
    assert_eq!(db.count(same).await?, 1);
    assert_eq!(db.count("select count(*) from baton.events").await?, 0);
    Ok(())
}

async fn correct(
    worker: &Client,
    assignment_id: &str,
    date: Option<&str>,
    who: &str,
    why: &str,
) -> anyhow::Result<serde_json::Value> {
    Ok(call(
        worker,
        CorrectLastContactDate {
            assignment_id: assignment_id.to_owned(),
            last_contact_date: date.map(str::to_owned),
            who: who.to_owned(),
            why: why.to_owned(),
        },
    )
    .await?)
}

fn code(error: &tokio_postgres::Error) -> &str {
    error.code().map_or("", |it| it.code())
}
