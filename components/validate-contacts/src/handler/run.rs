use baton::contract::RunRequest;
use baton::{Answer, Config, Db, Error, budget, with_heartbeat, work_batches};

use super::judge::{Judged, judge};
use super::settings::Settings;
use crate::calls::{Attempt, ClaimContacts, SettleContacts};

/// Claim → check → settle: a slice of a validation cycle, batch after batch.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let settings = Settings::load().await?;
    let db = Db::connect(&config).await?;
    let claim = ClaimContacts {
        trigger: asked.trigger,
        worker: baton::worker("validate-contacts"),
    };
    let work = async |attempt: Attempt, deadline| {
        let attempt_id = attempt.attempt_id;
        let judging = judge(attempt, &settings, deadline);
        Ok(with_heartbeat(&db, attempt_id, judging).await.into())
    };
    work_batches(
        &db,
        asked.trigger,
        budget::WORK,
        claim,
        work,
        |attempt_id, _, judged: Judged, claim_next| SettleContacts {
            attempt_id,
            outcomes: judged.outcomes,
            routes: judged.routes,
            throttle: judged.throttle,
            claim_next,
        },
    )
    .await
}
