//! Every claim/settle pair keeps the same promises; they are written once, here, and a job gets them all by one line.

pub(crate) mod items;
pub(crate) mod messages;

use anyhow::ensure;
use baton::contract::items::BatchOutcome;
use baton::contract::native::call;
use baton::contract::scheduler::{DueJob, DueWork, EndDeadAttempts};
use baton::contract::{Claim, ExtendAttempt, Trigger};
use process_chunks::calls::{
    ChunkAttempt, ChunkOutcome, ClaimChunks, Completed, Ending, SettleChunks,
};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;
use validate_contacts::calls::{Attempt, ClaimContacts, Outcome, Settle, SettleContacts};
use validate_contacts::email::{Reason, Status};

use super::db::Db;

/// A claim/settle pair, as the four promises see it.
pub(crate) trait Pair {
    /// Makes `n` items due.
    async fn fill(&self, db: &Db, n: i32) -> anyhow::Result<()>;
    /// Claims a batch: its attempt and items, or None.
    async fn claim(&self, worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>>;
    /// Settles it as done; true when it counted.
    async fn settle(
        &self,
        worker: &Client,
        attempt: Uuid,
        items: &[String],
    ) -> anyhow::Result<bool>;
    /// How many items are done.
    async fn done(&self, db: &Db) -> anyhow::Result<i64>;
}

/// The tests of all promises for one pair: `keeps_its_promises!(chunks: Chunks);`
macro_rules! keeps_its_promises {
    ($job:ident: $pair:expr) => {
        mod $job {
            use super::*;
            use crate::support::settling;

            #[tokio::test]
            async fn what_is_settled_twice_counts_once() -> anyhow::Result<()> {
                settling::settled_twice_counts_once(&$pair).await
            }

            #[tokio::test]
            async fn a_lost_lease_cannot_settle() -> anyhow::Result<()> {
                settling::a_lost_lease_cannot_settle(&$pair).await
            }

            #[tokio::test]
            async fn the_work_of_the_dead_is_done_by_the_next() -> anyhow::Result<()> {
                settling::the_work_of_the_dead_is_done_by_the_next(&$pair).await
            }

            #[tokio::test]
            async fn two_claimers_get_disjoint_work() -> anyhow::Result<()> {
                settling::two_claimers_get_disjoint_work(&$pair).await
            }

            #[tokio::test]
            async fn what_kills_its_worker_holds_up_no_other() -> anyhow::Result<()> {
                settling::what_kills_its_worker_holds_up_no_other(&$pair).await
            }
        }
    };
}
pub(crate) use keeps_its_promises;

/// Settling twice gives the first answer and changes nothing more.
pub(crate) async fn settled_twice_counts_once(pair: &impl Pair) -> anyhow::Result<()> {
    let (db, worker) = prepared(pair).await?;
    let (attempt, items) = pair.claim(&worker).await?.expect("work is due");
    ensure!(pair.settle(&worker, attempt, &items).await?);
    let done = pair.done(&db).await?;
    ensure!(
        done == i64::try_from(items.len())?,
        "{done} of {} items are done",
        items.len()
    );
    ensure!(
        pair.settle(&worker, attempt, &items).await?,
        "the first answer is given again"
    );
    ensure!(pair.done(&db).await? == done);
    Ok(())
}

/// A lease that ran out and was given away cannot settle.
pub(crate) async fn a_lost_lease_cannot_settle(pair: &impl Pair) -> anyhow::Result<()> {
    let (db, worker) = prepared(pair).await?;
    let (late, items) = pair.claim(&worker).await?.expect("work is due");
    db.advance("9 seconds").await?;
    let (_next, again) = pair.claim(&worker).await?.expect("the work is due again");
    ensure!(again == items, "the next one gets the same items");
    ensure!(
        !pair.settle(&worker, late, &items).await?,
        "the late one is told that it lost"
    );
    ensure!(pair.done(&db).await? == 0, "and has changed nothing");
    let extended = call(&worker, ExtendAttempt { attempt_id: late }).await?;
    ensure!(extended == baton::contract::Extend::Lost, "{extended:?}");
    Ok(())
}

/// Whoever dies between claim and settle is swept, and its work done by the next.
pub(crate) async fn the_work_of_the_dead_is_done_by_the_next(
    pair: &impl Pair,
) -> anyhow::Result<()> {
    let (db, worker) = prepared(pair).await?;
    let (_dead, items) = pair.claim(&worker).await?.expect("work is due");
    ensure!(
        call(&worker, EndDeadAttempts { limit: 10 }).await?.lost == 0,
        "who still has a lease is not dead"
    );
    db.advance("9 seconds").await?;
    ensure!(call(&worker, EndDeadAttempts { limit: 10 }).await?.lost == 1);
    ensure!(
        call(&worker, EndDeadAttempts { limit: 10 }).await?.lost == 0,
        "nobody dies twice"
    );
    let (next, again) = pair.claim(&worker).await?.expect("the work is due again");
    ensure!(again == items);
    ensure!(pair.settle(&worker, next, &again).await?);
    ensure!(pair.done(&db).await? == i64::try_from(items.len())?);
    Ok(())
}

/// Two claimers never hold the same item.
pub(crate) async fn two_claimers_get_disjoint_work(pair: &impl Pair) -> anyhow::Result<()> {
    let (db, first) = prepared(pair).await?;
    let second = db.worker().await?;
    let (a, b) = tokio::join!(pair.claim(&first), pair.claim(&second));
    let claimed: Vec<String> = [a?, b?]
        .into_iter()
        .flatten()
        .flat_map(|(_, items)| items)
        .collect();
    ensure!(!claimed.is_empty(), "one of them gets work");
    let mut distinct = claimed.clone();
    distinct.sort();
    distinct.dedup();
    ensure!(distinct.len() == claimed.len(), "an item was given to both");
    Ok(())
}

/// An item whose worker dies each time ends, and all others are done.
pub(crate) async fn what_kills_its_worker_holds_up_no_other(
    pair: &impl Pair,
) -> anyhow::Result<()> {
    let (db, worker) = prepared(pair).await?;
    let mut killer = None;
    let mut others = 0;
    for _ in 0..60 {
        let Some((attempt, items)) = pair.claim(&worker).await? else {
            break;
        };
        if items.contains(killer.get_or_insert_with(|| items[items.len() / 2].clone())) {
            db.advance("9 seconds").await?;
            continue;
        }
        ensure!(pair.settle(&worker, attempt, &items).await?);
        others += items.len();
    }
    ensure!(others == 19, "{others} of 19 others were done");
    ensure!(
        pair.claim(&worker).await?.is_none(),
        "what kills is given up"
    );
    Ok(())
}

async fn prepared(pair: &impl Pair) -> anyhow::Result<(Db, Client)> {
    let db = Db::new().await?;
    db.freeze().await?;
    pair.fill(&db, 20).await?;
    let worker = db.worker().await?;
    Ok((db, worker))
}

/// `claim_contacts` and `settle_contacts`.
pub(crate) struct Contacts;

impl Pair for Contacts {
    async fn fill(&self, db: &Db, n: i32) -> anyhow::Result<()> {
        db.configure(json!({ "batch_size": 10 })).await?;
        db.add_many_contacts(n).await
    }

