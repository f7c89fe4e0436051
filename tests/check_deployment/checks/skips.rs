//! A job that is not free does nothing and says why; one that is free is never called busy.

use std::collections::BTreeMap;
use std::time::Duration;

use baton::contract::native::call;
use baton::contract::{Claim, Trigger};
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::{self, FuturesUnordered};
use loopback_sms::LoopbackSms;
use serde_json::json;
use validate_contacts::calls::{ClaimContacts, Outcome as Verdict, SettleContacts};
use validate_contacts::email::{Reason, Status};

use super::{Check, Outcome, expect, mismatch, seen, tick, verify};
use crate::database::MARK;
use crate::http::Answer;
use crate::scene::{JOBS, Scene};

/// Callers at once.
const CROWD: usize = 50;
/// Calls of a job with nothing to do.
const IDLE_CALLS: usize = 1000;
/// How many of them at once, where a job allows several.
const AT_ONCE: usize = 4;
/// PostgreSQL itself ends what a component left open after 10 s, so this must be less.
const GONE_WITHIN: Duration = Duration::from_secs(5);

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "paused",
        expects: "a paused job answers 409 skipped, paused, and writes that to the log of runs; a tick shows it paused",
        run: |it| Box::pin(paused(it)),
    },
    Check {
        name: "busy",
        expects: "while an attempt is open, 50 calls at once answer 409 skipped, busy, and each is in the log of runs",
        run: |it| Box::pin(busy(it)),
    },
    Check {
        name: "fifty-at-once",
        expects: "of 50 calls at once, one starts a cycle and does the work, 49 answer 409, and nothing is left behind",
        run: |it| Box::pin(fifty_at_once(it)),
    },
    Check {
        name: "idle-queue",
        expects: "1,000 calls of process-chunks with nothing due, 4 at a time, all answer 200 idle",
        run: |it| Box::pin(idle_queue(it)),
    },
    Check {
        name: "idle-jobs",
        expects: "200 calls of each other job with nothing due, one after another, all answer 200 idle",
        run: |it| Box::pin(idle_jobs(it)),
    },
    Check {
        name: "nothing-left-behind",
        expects: "no open transaction and no advisory lock once the deployment is at rest",
        run: |it| Box::pin(nothing_left_behind(it)),
    },
];

async fn paused(scene: &Scene) -> Outcome {
    for (job, route) in JOBS {
        let sql = "select count(*) from baton.jobs where name = $1 and paused_at is not null";
        let by_others = scene.db.count(sql, &[&job]).await? > 0;
        verify(
            !by_others,
            format!("{job} is paused already"),
            "jobs that are not paused",
        )?;
        let sql = "select baton_api.pause_job($1, $2, 'a check of the deployment')";
        scene.db.client.execute(sql, &[&job, &MARK]).await?;
        let checked = is_paused(scene, job, route).await;
        let sql = "select baton_api.resume_job($1, $2)";
        scene.db.client.execute(sql, &[&job, &MARK]).await?;
        checked?;
        let answer = scene.post(route).await?;
        expect(&answer, 200, &[])?;
    }
    seen("409 skipped, paused at 4 routes, logged; paused in the tick's answer; 200 once resumed")
}

async fn is_paused(scene: &Scene, job: &str, route: &str) -> anyhow::Result<()> {
    let before = scene.db.last_run().await?;
    let answer = scene.post(route).await?;
    expect(&answer, 409, &[("status", "skipped"), ("reason", "paused")])?;
    let logged = scene
        .db
        .runs_since(before, job, "skipped", "paused")
        .await?;
    verify(
        logged > 0,
        format!("{answer}, not in the log of runs"),
        "a run that was skipped, paused",
    )?;
    let answer = tick(scene).await?;
    let jobs = answer.json["jobs"].as_array().into_iter().flatten();
    let mut of_job = jobs.filter(|it| it["job"] == job);
    let shown = of_job.next().is_some_and(|it| it["state"] == "paused");
    verify(shown, &answer, format!("{job} with the state paused"))
}

