use contract::{
    Call, CancelItem, CancelSync, ClaimAutoSyncJobs, ClaimChunks, ClaimContacts, ClaimItems,
    ClaimReminders, CompleteChunks, ConfigureJob, ConfigureSettings, CorrectLastContactDate,
    DropFailedChunks, DropItems, DropSetAside, DueWork, EndDeadAttempts, ExtendAttempt, Param,
    PauseJob, PlanSlots, Prune, Readiness, RecordDelivery, RecordOptOut, RecordRefusedCallback,
    RecordTick, RemoveSource, ResolveMessage, ResumeJob, RetryItems, RetrySetAside, RetrySync,
    SaveSource, SetSchedule, SetWake, SettleContacts, SettleItems, SettleMessages, StartSync,
    SubmitMessages, SyncProgress, Trigger,
};
use domain::message::{Channel, Delivery};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::support::db::Db;

/// A statement and the types of the values that Rust sends with it.
fn line<C: Call>(call: C) -> (&'static str, Vec<&'static str>) {
    let types = call.params().into_iter().map(|it| match it {
        Param::Text(_) | Param::NullText => "text",
        Param::Uuid(_) => "uuid",
        Param::Int(_) => "int4",
        Param::Bool(_) => "bool",
        Param::Jsonb(_) => "jsonb",
    });
    (C::SQL, types.collect())
}

/// A sample of every call.
fn lines() -> Vec<(&'static str, Vec<&'static str>)> {
    let id = Uuid::nil();
    let text = || "a".to_owned();
    let some = || Some(text());
    vec![
        line(ClaimChunks {
            trigger: Trigger::Tick,
            worker: text(),
        }),
        line(CompleteChunks {
            attempt_id: id,
            outcomes: Vec::new(),
        }),
        line(ClaimContacts {
            trigger: Trigger::Tick,
            worker: text(),
        }),
        line(ExtendAttempt { attempt_id: id }),
        line(SettleContacts {
            attempt_id: id,
            outcomes: Vec::new(),
            routes: Vec::new(),
            throttle: None,
        }),
        line(ClaimItems {
            job: text(),
            trigger: Trigger::Tick,
            worker: text(),
        }),
        line(SettleItems {
            attempt_id: id,
            outcomes: Vec::new(),
            claim_next: true,
        }),
        line(CancelItem {
            job: text(),
            item_id: id,
            who: text(),
        }),
        line(RetryItems {
            job: text(),
            item_id: Some(id),
            who: text(),
        }),
        line(DropItems {
            job: text(),
            item_id: Some(id),
            who: text(),
        }),
        line(EndDeadAttempts { limit: 1 }),
        line(Prune { limit: 1 }),
        line(DueWork { limit: 1 }),
        line(PlanSlots { slots: Vec::new() }),
        line(RecordTick {
            status: "done",
            calls: 0,
            duration_ms: 0,
            worker: text(),
            unreachable: Value::Null,
        }),
        line(Readiness),
        line(PauseJob {
            job: text(),
            who: text(),
            reason: some(),
        }),
        line(ResumeJob {
            job: text(),
            who: text(),
        }),
        line(ConfigureJob {
            job: text(),
            changes: Map::new(),
            who: text(),
        }),
        line(RetrySetAside {
            job: text(),
            item_id: some(),
            who: text(),
        }),
        line(DropSetAside {
            job: text(),
            item_id: some(),
            who: text(),
        }),
        line(SetSchedule {
            job: text(),
            cron: some(),
            who: text(),
        }),
        line(ClaimReminders {
            trigger: Trigger::Tick,
            worker: text(),
        }),
        line(ClaimAutoSyncJobs {
            trigger: Trigger::Tick,
            worker: text(),
        }),
        line(SubmitMessages {
            attempt_id: id,
            outcomes: Vec::new(),
            letters: Vec::new(),
        }),
        line(SettleMessages {
            attempt_id: id,
            outcomes: Vec::new(),
        }),
        line(RecordDelivery {
            message_id: id,
            provider_id: text(),
            delivery: Delivery::Delivered,
        }),
        line(RecordRefusedCallback { route: "status" }),
        line(RecordOptOut {
            channel: Channel::Sms,
            address: text(),
            out: true,
            provider_id: some(),
        }),
        line(CorrectLastContactDate {
            assignment_id: text(),
            last_contact_date: some(),
            who: text(),
            why: text(),
        }),
        line(ResolveMessage {
            message_id: id,
            resolution: text(),
            who: text(),
        }),
        line(ConfigureSettings {
            changes: Map::new(),
            who: text(),
        }),
        line(SaveSource {
            name: text(),
            kind: text(),
            url: text(),
            username: some(),
            secret: some(),
            settings: Value::Null,
            who: text(),
        }),
        line(RemoveSource {
            name: text(),
            who: text(),
        }),
        line(StartSync {
            source: text(),
            full: true,
            who: text(),
        }),
        line(RetrySync {
            source: text(),
            who: text(),
        }),
        line(DropFailedChunks {
            source: text(),
            who: text(),
        }),
        line(CancelSync {
            source: text(),
            who: text(),
        }),
        line(SyncProgress { sync_job: text() }),
        line(SetWake {
            mode: text(),
            url: some(),
            secret: some(),
            who: text(),
        }),
    ]
}

/// Rust and SQL cannot drift apart: each line is prepared as Spin prepares it, and the types are those that Rust sends.
#[tokio::test]
async fn every_contract_line_fits_the_schema() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let lines = lines();
    for (name, sql) in contract::ALL {
        let sent = lines.iter().find(|(it, _)| it == sql);
        let (_, sent) = sent.unwrap_or_else(|| panic!("there is no sample of {name}"));
        let statement = db.owner.prepare(sql).await?;
        let wanted: Vec<&str> = statement.params().iter().map(|it| it.name()).collect();
        assert_eq!(sent, &wanted, "{name}");
        let results = statement.columns().iter().map(|it| it.type_().name());
        assert_eq!(results.collect::<Vec<_>>(), ["jsonb"], "{name}");
    }
    Ok(())
}
