use std::time::Duration;

use crate::contract::{Batch, Call, Claim, SettleAnswer, Trigger, counts};
use uuid::Uuid;

use super::{Answer, Db, Error, claimed};
use crate::clock::Deadline;
use crate::slice::{Ran, claims_next};

/// What is left of a batch once it was worked.
#[derive(Debug)]
pub enum Worked<O> {
    /// What came of it, to be settled.
    Outcomes(O),
    /// The same; then the call ends with this error.
    Problem(O, Error),
    /// The attempt is lost, for this reason.
    Lost(String),
}

impl<O> From<Option<O>> for Worked<O> {
    /// None: the lease was lost.
    fn from(outcomes: Option<O>) -> Self {
        match outcomes {
            Some(outcomes) => Self::Outcomes(outcomes),
            None => Self::Lost("lease_lost".to_owned()),
        }
    }
}

/// Claim → work → settle, batch after batch for so long; a settlement claims the next batch in the same transaction.
///
/// `settle` gets the fencing token, the size of the batch, what came of it, and whether to claim the next one.
///
/// # Errors
/// That of a call of the database, or of `work`.
pub async fn work_batches<C, A, O, W, S>(
    db: &Db,
    trigger: Trigger,
    time: Duration,
    claim: C,
    work: W,
    settle: impl Fn(Uuid, usize, O, bool) -> S,
) -> Result<Answer, Error>
where
    C: Call<Output = Claim<A>>,
    A: Batch,
    W: AsyncFn(A, Deadline) -> Result<Worked<O>, Error>,
    S: Call<Output: SettleAnswer<A>>,
{
    let deadline = Deadline::after(time);
    let mut batch = match claimed(db.call(claim).await?) {
        Ok(batch) => batch,
        Err(answer) => return Ok(answer),
    };
    let mut ran = Ran::default();
    loop {
        let (attempt_id, size) = (batch.attempt_id(), batch.size());
        let mut brought = counts([("claimed", size.into())]);
        brought.extend(batch.counts());
        let before = deadline.left();
        let (outcomes, problem) = match work(batch, deadline).await? {
            Worked::Outcomes(outcomes) => (outcomes, None),
            Worked::Problem(outcomes, problem) => (outcomes, Some(problem)),
            Worked::Lost(reason) => return Ok(Answer::lost(&reason)),
        };
        let left = deadline.left();
        let goes_on = problem.is_none() && claims_next(trigger, left, before.saturating_sub(left));
        let answer = db.call(settle(attempt_id, size, outcomes, goes_on)).await?;
        let settlement = match answer.settlement() {
            Ok(settlement) => settlement,
            Err(reason) => return Ok(Answer::lost(&reason)),
        };
        if let Some(problem) = problem {
            return Err(problem);
        }
        match ran.add(brought, settlement).map(claimed) {
            Some(Ok(next)) => batch = next,
            Some(Err(_)) | None => return Ok(Answer::run(&ran.answer())),
        }
    }
}