async fn busy(scene: &Scene) -> Outcome {
    let prefix = scene.add_contacts(1).await?;
    let claim = call(
        &scene.db.client,
        ClaimContacts {
            trigger: Trigger::Manual,
            worker: MARK.to_owned(),
        },
    );
    let Claim::Claimed(attempt) = claim.await? else {
        let verdicts = scene.verdicts(&prefix).await?;
        return Err(mismatch(
            format!("no attempt; {verdicts}"),
            "contacts that this check can claim",
        ));
    };
    let before = scene.db.last_run().await?;
    let answers = join_all((0..CROWD).map(|_| scene.post("/jobs/validate-contacts"))).await;
    let ours = attempt
        .contacts
        .iter()
        .filter(|it| it.email.starts_with(&prefix));
    let outcomes = ours.map(|it| Verdict {
        id: it.id.clone(),
        email: it.email.clone(),
        status: Status::Deliverable,
        reason: Reason::NotChecked,
        evidence: json!({}),
    });
    let settle = SettleContacts {
        attempt_id: attempt.attempt_id,
        outcomes: outcomes.collect(),
        routes: Vec::new(),
        throttle: None,
        claim_next: false,
    };
    call(&scene.db.client, settle).await?;
    let answers: Vec<Answer> = answers.into_iter().collect::<anyhow::Result<_>>()?;
    for answer in &answers {
        expect(answer, 409, &[("status", "skipped"), ("reason", "busy")])?;
        verify(
            answer.json["until"].is_string(),
            answer,
            "a time until which it is busy",
        )?;
    }
    let logged = scene
        .db
        .runs_since(before, "validate-contacts", "skipped", "busy")
        .await?;
    verify(
        logged >= 50,
        format!("50 times 409, {logged} of them in the log of runs"),
        "all 50 in the log",
    )?;
    seen(format!(
        "{} times 409 skipped, busy, all in the log of runs",
        answers.len()
    ))
}

/// Holds the stand-in's answers until it is dropped.
struct Held<'a>(&'a LoopbackSms);

impl<'a> Held<'a> {
    fn new(sms: &'a LoopbackSms) -> Held<'a> {
        sms.hold();
        Held(sms)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

async fn fifty_at_once(scene: &Scene) -> Outcome {
    let route = "/jobs/follow-up-reminders";
    let number = scene.number();
    let assignment = scene.add_assignment(Some(&number), None).await?;
    let cycles = "select count(*) from baton.cycles where job = 'follow-up-reminders'";
    let before = scene.db.count(cycles, &[]).await?;
    let held = Held::new(&scene.stand_ins.sms);
    let mut calls: FuturesUnordered<_> = (0..CROWD).map(|_| scene.post(route)).collect();
    // The one that works waits for the stand-in, so the others come first.
    let mut others = Vec::new();
    while others.len() < CROWD - 1
        && let Some(answer) = calls.next().await
    {
        others.push(answer?);
    }
    drop(held);
    let one = calls
        .next()
        .await
        .unwrap_or_else(|| Err(anyhow::anyhow!("there is no answer")))?;
    let tally = tally(&others);
    let refused = others
        .iter()
        .all(|it| it.status == 409 && it.text_of("reason") == "busy");
    verify(
        refused,
        format!("{tally}, and {one}"),
        "49 times 409 busy while one works",
    )?;
    expect(&one, 200, &[("status", "ran")])?;
    let started = scene.db.count(cycles, &[]).await? - before;
    verify(
        started == 1,
        format!("{started} cycles started"),
        "one cycle",
    )?;
    let texts = scene.texts_to(&number).len();
    let stored = scene.messages_about(&assignment).await?;
    verify(
        texts == 1 && stored.len() == 1,
        format!("{texts} texts, {stored:?}"),
        "one message",
    )?;
    at_rest(scene).await?;
    seen(format!(
        "200 ran once, {tally}; one cycle, one message, nothing left behind"
    ))
}

/// Fails when a transaction or an advisory lock stays.
async fn at_rest(scene: &Scene) -> anyhow::Result<()> {
    let left = scene
        .until(GONE_WITHIN, async || {
            let held = scene.db.held().await?;
            Ok(if held.is_empty() { Ok(()) } else { Err(held) })
        })
        .await?;
    left.map_err(|it| mismatch(it, "no open transaction and no advisory lock"))
}

async fn idle_queue(scene: &Scene) -> Outcome {
    let calls = (0..IDLE_CALLS).map(|_| scene.post("/jobs/process-chunks"));
    all_idle(
        stream::iter(calls)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await,
    )
}

async fn idle_jobs(scene: &Scene) -> Outcome {
    let mut answers = Vec::new();
    for (job, route) in JOBS {
        if job != "process-chunks" {
            for _ in 0..IDLE_CALLS / 5 {
                answers.push(scene.post(route).await);
            }
        }
    }
    all_idle(answers)
}

fn all_idle(answers: Vec<anyhow::Result<Answer>>) -> Outcome {
    let answers: Vec<Answer> = answers.into_iter().collect::<anyhow::Result<_>>()?;
    let idle = answers
        .iter()
        .all(|it| it.status == 200 && it.text_of("status") == "idle");
    verify(
        idle,
        tally(&answers),
        format!("{} times 200 idle", answers.len()),
    )?;
    seen(tally(&answers))
}

/// How often which answer came.
fn tally(answers: &[Answer]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for it in answers {
        let (status, reason) = (it.text_of("status"), it.text_of("reason"));
        *counts
            .entry(format!("{} {status} {reason}", it.status))
            .or_default() += 1;
    }
    let parts = counts
        .into_iter()
        .map(|(what, n)| format!("{n} times {what}"));
    parts.collect::<Vec<_>>().join(", ")
}

async fn nothing_left_behind(scene: &Scene) -> Outcome {
    at_rest(scene).await?;
    seen("no open transaction, no advisory lock")
}
