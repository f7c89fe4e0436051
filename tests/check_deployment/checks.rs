//! The checks, in groups, and how one is run.

mod chains;
mod connections;
mod messages;
mod refusals;
mod routes;
mod signatures;
mod skips;
mod syncs;

use std::fmt::{self, Display};
use std::time::Duration;

use anyhow::anyhow;
use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::advice;
use crate::http::Answer;
use crate::scene::Scene;

/// How often a check is run that fails while another caller is at work.
const MOST_TRIES: usize = 3;
/// No check takes longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// One fact about the deployment.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// What has to be so.
    pub(crate) expects: &'static str,
    run: fn(&Scene) -> LocalBoxFuture<'_, Outcome>,
}

/// What a check that did not fail has seen, or why it did not look.
pub(crate) enum Passed {
    Ok(String),
    Skipped(String),
}

/// How a check ends; a failure is a [`Mismatch`], or an error on the way.
pub(crate) type Outcome = anyhow::Result<Passed>;

/// Something is not as expected.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) seen: String,
    pub(crate) expected: String,
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; expected {}", self.seen, self.expected)
    }
}

impl std::error::Error for Mismatch {}

/// All checks in the order in which they run.
pub(crate) fn groups() -> [(&'static str, &'static [Check]); 8] {
    [
        ("routes", routes::CHECKS),
        ("connections", connections::CHECKS),
        ("refusals", refusals::CHECKS),
        ("signatures", signatures::CHECKS),
        ("skips", skips::CHECKS),
        ("chains", chains::CHECKS),
        ("syncs", syncs::CHECKS),
        ("messages", messages::CHECKS),
    ]
}

/// The checks with these names or in these groups; all when there are none.
pub(crate) fn select(only: &[String]) -> anyhow::Result<Vec<Check>> {
    let mut selected = Vec::new();
    for (group, checks) in groups() {
        let wanted =
            |it: &&Check| only.is_empty() || only.iter().any(|o| o == group || o == it.name);
        selected.extend(checks.iter().filter(wanted));
    }
    let known = |name: &String| {
        groups()
            .iter()
            .any(|(group, checks)| group == name || checks.iter().any(|it| it.name == name))
    };
    match only.iter().find(|it| !known(it)) {
        Some(unknown) => Err(advice::error(
            format!("there is no check {unknown}"),
            "--list shows all of them",
        )),
        None => Ok(selected),
    }
}

/// Runs a check; again when it failed while another caller was at work.
pub(crate) async fn run(scene: &Scene, check: &Check) -> (Outcome, Duration) {
    let start = Instant::now();
    let mut tries = 1;
    loop {
        let (outcome, others) = attempt(scene, check).await;
        let note = |it: &str| format!("{it} (try {tries}: {others} was at work, too)");
        let outcome = match outcome {
            Err(_) if !others.is_empty() && tries < MOST_TRIES => {
                tries += 1;
                continue;
            }
            Ok(Passed::Ok(seen)) if tries > 1 => Ok(Passed::Ok(format!("{seen} (try {tries})"))),
            Err(error) if !others.is_empty() => Err(match error.downcast::<Mismatch>() {
                Ok(it) => mismatch(note(&it.seen), it.expected),
                Err(error) => error.context(note("an error")),
            }),
            outcome => outcome,
        };
        return (outcome, start.elapsed());
    }
}

/// The outcome, and who else called jobs meanwhile.
async fn attempt(scene: &Scene, check: &Check) -> (Outcome, String) {
    let before = scene.db.moment().await.unwrap_or_default();
    scene.take_triggers();
    let mut outcome = tokio::time::timeout(DEADLINE, (check.run)(scene))
        .await
        .unwrap_or_else(|_| Err(anyhow!("not done after {} s", DEADLINE.as_secs())));
    let ours = scene.take_triggers();
    // Without an answer the outcome says enough.
    let mut others = scene.db.triggers_since(&before).await.unwrap_or_default();
    // A call that goes on claims its next batches as `next`.
    others.retain(|it| !ours.contains(it) && (it != "next" || ours.is_empty()));
    if outcome.is_err() {
        // What it left must not be in the way of the next.
        outcome = scene.db.clean().await.and(outcome);
    }
    let others = match &others[..] {
        [] => String::new(),
        others => format!("a caller with the trigger {}", others.join(" and ")),
    };
    (outcome, others)
}

/// What a check has seen.
fn seen(text: impl Into<String>) -> Outcome {
    Ok(Passed::Ok(text.into()))
}

fn mismatch(seen: impl Display, expected: impl Display) -> anyhow::Error {
    anyhow::Error::new(Mismatch {
        seen: seen.to_string(),
        expected: expected.to_string(),
    })
}

/// Fails unless it holds.
fn verify(holds: bool, seen: impl Display, expected: impl Display) -> anyhow::Result<()> {
    match holds {
        true => Ok(()),
        false => Err(mismatch(seen, expected)),
    }
}

/// Fails unless the answer has this status and these fields.
fn expect(answer: &Answer, status: u16, fields: &[(&str, &str)]) -> anyhow::Result<()> {
    let holds = answer.status == status
        && fields
            .iter()
            .all(|(name, value)| answer.text_of(name) == *value);
    let wanted: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name} {value:?}"))
        .collect();
    let wanted = match &wanted[..] {
        [] => status.to_string(),
        wanted => format!("{status} with {}", wanted.join(", ")),
    };
    verify(holds, answer, wanted)
}

/// A tick, which has to be one by its answer.
async fn tick(scene: &Scene) -> anyhow::Result<Answer> {
    let answer = scene.post("/tick").await?;
    let status = answer.text_of("status");
    let is_tick = answer.status == 200 && ["done", "out_of_time"].contains(&status);
    verify(is_tick, &answer, "200 with status done or out_of_time")?;
    Ok(answer)
}

/// Fails when what `work` does leaves a trace in the database.
async fn without_a_trace(
    scene: &Scene,
    work: impl AsyncFnOnce() -> anyhow::Result<String>,
) -> Outcome {
    let before = scene.db.traces().await?;
    let text = work().await?;
    let after = scene.db.traces().await?;
    let changed: Vec<&String> = before
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| after[name.as_str()] != **value)
        .map(|(name, _)| name)
        .collect();
    verify(
        changed.is_empty(),
        format!("{text}, but these changed: {changed:?}"),
        "a database in which nothing changed",
    )?;
    seen(format!("{text}; nothing changed"))
}
