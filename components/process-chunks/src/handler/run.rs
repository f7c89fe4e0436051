use std::cell::RefCell;
use std::collections::BTreeMap;

use baton::contract::RunRequest;
use baton::{Answer, Batch, Config, Db, Error, variable, with_heartbeat, work_batches};
use uuid::Uuid;

use super::sync::{open_secrets, sync, without_asking};
use crate::calls::{ChunkAttempt, ClaimChunks, SettleChunks, SyncJob};

/// Claim → sync → settle: some chunks of sync jobs, batch after batch.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let db = Db::connect(&config).await?;
    let claim = ClaimChunks {
        trigger: asked.trigger,
        worker: baton::worker("process-chunks"),
    };
    let told: RefCell<BTreeMap<Uuid, SyncJob>> = RefCell::default();
    let work = async |mut attempt: ChunkAttempt, deadline| {
        match attempt.jobs.is_empty() {
            true => attempt.jobs = told.borrow().clone(),
            false => *told.borrow_mut() = attempt.jobs.clone(),
        }
        // What asks no source is done before a lease could run out.
        if let Some(outcomes) = without_asking(&attempt.chunks) {
            return Some((outcomes, None));
        }
        let key = match variable("source_key").await {
            Ok(key) => key,
            // The chunks are due again, none of their tries used up.
            Err(error) => return Some((Vec::new(), Some(error))),
        };
        let closed = open_secrets(&mut attempt.jobs, &key);
        let attempt_id = attempt.attempt_id;
        let outcomes = with_heartbeat(&db, attempt_id, sync(attempt, &closed, deadline)).await?;
        let problem = closed.into_values().next().map(Error::Misconfigured);
        Some((outcomes, problem))
    };
    work_batches(
        &db,
        asked.trigger,
        claim,
        work,
        |attempt_id, outcomes, claim_next| SettleChunks {
            attempt_id,
            outcomes,
            claim_next,
            remembers: true,
        },
    )
    .await
}

impl Batch for ChunkAttempt {
    fn attempt_id(&self) -> Uuid {
        self.attempt_id
    }

    fn size(&self) -> usize {
        self.chunks.len()
    }
}