    async fn claim(&self, worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>> {
        Ok(match claim(worker, Trigger::Manual).await? {
            Claim::Claimed(it) => Some((
                it.attempt_id,
                it.contacts.into_iter().map(|it| it.id).collect(),
            )),
            Claim::Skipped { .. } | Claim::Idle { .. } => None,
        })
    }

    async fn settle(
        &self,
        worker: &Client,
        attempt: Uuid,
        items: &[String],
    ) -> anyhow::Result<bool> {
        // The address is part of the verdict; in these tests it follows from the id.
        let outcomes = items.iter().map(|id| {
            let n: i32 = id.parse().expect("our own contacts have numbers");
            outcome(
                id,
                &format!("user{n}@d000{}.test", n % 10),
                Status::Deliverable,
                Reason::Accepted,
            )
        });
        let settled = settle(worker, attempt, outcomes.collect()).await?;
        Ok(matches!(settled, Settle::Settled { .. }))
    }

    async fn done(&self, db: &Db) -> anyhow::Result<i64> {
        db.count("select count(*) from contacts where email_validation_status is not null")
            .await
    }
}

/// `claim_next_chunk_job_safe` and `complete_chunk_job_safe`.
pub(crate) struct Chunks;

impl Pair for Chunks {
    async fn fill(&self, db: &Db, n: i32) -> anyhow::Result<()> {
        db.configure_job("process-chunks", json!({ "batch_size": 10 }))
            .await?;
        db.add_sync("trial", n).await?;
        Ok(())
    }

