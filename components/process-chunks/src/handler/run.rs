use std::cell::RefCell;
use std::collections::BTreeMap;

use baton::contract::RunRequest;
use baton::contract::items::BatchOutcome;
use baton::{Answer, Config, Db, Error, Worked, budget, variable, with_heartbeat, work_batches};
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
        if !attempt.jobs.is_empty() {
            *told.borrow_mut() = std::mem::take(&mut attempt.jobs);
        }
        // What asks no source is done before a lease could run out.
        if let Some(outcomes) = without_asking(&attempt.chunks) {
            return Ok(Worked::Outcomes(outcomes));
        }
        let key = match variable("source_key").await {
            Ok(key) => key,
            // The chunks are due again, none of their tries used up.
            Err(error) => return Ok(Worked::Problem(Vec::new(), error)),
        };
        attempt.jobs = told.borrow().clone();
        let closed = open_secrets(&mut attempt.jobs, &key);
        let attempt_id = attempt.attempt_id;
        let working = sync(attempt, &closed, deadline);
        let Some(outcomes) = with_heartbeat(&db, attempt_id, working).await else {
            return Ok(Worked::from(None));
        };
        Ok(match closed.into_values().next() {
            Some(problem) => Worked::Problem(outcomes, Error::Misconfigured(problem)),
            None => Worked::Outcomes(outcomes),
        })
    };
    work_batches(
        &db,
        asked.trigger,
        budget::WORK,
        claim,
        work,
        |attempt_id, size, outcomes, claim_next| SettleChunks {
            attempt_id,
            outcomes: BatchOutcome::new(size, outcomes),
            claim_next,
            remembers: true,
        },
    )
    .await
}
