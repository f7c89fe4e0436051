use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use baton::budget;
use baton::contract::RunRequest;
use baton::contract::scheduler::{
    Due, DueJob, DueState, DueWork, EndDeadAttempts, Plan, PlanSlots, Prune, RecordTick, Slot,
    Swept, TickRecord,
};
use baton::{Answer, Config, Db, Error, variable, within};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use serde_json::json;
use spin_sdk::time::sleep;

use super::call::{Run, Unreachable, call};

/// Before asking again about a job whose leases are all out: it may be dead, and should not wait for the next tick.
const PAUSE: Duration = Duration::from_secs(1);
/// A job that answered nothing but refusals so often in a row is left to the next tick.
const MOST_REFUSALS: usize = 3;
/// How many invocations of one job a tick has under way at most.
const MOST_SLOTS: u32 = 8;
/// How many rows of each kind one sweep touches, and how many jobs one tick looks at.
const BOUND: i32 = 100;
/// How many rows of each kind are deleted at once when the work is done; as often as there is time.
const PRUNED: i32 = 1000;

/// Sweeps, plans, then calls what is due until nothing is, or the budget is spent.
pub(crate) async fn run(config: Config, _asked: RunRequest) -> Result<Answer, Error> {
    let start = now();
    let mut tick = Tick::default();
    // When time is up, the calls under way go on without us; their leases tell what becomes of them.
    let finished = within(budget::TICK, work(&config, &mut tick))
        .await
        .transpose()?;
    tick.tidy(&config).await;
    let unreachable = tick.unreachable();
    let status = match (unreachable.is_empty(), &finished) {
        (false, _) => "unreachable",
        (true, Some(_)) => "done",
        (true, None) => "out_of_time",
    };
    let calls: u32 = tick.runs.iter().map(|it| it.calls).sum();
    let record = RecordTick {
        tick: TickRecord {
            status,
            calls,
            duration_ms: now() - start,
            worker: baton::worker("scheduler"),
            unreachable: json!(unreachable),
        },
    };
    // The work is done; a record that cannot be made must not turn it into a failure.
    let recorded = within(budget::TICK_ENDING, Db::once(&config, record)).await;
    let body = json!({
        "status": status,
        "calls": calls,
        "swept": tick.swept,
        "runs": tick.runs,
        "unreachable": unreachable,
        "recorded": matches!(recorded, Some(Ok(_))),
        "jobs": finished.map(|it| it.jobs),
    });
    Ok(match status {
        "unreachable" => Answer::unreachable(body),
        _ => Answer::ok(body),
    })
}

/// What a tick has done so far.
#[derive(Default)]
struct Tick {
    swept: Swept,
    runs: Vec<Run>,
}

impl Tick {
    /// Samples and prunes, when the work is done: late, lost or failed, it harms none.
    async fn tidy(&mut self, config: &Config) {
        let mut done = false;
        let pruning = async {
            loop {
                let pruned = Db::once(config, Prune { limit: PRUNED }).await?;
                done = true;
                self.swept.pruned += pruned.pruned;
                self.swept.failed.extend(pruned.failed);
                if !pruned.more {
                    return Ok::<(), Error>(());
                }
            }
        };
        match within(budget::TICK_ENDING, pruning).await {
            Some(Ok(())) => {}
            Some(Err(error)) => self.not_tidied(&error.to_string()),
            // The next tick goes on.
            None if done => {}
            None => self.not_tidied("it took too long"),
        }
    }

    fn not_tidied(&mut self, why: &str) {
        self.swept.failed.insert("prune".to_owned(), why.to_owned());
    }

    /// The jobs whose last call reached nothing.
    fn unreachable(&self) -> Vec<Unreachable> {
        let mut last: BTreeMap<&str, Option<&Unreachable>> = BTreeMap::new();
        for run in &self.runs {
            last.insert(&run.job, run.unreachable.as_ref());
        }
        last.into_values().flatten().cloned().collect()
    }
}

/// Each call of the database gives its connection back, so that waiting for components holds none.
/// A job is asked about again when its own calls have ended, however long those of others take.
async fn work(config: &Config, tick: &mut Tick) -> Result<Due, Error> {
    let components_url = variable("components_url").await?;
    tick.swept = Db::once(config, EndDeadAttempts { limit: BOUND }).await?;
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let mut rounds = FuturesUnordered::new();
    let mut under_way = BTreeSet::new();
    loop {
        let due = Db::once(config, DueWork { limit: BOUND }).await?;
        plan(config, &due.plan).await?;
        for job in &due.jobs {
            let calls = match job.state {
                DueState::Due => job.slots.min(MOST_SLOTS),
                DueState::Busy => 0,
                DueState::Paused | DueState::Throttled | DueState::Idle | DueState::Broken => {
                    continue;
                }
            };
            let refused = refusals.get(&job.job).copied().unwrap_or_default();
            if refused < MOST_REFUSALS && under_way.insert(job.job.clone()) {
                rounds.push(round(job.clone(), calls, config, &components_url));
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
        tick.runs.extend(finished);
    }
}

/// Calls of a job beside each other; none for one that is busy.
async fn round(
    job: DueJob,
    calls: u32,
    config: &Config,
    components_url: &str,
) -> (String, Vec<Run>) {
    let calls = (0..calls).map(|_| call(&job, config, components_url, budget::TICK));
    let finished = join_all(calls).await;
    // Without the pause, a job that is busy or refuses would be asked as fast as it can answer.
    if finished.iter().all(|it| it.http_status != 200) {
        sleep(PAUSE).await;
    }
    (job.job, finished)
}

async fn plan(config: &Config, plans: &[Plan]) -> Result<(), Error> {
    let mut slots = Vec::new();
    for it in plans {
        // An expression without a next fire, or that a person broke in the table, leaves its job without slots.
        if let Ok(Some(due_at)) = crate::cron::next_fire(&it.cron, &it.after)
            && it.planned.as_ref() != Some(&due_at)
        {
            slots.push(Slot {
                job: it.job.clone(),
                due_at,
            });
        }
    }
    if !slots.is_empty() {
        Db::once(config, PlanSlots { slots }).await?;
    }
    Ok(())
}

/// Milliseconds of a clock that never goes back.
fn now() -> u64 {
    spin_sdk::wasip3::clocks::monotonic_clock::now() / 1_000_000
}
