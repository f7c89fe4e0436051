use anyhow::Result;
use baton::contract::operator::ResumeJob;
use stack::{api, context::Context, database::Database};

/// What `resume` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The job, such as validate-contacts.
    job: String,
}

/// Lets a job run again.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let call = ResumeJob {
            job: args.job.clone(),
            who: context.common.who.clone(),
        };
        let answer = api::call(&client, call).await.map_err(api::no_such_job)?;
        context
            .output
            .result(&answer, || format!("{} may run again.", args.job))
    })
    .await
}
