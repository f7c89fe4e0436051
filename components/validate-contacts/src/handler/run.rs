use baton::contract::{RunAnswer, RunRequest, counts};
use baton::{Answer, Config, Db, Error, with_heartbeat};

use super::{judge::judge, settings::Settings};
use crate::calls::{ClaimContacts, Settle, SettleContacts};

/// Claim → check → settle: one slice of a validation cycle.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let settings = Settings::load().await?;
    let db = Db::connect(&config).await?;
    let worker = baton::worker("validate-contacts");
    let claim = db
        .call(ClaimContacts {
            trigger: asked.trigger,
            worker,
        })
        .await?;
    let attempt = match baton::claimed(claim) {
        Ok(attempt) => attempt,
        Err(answer) => return Ok(answer),
    };

    let attempt_id = attempt.attempt_id;
    let claimed = attempt.contacts.len();
    let Some(judged) = with_heartbeat(&db, attempt_id, judge(attempt, &settings)).await else {
        return Ok(Answer::lost("lease_lost"));
    };
    let settled = db
        .call(SettleContacts {
            attempt_id,
            outcomes: judged.outcomes,
            routes: judged.routes,
            throttle: judged.throttle,
        })
        .await?;
    Ok(match settled {
        Settle::Settled {
            settled,
            left,
            again,
        } => Answer::run(&RunAnswer::Ran {
            counts: counts([
                ("claimed", claimed.into()),
                ("settled", settled.into()),
                ("left", left.into()),
            ]),
            again,
            again_in: None,
        }),
        Settle::Lost { reason } => Answer::lost(&reason),
    })
}
