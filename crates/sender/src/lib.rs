//! Sends a claimed batch of messages, for the components that claim some.
//!
//! It does not know why there is a message, nor decides whether it may go out: the database does, wave by wave, and
//! nothing goes to a provider that the database has not noted as going out. The one entry point is [`run`].

mod errand;
mod post;
mod settings;

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use baton::contract::{Call, Claim, RunAnswer, counts};
use baton::instant;
use baton::{Answer, Config, Db, Error, wall_clock, with_heartbeat};
use dispatch::Outcome;
use dispatch::calls::{
    Message, MessageAttempt, MessageOutcome, SettleMessages, SettledMessages, Submit,
    SubmitMessages,
};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use serde_json::{Map, Value};
use spin_sdk::time::sleep;
use uuid::Uuid;

use errand::Errand;
use settings::Settings;

/// How many messages go out, or are asked about, at once.
const WAVE: usize = 20;
/// No wave begins later than this. With the patience for its answers that makes a budget of 20 s, so that settling fits
/// in before hosts stop a request at 30 s, and no answer is waited for in vain.
const LAST_WAVE: Duration = Duration::from_secs(10);

/// Claim → send → settle: a batch of messages. The answer counts what came of it.
pub async fn run(
    config: &Config,
    claim: impl Call<Output = Claim<MessageAttempt>>,
) -> Result<Answer, Error> {
    let settings = Settings::load().await?;
    let db = Db::connect(config).await?;
    match baton::claimed(db.call(claim).await?) {
        Ok(attempt) => dispatch(&db, &settings, attempt).await,
        Err(answer) => Ok(answer),
    }
}

/// Sends what may go out now, and asks about what is unknown. A message that is not reached in time stays due.
async fn dispatch(db: &Db, settings: &Settings, attempt: MessageAttempt) -> Result<Answer, Error> {
    let attempt_id = attempt.attempt_id;
    let now = instant::seconds(&attempt.now)
        .ok_or_else(|| Error::Bug(format!("the database's time is {}", attempt.now)))?;
    let mut outcomes = Vec::new();
    let mut closed = BTreeSet::new();
    let waves = stream::iter(attempt.messages.chunks(WAVE)).take_until(sleep(LAST_WAVE));
    let mut waves = pin!(waves);
    while let Some(wave) = waves.next().await {
        let region = attempt.default_region.as_deref();
        let submitted_at = wall_clock();
        let errands = take_up(wave, settings, region, &closed, &mut outcomes);
        let errands = match submit(db, attempt_id, errands, &mut outcomes).await? {
            Ok(errands) => errands,
            Err(reason) => return Ok(Answer::lost(&reason)),
        };
        let errands = join_all(errands.into_iter().map(|it| it.run(now, submitted_at)));
        let Some(news) = with_heartbeat(db, attempt_id, errands).await else {
            return Ok(Answer::lost("lease_lost"));
        };
        for (provider, outcome) in news {
            if closes(&outcome.outcome) {
                closed.insert(provider);
            }
            outcomes.push(outcome);
        }
    }
    let settled = db
        .call(SettleMessages {
            attempt_id,
            outcomes,
        })
        .await?;
    Ok(answer(settled, attempt.messages.len(), attempt.jobs))
}

/// What can be decided without a request is an outcome at once. Messages of closed providers stay with the attempt, which
/// gives them back when it is settled.
fn take_up<'a>(
    wave: &[Message],
    settings: &'a Settings,
    region: Option<&str>,
    closed: &BTreeSet<&'static str>,
    outcomes: &mut Vec<MessageOutcome>,
) -> Vec<Errand<'a>> {
    let mut errands = Vec::new();
    for message in wave {
        let errand = match settings.provider(message.channel) {
            Some(provider) if closed.contains(provider.name()) => continue,
            Some(provider) => Errand::new(message, provider, region),
            None => Err(Outcome::Outbox),
        };
        match errand {
            Ok(errand) => errands.push(errand),
            Err(outcome) => outcomes.push(MessageOutcome {
                id: message.id,
                outcome,
            }),
        }
    }
    errands
}

/// Leaves the errands that may be run now; the inner error says why the attempt is lost.
/// Outcomes are told with the letters, so that a wave's are on disk before the next one goes out.
async fn submit<'a>(
    db: &Db,
    attempt_id: Uuid,
    mut errands: Vec<Errand<'a>>,
    outcomes: &mut Vec<MessageOutcome>,
) -> Result<Result<Vec<Errand<'a>>, String>, Error> {
    let letters: Vec<_> = errands.iter().filter_map(Errand::letter).cloned().collect();
    if letters.is_empty() {
        return Ok(Ok(errands));
    }
    let submit = db
        .call(SubmitMessages {
            attempt_id,
            outcomes: std::mem::take(outcomes),
            letters,
        })
        .await?;
    Ok(match submit {
        Submit::Submitting { go } => {
            errands.retain(|it| it.letter().is_none_or(|letter| go.contains(&letter.id)));
            Ok(errands)
        }
        Submit::Lost { reason } => Err(reason),
    })
}

/// Whether the provider would answer the next message alike.
fn closes(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Refused(_) => true,
        Outcome::Retry { trouble, wait } => {
            wait.is_some() || trouble.reason == "provider_unreachable"
        }
        Outcome::Unknown { trouble, .. } => trouble.reason == "throttled",
        Outcome::Submitted { .. } | Outcome::Failed(_) | Outcome::Absent | Outcome::Outbox => false,
    }
}

/// `jobs` are counts that the claim brought along.
fn answer(settled: SettledMessages, claimed: usize, jobs: Map<String, Value>) -> Answer {
    let (submitted, held, failed, unknown, refused, again, again_in) = match settled {
        SettledMessages::Settled {
            submitted,
            held,
            failed,
            unknown,
            refused,
            again,
            again_in,
        } => (submitted, held, failed, unknown, refused, again, again_in),
        SettledMessages::Lost { reason } => return Answer::lost(&reason),
    };
    let mut counts = counts([
        ("claimed", claimed.into()),
        ("submitted", submitted.into()),
        ("held", held.into()),
        ("failed", failed.into()),
        ("unknown", unknown.into()),
    ]);
    counts.extend(jobs);
    Answer::run(&match refused {
        None => RunAnswer::Ran {
            counts,
            again,
            again_in,
        },
        Some(reason) => RunAnswer::Failed {
            reason,
            counts,
            again,
            again_in,
        },
    })
}
