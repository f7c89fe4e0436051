//! A tick calls the components, by service chaining or by the address in `components_url`.

use super::{Check, Outcome, expect, seen, tick, verify};
use crate::scene::Scene;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "contacts",
        expects: "a call of validate-contacts gives each contact its verdict",
        run: |it| Box::pin(contacts(it)),
    },
    Check {
        name: "tick-validates",
        expects: "a tick alone has contacts validated: in a cycle that it starts, batch by batch, until none is due",
        run: |it| Box::pin(tick_validates(it)),
    },
    Check {
        name: "tick-calls-every-job",
        expects: "one tick has all four components do what is due",
        run: |it| Box::pin(tick_calls_every_job(it)),
    },
];

const ONE: &str = "1 deliverable not_checked, 1 undeliverable syntax";

async fn contacts(scene: &Scene) -> Outcome {
    let prefix = scene.add_contacts(9).await?;
    let answer = scene.post("/jobs/validate-contacts").await?;
    expect(&answer, 200, &[("status", "ran")])?;
    let verdicts = scene.verdicts(&prefix).await?;
    verify(
        verdicts == "9 deliverable not_checked, 1 undeliverable syntax",
        format!("{answer}; {verdicts}"),
        "9 deliverable not_checked and 1 undeliverable syntax, with the variables dns and allow_reserved as --variables prints them",
    )?;
    seen(verdicts)
}

async fn tick_validates(scene: &Scene) -> Outcome {
    // Three batches.
    let prefix = scene.add_contacts(120).await?;
    let before = scene.db.last_run().await?;
    let answer = tick(scene).await?;
    let verdicts = scene.verdicts(&prefix).await?;
    verify(
        verdicts == "120 deliverable not_checked, 1 undeliverable syntax",
        format!("{answer}; {verdicts}"),
        "120 deliverable not_checked and 1 undeliverable syntax after one tick",
    )?;
    let sql = "select count(*) from baton.runs where id > $1 and job = 'validate-contacts' and status = 'ran' and trigger in ('tick', 'next')";
    let batches = scene.db.count(sql, &[&before]).await?;
    verify(
        batches >= 3,
        format!("{batches} batches by the tick"),
        "at least 3",
    )?;
    seen(format!("{verdicts}, in {batches} batches of one tick"))
}

async fn tick_calls_every_job(scene: &Scene) -> Outcome {
    let prefix = scene.add_contacts(1).await?;
    let sync_job = scene.add_chunks(3).await?;
    let (mentor, member) = (scene.number(), scene.number());
    scene.add_assignment(Some(&mentor), None).await?;
    let sql = "insert into baton.slots (job, due_at) values ('follow-up-reminders', now())";
    scene.db.client.batch_execute(sql).await?;
    scene.add_auto_sync(&member).await?;
    let answer = tick(scene).await?;
    let verdicts = scene.verdicts(&prefix).await?;
    verify(
        verdicts == ONE,
        format!("{answer}; contacts: {verdicts}"),
        ONE,
    )?;
    let state = scene.sync_state(sync_job).await?;
    let completed = "completed (3 completed)";
    verify(
        state == completed,
        format!("{answer}; chunks: {state}"),
        completed,
    )?;
    for (what, number) in [("mentor", &mentor), ("member", &member)] {
        let texts = scene.texts_to(number).len();
        verify(
            texts == 1,
            format!("{answer}; {texts} texts to the {what}"),
            "one text",
        )?;
    }
    seen(
        "contacts validated, 3 chunks completed, a reminder and an auto-sync message sent, by one tick",
    )
}
