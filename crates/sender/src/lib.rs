//! Sends a claimed batch of messages, for the components that claim some.
//!
//! It does not know why there is a message, nor decides whether it may go out: the database does, wave by wave, and
//! nothing goes to a provider that the database has not noted as going out. The one entry point is [`run`].

mod errand;
mod post;
mod settings;

use std::collections::BTreeSet;
use std::time::Duration;

use baton::contract::{Call, Claim, Trigger};
use baton::{
    Answer, Config, Db, Deadline, Error, Worked, instant, wall_clock, with_heartbeat, work_batches,
};
use dispatch::Outcome;
use dispatch::calls::{
    Message, MessageAttempt, MessageOutcome, SettleMessages, Submit, SubmitMessages,
};
use futures::future::{join, join_all};
use uuid::Uuid;

use errand::Errand;
use settings::Settings;

/// How many messages go out, or are asked about, at once.
const WAVE: usize = 20;
/// No wave begins later than this. With the patience for its answers that makes a budget of 20 s, so that settling fits
/// in before hosts stop a request at 30 s, and no answer is waited for in vain.
const LAST_WAVE: Duration = Duration::from_secs(10);
/// A sender that was suspended for longer slept: meanwhile another may have taken the message over.
const SLEPT_SECONDS: u64 = 10;

/// Claim → send → settle: messages, batch after batch. The answer counts what came of them.
pub async fn run(
    config: &Config,
    trigger: Trigger,
    claim: impl Call<Output = Claim<MessageAttempt>>,
) -> Result<Answer, Error> {
    let settings = Settings::load().await?;
    let db = Db::connect(config).await?;
    let work = async |attempt, deadline| dispatch(&db, &settings, attempt, deadline).await;
    work_batches(
        &db,
        trigger,
        LAST_WAVE,
        claim,
        work,
        |attempt_id, _, outcomes, claim_next| SettleMessages {
            attempt_id,
            outcomes,
            claim_next,
        },
    )
    .await
}

/// Sends what may go out now, and asks about what is unknown. While one wave is on its way, the next one is submitted. A message
/// that is not reached in time stays due.
async fn dispatch(
    db: &Db,
    settings: &Settings,
    attempt: MessageAttempt,
    deadline: Deadline,
) -> Result<Worked<Vec<MessageOutcome>>, Error> {
    let attempt_id = attempt.attempt_id;
    let now = instant::seconds(&attempt.now)
        .ok_or_else(|| Error::Bug(format!("the database's time is {}", attempt.now)))?;
    let region = attempt.default_region.as_deref();
    let mut outcomes = Vec::new();
    let mut closed = BTreeSet::new();
    let mut waves = attempt.messages.chunks(WAVE);
    let mut submitted = Vec::new();
    let mut watch = Watch::new(deadline);
    loop {
        let next = match deadline.left().is_zero() {
            true => None,
            false => waves.next(),
        };
        if next.is_none() && submitted.is_empty() {
            return Ok(Worked::Outcomes(outcomes));
        }
        let slept = watch.slept();
        watch = Watch::new(deadline);
        let errands = take_up(
            next.unwrap_or_default(),
            settings,
            region,
            &closed,
            &mut outcomes,
        );
        let submitting = submit(db, attempt_id, errands, &mut outcomes);
        let sending = join_all(submitted.into_iter().map(|it: Errand| it.run(now, slept)));
        let sending = with_heartbeat(db, attempt_id, sending);
        let (answer, news) = join(submitting, sending).await;
        let Some(news) = news else {
            return Ok(Worked::from(None));
        };
        for (provider, outcome) in news {
            if closes(&outcome.outcome) {
                closed.insert(provider);
            }
            outcomes.push(outcome);
        }
        submitted = match answer? {
            Ok(errands) => errands,
            Err(reason) => return Ok(Worked::Lost(reason)),
        };
        // A provider that closed meanwhile gets no more of them.
        submitted.retain(|it| {
            let kept_back = closed.contains(it.provider());
            if let (true, Some(letter)) = (kept_back, it.letter()) {
                outcomes.push(MessageOutcome {
                    id: letter.id,
                    outcome: Outcome::Unsent,
                });
            }
            !kept_back
        });
    }
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

/// Notices that the machine was suspended: deadlines do not count that time, and the wall clock does.
struct Watch {
    deadline: Deadline,
    left: Duration,
    wall: u64,
}

impl Watch {
    fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            left: deadline.left(),
            wall: wall_clock(),
        }
    }

    /// Whether it slept so long since then that another may have taken over what was submitted.
    fn slept(&self) -> bool {
        let counted = self.left.saturating_sub(self.deadline.left());
        wall_clock().saturating_sub(self.wall) > SLEPT_SECONDS + counted.as_secs()
    }
}

/// Whether the provider would answer the next message alike.
fn closes(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Refused(_) => true,
        Outcome::Retry { trouble, wait } => {
            wait.is_some() || trouble.reason == "provider_unreachable"
        }
        Outcome::Unknown { trouble, .. } => trouble.reason == "throttled",
        Outcome::Submitted { .. }
        | Outcome::Failed(_)
        | Outcome::Unsent
        | Outcome::Absent
        | Outcome::Outbox => false,
    }
}
