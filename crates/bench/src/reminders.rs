mod corrections;
mod figures;
mod people;
mod sending;

use anyhow::Result;
use stack::{context::Context, database::Database, home::Home};
use terminal::output::{count, note};

use crate::measure::{check_commits, in_scratch};
use figures::Figures;

/// What `bench reminders` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Assignments to remind of at each batch size.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000), value_name = "N")]
    assignments: u32,
    /// Batch sizes to measure.
    #[arg(long, value_delimiter = ',', default_value = "100,500", value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N,N")]
    batch: Vec<u32>,
    /// Corrections of a last contact to measure, one at a time and then several at once.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000), value_name = "N")]
    requests: u32,
}

/// Members of the crew of the auto-sync.
const MEMBERS: u32 = 2_000;

/// Measures in databases of its own, a new one for each figure, so that none suffers from the one before.
pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    home.check_components()?;
    let figures = Database::around(context, &home, async |database| {
        measure(&args, context, &home, database).await
    })
    .await?;
    context.output.result(&figures, || figures.text())
}

async fn measure(
    args: &Args,
    context: &Context,
    home: &Home,
    database: &Database,
) -> Result<Figures> {
    check_commits(database).await?;
    let mut reminders = Vec::new();
    for &batch in &args.batch {
        note(&format!(
            "Reminding of {} assignments, batch {batch}.",
            count(args.assignments.into())
        ));
        let sent = in_scratch(context, database, async |it| {
            sending::reminders(home, it, args.assignments, batch).await
        });
        reminders.push(sent.await?);
    }
    note(&format!(
        "Working an auto-sync of {} members.",
        count(MEMBERS.into())
    ));
    let auto_sync = in_scratch(context, database, async |it| {
        sending::auto_sync(home, it, MEMBERS).await
    })
    .await?;
    note("Correcting last contacts.");
    let corrections = in_scratch(context, database, async |it| {
        corrections::all(home, it, args.assignments, args.requests).await
    })
    .await?;
    Ok(Figures {
        reminders,
        auto_sync,
        corrections,
    })
}
