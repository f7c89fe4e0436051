use std::collections::{BTreeMap, BTreeSet};
use std::{pin::pin, time::Duration};

use contract::{Due, DueJob, DueState, DueWork, Plan, PlanSlots, RunRequest, Slot, Sweep, Trigger};
use futures::StreamExt;
use futures::future::{Either, join_all, select};
use futures::stream::FuturesUnordered;
use guest::{Answer, Config, Db, Error, variable};
use serde::Serialize;
use serde_json::{Value, json};
use spin_sdk::time::sleep;

/// How long a tick goes on; some hosts stop a request at 30 s.
const BUDGET: Duration = Duration::from_secs(25);
/// Before asking again about a job whose leases are all out: it may be dead, and should not wait for the next tick.
const PAUSE: Duration = Duration::from_secs(1);
/// A job that answered nothing but refusals so often in a row is left to the next tick.
const MOST_REFUSALS: usize = 3;
/// How many invocations of one job a tick has under way at most.
const MOST_SLOTS: u32 = 8;
/// How many rows of each kind one sweep touches, and how many jobs one tick looks at.
const BOUND: i32 = 100;

/// Sweeps, plans, then calls what is due until nothing is, or the budget is spent.
pub(crate) async fn run(config: Config, _asked: RunRequest) -> Result<Answer, Error> {
    let components_url = variable("components_url").await?;
    let db = Db::connect(&config).await?;
    let swept = db.call(Sweep { limit: BOUND }).await?;
    let mut runs = Vec::new();
    let work = work_until_nothing_is_due(&db, &config, &components_url, &mut runs);
    let finished = match select(pin!(work), pin!(sleep(BUDGET))).await {
        Either::Left((result, _)) => Some(result?),
        // The calls under way go on without us; their leases tell what becomes of them.
        Either::Right(((), _)) => None,
    };
    Ok(Answer::ok(json!({
        "status": if finished.is_some() { "done" } else { "out_of_time" },
        "calls": runs.iter().map(|it| it.calls).sum::<u32>(),
        "swept": swept,
        "runs": runs,
        "jobs": finished.map(|it| it.jobs),
    })))
}

/// Calls of a component one after another, each asked for by the answer before it.
#[derive(Debug, Serialize)]
struct Run {
    job: String,
    calls: u32,
    /// Of the last call.
    http_status: u16,
    /// The last answer that was not `idle`, with the numbers of all.
    answer: Value,
}

/// A job is asked about again when its own calls have ended, however long those of others take.
async fn work_until_nothing_is_due(
    db: &Db,
    config: &Config,
    components_url: &str,
    runs: &mut Vec<Run>,
) -> Result<Due, Error> {
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let mut rounds = FuturesUnordered::new();
    let mut under_way = BTreeSet::new();
    loop {
        let due = db.call(DueWork { limit: BOUND }).await?;
        plan(db, &due.plan).await?;
        for job in &due.jobs {
            let calls = match job.state {
                DueState::Due => job.slots.min(MOST_SLOTS),
                DueState::Busy => 0,
                DueState::Paused | DueState::Throttled | DueState::Idle => continue,
            };
            let refused = refusals.get(&job.job).copied().unwrap_or_default();
            if refused < MOST_REFUSALS && under_way.insert(job.job.clone()) {
                rounds.push(round(job.clone(), calls, config, components_url));
            }
        }
        let Some((job, finished)) = rounds.next().await else {
            return Ok(due);
        };
        under_way.remove(&job);
        if !finished.is_empty() {
            let served = finished.iter().any(|it| it.http_status == 200);
            let refused = refusals.entry(job).or_default();
            *refused = if served { 0 } else { *refused + 1 };
        }
        runs.extend(finished);
    }
}

/// Calls of a job beside each other; none for one that is busy.
async fn round(
    job: DueJob,
    calls: u32,
    config: &Config,
    components_url: &str,
) -> (String, Vec<Run>) {
    let finished = join_all((0..calls).map(|_| call(&job, config, components_url))).await;
    // Without the pause, a job that is busy or refuses would be asked as fast as it can answer.
    if finished.iter().all(|it| it.http_status != 200) {
        sleep(PAUSE).await;
    }
    (job.job, finished)
}

async fn plan(db: &Db, plans: &[Plan]) -> Result<(), Error> {
    let mut slots = Vec::new();
    for it in plans {
        // An expression without a next fire, or that a person broke in the table, leaves its job without slots.
        if let Ok(Some(due_at)) = domain::cron::next_fire(&it.cron, &it.after) {
            slots.push(Slot {
                job: it.job.clone(),
                due_at,
            });
        }
    }
    if !slots.is_empty() {
        db.call(PlanSlots { slots }).await?;
    }
    Ok(())
}

async fn call(job: &DueJob, config: &Config, components_url: &str) -> Run {
    let url = format!("{}{}", components_url.replace('*', &job.job), job.route);
    let body = json!(RunRequest {
        trigger: Trigger::Tick
    });
    let (mut calls, mut sum) = (0, Value::Null);
    loop {
        let (http_status, answer) = guest::post_json(&url, config.service_key(), &body, BUDGET)
            .await
            .unwrap_or_else(|it| {
                (
                    502,
                    json!({ "code": "unreachable", "message": it.to_string() }),
                )
            });
        calls += 1;
        let goes_on = answer["again"] == true;
        add(&mut sum, answer);
        if !goes_on {
            return Run {
                job: job.job.clone(),
                calls,
                http_status,
                answer: sum,
            };
        }
    }
}

fn add(sum: &mut Value, mut answer: Value) {
    if !sum.is_null() && answer["status"] == "idle" {
        return;
    }
    for (key, value) in answer.as_object_mut().into_iter().flatten() {
        if let (Some(before), Some(now)) = (sum[key].as_u64(), value.as_u64()) {
            *value = json!(before + now);
        }
    }
    *sum = answer;
}