    async fn claim(&self, worker: &Client) -> anyhow::Result<Option<(Uuid, Vec<String>)>> {
        Ok(match claim_chunks(worker, Trigger::Manual).await? {
            Claim::Claimed(it) => Some((
                it.attempt_id,
                it.chunks.into_iter().map(|it| it.id.to_string()).collect(),
            )),
            Claim::Skipped { .. } | Claim::Idle { .. } => None,
        })
    }

    async fn settle(
        &self,
        worker: &Client,
        attempt: Uuid,
        items: &[String],
    ) -> anyhow::Result<bool> {
        let ids = items.iter().map(|it| it.parse());
        let ids: Vec<Uuid> = ids.collect::<Result<_, _>>()?;
        let completed = complete(worker, attempt, &ids, Ending::Completed).await?;
        Ok(matches!(completed, Completed::Settled(_)))
    }

    async fn done(&self, db: &Db) -> anyhow::Result<i64> {
        db.count("select count(*) from chunk_processing_queue where status = 'completed'")
            .await
    }
}

pub(crate) async fn claim_chunks(
    worker: &Client,
    trigger: Trigger,
) -> anyhow::Result<Claim<ChunkAttempt>> {
    Ok(call(
        worker,
        ClaimChunks {
            trigger,
            worker: "test".to_owned(),
        },
    )
    .await?)
}

/// The attempt and the chunks of a claim that finds some.
pub(crate) async fn take(worker: &Client) -> anyhow::Result<(Uuid, Vec<Uuid>)> {
    match claim_chunks(worker, Trigger::Manual).await? {
        Claim::Claimed(it) => Ok((it.attempt_id, it.chunks.iter().map(|it| it.id).collect())),
        other => anyhow::bail!("no chunk could be claimed: {other:?}"),
    }
}

/// Settles chunks with the same outcome each.
pub(crate) async fn complete(
    worker: &Client,
    attempt_id: Uuid,
    ids: &[Uuid],
    outcome: Ending,
) -> anyhow::Result<Completed> {
    let outcomes = ids.iter().map(|id| ChunkOutcome {
        id: *id,
        outcome,
        error: (outcome != Ending::Completed).then(|| "it went wrong".to_owned()),
        ..ChunkOutcome::default()
    });
    complete_with(worker, attempt_id, outcomes.collect()).await
}

pub(crate) async fn complete_with(
    worker: &Client,
    attempt_id: Uuid,
    outcomes: Vec<ChunkOutcome>,
) -> anyhow::Result<Completed> {
    Ok(call(
        worker,
        SettleChunks {
            attempt_id,
            outcomes: BatchOutcome::Each(outcomes),
            claim_next: false,
            remembers: false,
        },
    )
    .await?)
}

/// What `due_work` says of a job.
pub(crate) async fn due_job(worker: &Client, name: &str) -> anyhow::Result<DueJob> {
    let due = call(worker, DueWork { limit: 10 }).await?;
    let job = due.jobs.into_iter().find(|it| it.job == name);
    Ok(job.expect("it is a job"))
}

pub(crate) async fn claim(worker: &Client, trigger: Trigger) -> anyhow::Result<Claim<Attempt>> {
    Ok(call(
        worker,
        ClaimContacts {
            trigger,
            worker: "test".to_owned(),
        },
    )
    .await?)
}

pub(crate) async fn settle(
    worker: &Client,
    attempt_id: Uuid,
    outcomes: Vec<Outcome>,
) -> anyhow::Result<Settle> {
    Ok(call(
        worker,
        SettleContacts {
            attempt_id,
            outcomes,
            routes: Vec::new(),
            throttle: None,
            claim_next: false,
        },
    )
    .await?)
}

pub(crate) fn outcome(id: &str, email: &str, status: Status, reason: Reason) -> Outcome {
    Outcome {
        id: id.to_owned(),
        email: email.to_owned(),
        status,
        reason,
        evidence: json!({}),
    }
}

/// The same verdict on every contact of a batch.
pub(crate) fn verdicts(attempt: &Attempt, status: Status, reason: Reason) -> Vec<Outcome> {
    let contacts = attempt.contacts.iter();
    contacts
        .map(|it| outcome(&it.id, &it.email, status, reason))
        .collect()
}
