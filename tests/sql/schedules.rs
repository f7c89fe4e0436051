use baton::contract::native::call;
use baton::contract::scheduler::{DueWork, EndDeadAttempts, PlanSlots, Slot};
use baton::contract::{Claim, Trigger};
use serde_json::json;
use tokio_postgres::Client;

use crate::support::db::Db;
use crate::support::settling::claim;

#[tokio::test]
async fn a_slot_is_planned_once_however_many_schedulers_there_are() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let worker = db.worker().await?;
    let unplanned = crons(&worker).await?;
    assert_eq!(
        unplanned,
        ["0 2 * * *"],
        "a schedule without a slot ahead is to be planned"
    );
    let ahead = year_ahead(&db).await?;
    assert_eq!(plan(&worker, &ahead).await?, 1);
    assert_eq!(plan(&worker, &ahead).await?, 0);
    assert_eq!(crons(&worker).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_due_slot_starts_a_protected_job() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure(json!({ "mode": "protected" })).await?;
    db.add_contacts(&["a@x.test"]).await?;
    let worker = db.worker().await?;
    plan(&worker, "2020-01-01T02:00:00Z").await?;
    assert!(matches!(
        claim(&worker, Trigger::Tick).await?,
        Claim::Claimed(_)
    ));
    assert_eq!(
        db.text("select status from baton.slots").await?.as_deref(),
        Some("started")
    );
    Ok(())
}

#[tokio::test]
async fn a_slot_with_nothing_to_do_is_idle() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let worker = db.worker().await?;
    plan(&worker, "2020-01-01T02:00:00Z").await?;
    assert!(matches!(
        claim(&worker, Trigger::Tick).await?,
        Claim::Idle { .. }
    ));
    assert_eq!(
        db.text("select status from baton.slots").await?.as_deref(),
        Some("idle")
    );
    assert_eq!(
        db.runs().await?,
        [("idle nothing_due".to_owned(), 1)].into()
    );
    Ok(())
}

#[tokio::test]
async fn a_slot_that_falls_into_a_running_cycle_is_skipped_and_logged() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze().await?;
    db.add_contacts(&["a@x.test"]).await?;
    let worker = db.worker().await?;
    assert!(matches!(
        claim(&worker, Trigger::Manual).await?,
        Claim::Claimed(_)
    ));
    db.advance("7 days").await?;
    let due_at = db
        .text("select to_jsonb(baton.clock() - interval '1 second') #>> '{}'")
        .await?
        .expect("a time");
    plan(&worker, &due_at).await?;
    assert_eq!(
        call(&worker, EndDeadAttempts { limit: 10 })
            .await?
            .skipped_slots,
        1
    );
    assert_eq!(
        call(&worker, EndDeadAttempts { limit: 10 })
            .await?
            .skipped_slots,
        0
    );
    assert_eq!(db.runs().await?.get("skipped cycle_running"), Some(&1));
    Ok(())
}

#[tokio::test]
async fn a_changed_schedule_drops_the_slots_of_the_old_one() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let worker = db.worker().await?;
    let ahead = year_ahead(&db).await?;
    plan(&worker, &ahead).await?;
    let set = |cron: Option<&str>| baton::contract::operator::SetSchedule {
        job: "validate-contacts".to_owned(),
        cron: cron.map(str::to_owned),
        who: "ann".to_owned(),
    };
    call(&db.owner, set(Some("*/5 * * * *"))).await?;
    assert_eq!(db.count("select count(*) from baton.slots").await?, 0);
    assert_eq!(crons(&worker).await?, ["*/5 * * * *"]);
    call(&db.owner, set(None)).await?;
    assert_eq!(crons(&worker).await?, [""; 0]);
    assert_eq!(
        plan(&worker, &ahead).await?,
        0,
        "who planned by the old schedule comes too late"
    );
    Ok(())
}

