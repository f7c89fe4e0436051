use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use baton::contract::operator::{ConfigureJob, SetWake};
use baton::contract::{RunRequest, Trigger};
use driver::http::Http;
use serde_json::{Map, Value, json};
use stack::{api, context::Context, database::Database, scratch::Scratch};
use terminal::advice;
use tokio_postgres::Client;

/// The job that validates contacts.
pub(crate) const JOB: &str = "validate-contacts";
/// Its route.
pub(crate) const ROUTE: &str = "/jobs/validate-contacts";
/// Longer than a host lets a request run.
pub(crate) const DEADLINE: Duration = baton::budget::CALLER;
/// Who is named in the history of changes.
pub(crate) const WHO: &str = "bench";

/// Works in a database of its own, which is dropped afterwards.
pub(crate) async fn in_scratch<T>(
    context: &Context,
    database: &Database,
    work: impl AsyncFnOnce(&Scratch) -> Result<T>,
) -> Result<T> {
    let scratch = Scratch::create(database).await?;
    let result = context.interrupt.guard(work(&scratch)).await;
    let dropped = scratch.drop().await;
    let value = result?;
    dropped?;
    Ok(value)
}

/// Fails where the server answers before what it answers for is on disk.
pub(crate) async fn check_commits(database: &Database) -> Result<()> {
    let client = database.connect().await?;
    let commit: String = client
        .query_one("show synchronous_commit", &[])
        .await?
        .get(0);
    ensure!(
        commit == "on",
        "synchronous_commit is {commit}; what is measured with it compares with nothing"
    );
    Ok(())
}

/// Sets how the database wakes jobs.
pub(crate) async fn set_wake(client: &Client, mode: &str) -> Result<()> {
    let wake = SetWake {
        mode: mode.to_owned(),
        url: None,
        secret: None,
        who: WHO.to_owned(),
    };
    api::call(client, wake).await?;
    Ok(())
}

/// Changes settings of a job.
pub(crate) async fn configure<const N: usize>(
    client: &Client,
    job: &str,
    changes: [(&str, Value); N],
) -> Result<()> {
    let configure = ConfigureJob {
        job: job.to_owned(),
        changes: Map::from_iter(changes.map(|(name, value)| (name.to_owned(), value))),
        who: WHO.to_owned(),
    };
    api::call(client, configure).await?;
    Ok(())
}

/// Calls a job, which has to run soundly.
pub(crate) async fn call_job(http: &Http, route: &str, trigger: Trigger) -> Result<Value> {
    let body = json!(RunRequest { trigger });
    let (status, answer) = http.post(route, &body, DEADLINE).await?;
    if status != 200 {
        return Err(advice::error(
            format!("the component answered {status}: {answer}"),
            "look at the logs in .baton/logs",
        ));
    }
    Ok(answer)
}

/// A stopwatch's start.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is about the time that people wait, which the database does not see"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
