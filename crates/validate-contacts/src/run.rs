use contract::{Claim, ClaimContacts, RunRequest, Settle, SettleContacts};
use guest::{Answer, Config, Db, Error, with_heartbeat};
use serde_json::json;

use crate::{judge::judge, settings::Settings};

/// Claim → check → settle: one slice of a validation cycle.
pub(crate) async fn run(config: Config, asked: RunRequest) -> Result<Answer, Error> {
    let settings = Settings::load().await?;
    let db = Db::connect(&config).await?;
    let worker = guest::worker("validate-contacts");
    let attempt = match db
        .call(ClaimContacts {
            trigger: asked.trigger,
            worker,
        })
        .await?
    {
        Claim::Claimed(attempt) => attempt,
        Claim::Skipped { reason, until } => {
            return Ok(Answer::conflict(
                json!({ "status": "skipped", "reason": reason, "until": until }),
            ));
        }
        Claim::Idle { reason, until } => {
            return Ok(Answer::ok(
                json!({ "status": "idle", "reason": reason, "until": until, "more": false }),
            ));
        }
    };

    let attempt_id = attempt.attempt_id;
    let claimed = attempt.contacts.len();
    let Some(judged) = with_heartbeat(&db, attempt_id, judge(attempt, &settings)).await else {
        return Ok(lost("lease_lost"));
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
            more,
        } => Answer::ok(
            json!({ "status": "ran", "claimed": claimed, "settled": settled, "left": left, "more": more }),
        ),
        Settle::Lost { reason } => lost(&reason),
    })
}

/// A late attempt is normal: its work is another's now, and nothing of it counted.
fn lost(reason: &str) -> Answer {
    Answer::conflict(json!({ "status": "lost", "reason": reason }))
}