#[tokio::test]
async fn a_job_without_cycles_gets_no_schedule() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for (job, takes_one) in [
        ("validate-contacts", true),
        ("follow-up-reminders", true),
        ("process-chunks", false),
        ("auto-sync-jobs", false),
    ] {
        let set = |cron: Option<&str>| baton::contract::operator::SetSchedule {
            job: job.to_owned(),
            cron: cron.map(str::to_owned),
            who: "ann".to_owned(),
        };
        let answer = call(&db.owner, set(Some("0 0 * * *"))).await;
        let code = answer
            .as_ref()
            .err()
            .and_then(|it| it.code())
            .map(|it| it.code());
        let refused = (!takes_one).then_some(baton::contract::codes::BAD_ARGUMENT);
        assert_eq!(code, refused, "{job}");
        let has_one =
            format!("select count(*) from baton.schedules where job = '{job}' and enabled");
        assert_eq!(db.count(&has_one).await?, i64::from(takes_one), "{job}");
        call(&db.owner, set(None)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_slot_that_is_infinite_or_years_ahead_is_refused() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze_at("2026-11-27T12:00:00Z").await?;
    let worker = db.worker().await?;
    plan(&worker, "2026-11-28T02:00:00Z").await?;
    for wrong in [
        "infinity",
        "-infinity",
        "2031-11-27T12:00:01Z",
        "9999-01-01T00:00:00Z",
    ] {
        let slots = ["2026-11-29T02:00:00Z", wrong].map(|due_at| Slot {
            job: "validate-contacts".to_owned(),
            due_at: due_at.to_owned(),
        });
        let refused = call(
            &worker,
            PlanSlots {
                slots: slots.into(),
            },
        )
        .await;
        let code = refused.err().and_then(|it| it.code().cloned());
        assert_eq!(
            code.as_ref().map(|it| it.code()),
            Some(baton::contract::codes::BAD_ARGUMENT),
            "{wrong}"
        );
    }
    let slots = "select to_jsonb(due_at) #>> '{}' from baton.slots";
    assert_eq!(db.list(slots, &[]).await?, ["2026-11-28T02:00:00+00:00"]);
    assert_eq!(plan(&worker, "2031-11-27T12:00:00Z").await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_slot_ahead_is_shown_and_another_one_replaces_it() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.freeze_at("2026-11-27T12:00:00Z").await?;
    let worker = db.worker().await?;
    let planned = async || {
        let plan = call(&worker, DueWork { limit: 10 }).await?.plan;
        let own = plan.into_iter().find(|it| it.job == "validate-contacts");
        anyhow::Ok(own.and_then(|it| it.planned))
    };
    plan(&worker, "2026-11-27T02:00:00Z").await?;
    assert_eq!(planned().await?, None, "it is due and not ahead");
    plan(&worker, "2029-11-28T02:00:00Z").await?;
    assert_eq!(planned().await?.as_deref(), Some("2029-11-28T02:00:00Z"));
    plan(&worker, "2026-11-28T02:00:00Z").await?;
    assert_eq!(planned().await?.as_deref(), Some("2026-11-28T02:00:00Z"));
    assert_eq!(db.count("select count(*) from baton.slots").await?, 2);
    db.owner
        .batch_execute(
            "insert into baton.slots (job, due_at) values ('validate-contacts', 'infinity')",
        )
        .await?;
    assert_eq!(planned().await?, None, "several are none");
    Ok(())
}

async fn year_ahead(db: &Db) -> anyhow::Result<String> {
    let moment = "to_jsonb(date_trunc('day', baton.clock()) + interval '1 year') #>> '{}'";
    Ok(db.text(moment).await?.unwrap_or_default())
}

/// The schedule of the validation, if it has no slot ahead.
async fn crons(worker: &Client) -> anyhow::Result<Vec<String>> {
    let plan = call(worker, DueWork { limit: 10 }).await?.plan.into_iter();
    let own = plan.filter(|it| it.job == "validate-contacts" && it.planned.is_none());
    Ok(own.map(|it| it.cron).collect())
}

async fn plan(worker: &Client, due_at: &str) -> anyhow::Result<u32> {
    let slots = vec![Slot {
        job: "validate-contacts".to_owned(),
        due_at: due_at.to_owned(),
    }];
    Ok(call(worker, PlanSlots { slots }).await?.planned)
}
