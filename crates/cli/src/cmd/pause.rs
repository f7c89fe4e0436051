use anyhow::Result;
use baton::contract::operator::PauseJob;
use stack::{api, context::Context, database::Database};

/// What `pause` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The job, such as validate-contacts.
    job: String,
    /// Why, for those who look.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Pauses a job.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let Args { job, reason } = args;
        let call = PauseJob { job: job.clone(), who: context.common.who.clone(), reason };
        let answer = api::call(&client, call).await.map_err(api::no_such_job)?;
        context.output.result(&answer, || format!("{job} is paused; a batch under way still settles. `baton resume {job}` lets it go on."))
    })
    .await
}
