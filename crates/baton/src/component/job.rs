use crate::budget;
use crate::contract::RunRequest;
use crate::contract::items::{BatchOutcome, ClaimItems, ItemAttempt, ItemOutcome, SettleItems};
use futures::future::join_all;
use serde::de::DeserializeOwned;
use spin_sdk::http::Request;

use super::{Answer, Config, Db, Error, Response, serve, with_heartbeat, work_batches, worker};
use crate::clock::{Deadline, within};
use crate::slice::ending;
use crate::{Context, Item, Outcome, Outcomes as _, trace};

/// Answers `POST /jobs/<name>`: claim → work → settle, batch after batch while the time lasts.
pub async fn serve_job<T, W>(name: &'static str, request: Request, work: W) -> Response
where
    T: DeserializeOwned,
    W: AsyncFn(Item<T>, &Context) -> Outcome,
{
    let caller = request.headers().get("traceparent");
    let caller = caller.and_then(|it| Some(it.to_str().ok()?.to_owned()));
    let job = Job { name, caller, work };
    serve(name, request, async |config, asked| {
        job.run(config, asked).await
    })
    .await
}

struct Job<W> {
    name: &'static str,
    /// The trace of the request.
    caller: Option<String>,
    work: W,
}

impl<W> Job<W> {
    async fn run<T>(&self, config: Config, asked: RunRequest) -> Result<Answer, Error>
    where
        T: DeserializeOwned,
        W: AsyncFn(Item<T>, &Context) -> Outcome,
    {
        let db = Db::connect(&config).await?;
        let claim = ClaimItems {
            job: self.name.to_owned(),
            trigger: asked.trigger,
            worker: worker(self.name),
        };
        let work = async |batch: ItemAttempt, deadline| {
            let attempt_id = batch.attempt_id;
            let outcomes = with_heartbeat(&db, attempt_id, self.work_all(batch, deadline)).await;
            Ok(outcomes.into())
        };
        work_batches(
            &db,
            asked.trigger,
            budget::WORK,
            claim,
            work,
            |attempt_id, size, outcomes, claim_next| SettleItems {
                attempt_id,
                outcomes: BatchOutcome::new(size, outcomes),
                claim_next,
            },
        )
        .await
    }

    /// Works all items side by side. One that is not done in time is not among the outcomes, so it is due again; in the
    /// first batch, which had all the time there is, the try counts.
    async fn work_all<T>(&self, batch: ItemAttempt, deadline: Deadline) -> Vec<ItemOutcome>
    where
        T: DeserializeOwned,
        W: AsyncFn(Item<T>, &Context) -> Outcome,
    {
        let whole = deadline.is_whole();
        let attempt_id = batch.attempt_id;
        let works = batch.items.into_iter().map(async |item| {
            let id = item.id;
            let outcome = within(deadline.left(), self.work(item, attempt_id, deadline)).await;
            let late = || {
                whole.then(|| {
                    let seconds = budget::WORK.as_secs();
                    Outcome::retry(format!("it was not done within {seconds} s"))
                })
            };
            Some(ItemOutcome {
                id,
                ending: ending(outcome.or_else(late)?),
            })
        });
        join_all(works).await.into_iter().flatten().collect()
    }

    async fn work<T>(
        &self,
        item: crate::contract::items::Item,
        attempt_id: uuid::Uuid,
        deadline: Deadline,
    ) -> Outcome
    where
        T: DeserializeOwned,
        W: AsyncFn(Item<T>, &Context) -> Outcome,
    {
        let context = Context {
            job: self.name,
            item: item.id,
            attempt: item.attempt,
            traceparent: trace::parent(self.caller.as_deref(), attempt_id, item.id),
            deadline,
            #[cfg(not(target_family = "wasm"))]
            variables: Default::default(),
        };
        match Item::read(item) {
            Ok(item) => (self.work)(item, &context).await,
            // No retry mends it.
            Err(error) => Outcome::failed(error),
        }
    }
}
