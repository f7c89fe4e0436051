use crate::budget;
use crate::contract::items::{BatchOutcome, Plain, SettleItemsAnswer};
use crate::contract::{Call, Claim, Trigger};
use uuid::Uuid;

use super::{Answer, Db, Error, claimed};
use crate::clock::Deadline;
use crate::slice::{Ran, claims_next};

/// A lease on some work.
pub trait Batch {
    /// The fencing token.
    fn attempt_id(&self) -> Uuid;
    /// How many items.
    fn size(&self) -> usize;
}

impl Batch for crate::contract::items::ItemAttempt {
    fn attempt_id(&self) -> Uuid {
        self.attempt_id
    }

    fn size(&self) -> usize {
        self.items.len()
    }
}

/// Claim → work → settle, batch after batch while the time lasts; a settlement claims the next batch in the same transaction.
///
/// `work` answers the outcomes of a batch, or none when its lease was lost; with an error, what it has is settled, and the
/// call ends with that error.
///
/// # Errors
/// That of a call of the database, or of `work`.
pub async fn work_batches<C, A, O, W, S>(
    db: &Db,
    trigger: Trigger,
    claim: C,
    work: W,
    settle: impl Fn(Uuid, BatchOutcome<O>, bool) -> S,
) -> Result<Answer, Error>
where
    C: Call<Output = Claim<A>>,
    A: Batch,
    O: Plain,
    W: AsyncFn(A, Deadline) -> Option<(Vec<O>, Option<Error>)>,
    S: Call<Output = SettleItemsAnswer<A>>,
{
    let deadline = Deadline::after(budget::WORK);
    let mut batch = match claimed(db.call(claim).await?) {
        Ok(batch) => batch,
        Err(answer) => return Ok(answer),
    };
    let mut ran = Ran::default();
    loop {
        let (attempt_id, size) = (batch.attempt_id(), batch.size());
        let before = deadline.left();
        let Some((outcomes, problem)) = work(batch, deadline).await else {
            return Ok(Answer::lost("lease_lost"));
        };
        let left = deadline.left();
        let goes_on = problem.is_none() && claims_next(trigger, left, before.saturating_sub(left));
        let outcomes = BatchOutcome::new(size, outcomes);
        let settled = match db.call(settle(attempt_id, outcomes, goes_on)).await? {
            SettleItemsAnswer::Settled(it) => it,
            SettleItemsAnswer::Lost { reason } => return Ok(Answer::lost(&reason)),
        };
        if let Some(problem) = problem {
            return Err(problem);
        }
        match ran.add(size, settled).map(claimed) {
            Some(Ok(next)) => batch = next,
            Some(Err(_)) | None => return Ok(Answer::run(&ran.answer())),
        }
    }
}
