use std::collections::BTreeMap;

use baton::{Answer, Config, Db, Error, variable, with_heartbeat};
use contract::RunRequest;
use serde_json::json;

use super::sync::{open_secrets, sync, without_asking};
use crate::calls::{ClaimChunks, CompleteChunks, Completed};

/// Claim → sync → settle: some chunks of sync jobs.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let db = Db::connect(&config).await?;
    let worker = baton::worker("process-chunks");
    let claim = db
        .call(ClaimChunks {
            trigger: asked.trigger,
            worker,
        })
        .await?;
    let mut attempt = match baton::claimed(claim) {
        Ok(attempt) => attempt,
        Err(answer) => return Ok(answer),
    };

    let attempt_id = attempt.attempt_id;
    let claimed = attempt.chunks.len();
    let mut closed = BTreeMap::new();
    // What asks nobody is done before a lease could run out.
    let outcomes = match without_asking(&attempt.chunks) {
        Some(outcomes) => outcomes,
        None => {
            closed = open_secrets(&mut attempt.jobs, &variable("source_key").await?);
            match with_heartbeat(&db, attempt_id, sync(attempt, &closed)).await {
                Some(outcomes) => outcomes,
                None => return Ok(Answer::lost("lease_lost")),
            }
        }
    };
    let completed = db
        .call(CompleteChunks {
            attempt_id,
            outcomes,
        })
        .await?;
    // The chunks wait, none of their tries used up.
    if let Some(problem) = closed.into_values().next() {
        return Err(Error::Misconfigured(problem));
    }
    Ok(match completed {
        Completed::Settled {
            completed,
            retried,
            failed,
            left,
            again,
            again_in,
        } => Answer::ok(json!({
            "status": "ran",
            "claimed": claimed,
            "completed": completed,
            "retried": retried,
            "failed": failed,
            "left": left,
            "again": again,
            "again_in": again_in,
        })),
        Completed::Lost { reason } => Answer::lost(&reason),
    })
}
