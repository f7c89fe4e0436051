use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;

use baton::Deadline;
use futures::future::{Either, FutureExt, LocalBoxFuture, Shared, select};
use futures::stream::{self, StreamExt};
use serde_json::{Map, Value};
use spin_sdk::time::sleep;
use uuid::Uuid;

use super::{jmap, paged};
use crate::calls::{Chunk, ChunkAttempt, ChunkOutcome, Ending, SyncJob};
use crate::source::{Failure, Remedy, Synced, Work, sealed};

/// The outcomes of chunks none of which asks a source; none when one does.
pub(crate) fn without_asking(chunks: &[Chunk]) -> Option<Vec<ChunkOutcome>> {
    chunks
        .iter()
        .map(|chunk| {
            let synced = match Work::read(&chunk.work) {
                Ok(Work::Noop {}) => Ok(Synced::default()),
                Ok(Work::Prune {}) => Ok(prune()),
                Ok(
                    Work::Plan { .. } | Work::Fetch { .. } | Work::Changes { .. } | Work::Page(_),
                ) => {
                    return None;
                }
                Err(failure) => Err(failure),
            };
            Some(outcome(chunk.id, synced))
        })
        .collect()
}

/// How long a source waits whose secret cannot be opened, in seconds; an operator may mend that at any time.
const CLOSED_FOR: u32 = 60;

/// Decrypts the secrets of the sources. Why, for each sync job whose secret cannot be opened.
pub(crate) fn open_secrets(
    jobs: &mut BTreeMap<Uuid, SyncJob>,
    keys: &str,
) -> BTreeMap<Uuid, String> {
    let mut closed = BTreeMap::new();
    for (id, job) in jobs {
        let source = &mut job.source;
        let Some(stored) = &source.secret else {
            continue;
        };
        match sealed::open(keys, &source.name, stored) {
            Ok(secret) => source.secret = Some(secret),
            Err(error) => {
                closed.insert(*id, format!("source {}: {error}", source.name));
            }
        }
    }
    closed
}

/// Does the chunks: those of a sync job one after another, sync jobs beside each other, until the deadline.
/// A chunk without an outcome stays due.
/// The chunks of a sync job in `closed` wait, unless they ask nothing.
pub(crate) async fn sync(
    attempt: ChunkAttempt,
    closed: &BTreeMap<Uuid, String>,
    deadline: Deadline,
) -> Vec<ChunkOutcome> {
    let is_whole = deadline.is_whole();
    let deadline = sleep(deadline.left()).boxed_local().shared();
    let mut jobs = attempt.jobs;
    let mut chunks: BTreeMap<Uuid, VecDeque<Chunk>> = BTreeMap::new();
    for chunk in attempt.chunks {
        chunks
            .entry(chunk.sync_job_id)
            .or_default()
            .push_back(chunk);
    }
    let lines = chunks.into_iter().filter_map(|(sync_job_id, chunks)| {
        let line = Line {
            // A claim names the sync job of each of its chunks.
            job: jobs.remove(&sync_job_id)?,
            chunks,
            closed: closed.get(&sync_job_id).cloned(),
            is_first: is_whole,
            deadline: deadline.clone(),
        };
        Some(Box::pin(stream::unfold(line, Line::next)))
    });
    stream::select_all(lines).collect().await
}

/// The chunks of one sync job that are still to do.
struct Line {
    job: SyncJob,
    chunks: VecDeque<Chunk>,
    closed: Option<String>,
    is_first: bool,
    deadline: Shared<LocalBoxFuture<'static, ()>>,
}

impl Line {
    async fn next(mut self) -> Option<(ChunkOutcome, Self)> {
        let chunk = self.chunks.pop_front()?;
        let done = {
            let work = pin!(do_work(&self.job, &chunk.work, self.closed.as_deref()));
            match select(work, self.deadline.clone()).await {
                Either::Left((synced, _)) => Some(synced),
                Either::Right(_) => None,
            }
        };
        let synced = match done {
            Some(synced) => synced,
            // A chunk that had all the time there is would need too long the next time, too.
            None if self.is_first => Err(Failure::retry(format!(
                "the source was too slow for {} s",
                baton::budget::WORK.as_secs()
            ))),
            None => return None,
        };
        self.is_first = false;
        match &synced {
            Ok(synced) => learn(&mut self.job.plan, &synced.plan),
            Err(failure) => match failure.remedy {
                // Nobody asks this source now, so its other chunks stay due.
                Remedy::Wait(_) | Remedy::Credentials => self.chunks.clear(),
                Remedy::Retry | Remedy::GiveUp => {}
            },
        }
        Some((outcome(chunk.id, synced), self))
    }
}

async fn do_work(job: &SyncJob, work: &Value, closed: Option<&str>) -> Result<Synced, Failure> {
    let work = Work::read(work)?;
    if let Some(why) = closed
        && !matches!(work, Work::Noop {} | Work::Prune {})
    {
        return Err(Failure::wait(CLOSED_FOR, why));
    }
    match work {
        Work::Noop {} => Ok(Synced::default()),
        Work::Prune {} => Ok(prune()),
        Work::Plan { anchors, position } => jmap::plan(job, &anchors, position).await,
        Work::Fetch { ids } => jmap::fetch(job, &ids).await,
        Work::Changes { since } => jmap::changes(job, &since).await,
        Work::Page(page) => paged::page(job, &page).await,
    }
}

fn prune() -> Synced {
    Synced {
        prune: true,
        ..Synced::default()
    }
}

/// What the database will tell later chunks, the next ones of this batch know at once.
fn learn(plan: &mut Value, news: &Map<String, Value>) {
    if let Some(plan) = plan.as_object_mut() {
        plan.extend(news.clone());
    }
}

fn outcome(id: Uuid, synced: Result<Synced, Failure>) -> ChunkOutcome {
    let failure = match synced {
        Ok(synced) => {
            return ChunkOutcome {
                id,
                outcome: Ending::Completed,
                items: synced.items,
                removed: synced.removed,
                chunks: synced.chunks.into_iter().map(Value::from).collect(),
                plan: Some(synced.plan)
                    .filter(|it| !it.is_empty())
                    .map(Value::Object),
                state: synced.state,
                prune: synced.prune,
                error: None,
                wait: None,
            };
        }
        Err(failure) => failure,
    };
    let (outcome, wait) = match failure.remedy {
        Remedy::Retry => (Ending::Retry, None),
        Remedy::Wait(seconds) => (Ending::Wait, Some(seconds)),
        Remedy::GiveUp => (Ending::Failed, None),
        Remedy::Credentials => (Ending::Refused, None),
    };
    ChunkOutcome {
        id,
        outcome,
        error: Some(failure.message),
        wait,
        ..ChunkOutcome::default()
    }
}
