use anyhow::Result;
use baton::contract::codes;
use baton::contract::operator::SetSchedule;
use serde_json::json;
use stack::{api, context::Context, database::Database};
use terminal::{advice, output};

use crate::{board, moment};

/// What `schedule` understands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show the schedule of every job.
    #[command(after_help = "Example:\n  baton schedule list")]
    List,
    /// Set when a job starts a cycle by itself.
    #[command(after_help = "Example:\n  baton schedule set validate-contacts '0 2 * * *'")]
    Set {
        /// The job, such as validate-contacts.
        job: String,
        /// Minute, hour, day of the month, month and day of the week, in UTC, such as "0 2 * * *"; or `never`.
        cron: String,
    },
}

/// Shows or sets schedules.
pub(crate) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::List => list(context).await,
        Command::Set { job, cron } => set(job, cron, context).await,
    }
}

async fn set(job: String, cron: String, context: &Context) -> Result<()> {
    let cron =
        (cron.trim() != "never").then(|| cron.split_whitespace().collect::<Vec<_>>().join(" "));
    if let Some(cron) = &cron {
        scheduler::cron::check(cron).map_err(advice::with(
            "reading the schedule",
            "write it like \"0 2 * * *\" for every day at 02:00 UTC",
        ))?;
    }
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let call = SetSchedule {
            job: job.clone(),
            cron: cron.clone(),
            who: context.common.who.clone(),
        };
        api::call(&client, call)
            .await
            .map_err(|error| refused(&job, error))?;
        let now = board::read(&client).await?.now;
        let next = match &cron {
            Some(cron) => scheduler::cron::next_fire(cron, &now)?,
            None => None,
        };
        context.output.result(
            &json!({ "job": job, "cron": cron, "next": next }),
            || match (&cron, &next) {
                (Some(cron), Some(next)) => format!(
                    "{job} starts at \"{cron}\" UTC, next {next} ({}).",
                    moment::relative(&now, next)
                ),
                (Some(_), None) | (None, _) => format!("{job} has no schedule any more."),
            },
        )
    })
    .await
}

/// Says what starts the work of a job that has no schedule.
fn refused(job: &str, error: anyhow::Error) -> anyhow::Error {
    if api::code(&error) != Some(codes::BAD_ARGUMENT) {
        return api::no_such_job(error);
    }
    let instead = match job {
        "process-chunks" => {
            "to sync every day, let a cron run `baton sync run --all`, such as 0 2 * * * baton sync run --all"
        }
        _ => "`baton settings` shows when auto-syncs remind and pause",
    };
    advice::with(
        "setting the schedule",
        format!("{instead}; validate-contacts and follow-up-reminders have schedules"),
    )(error)
}

async fn list(context: &Context) -> Result<()> {
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let board = board::read(&database.connect().await?).await?;
        let mut schedules = Vec::new();
        for job in &board.jobs {
            // A slot appears with the first tick after a change; until then the expression tells.
            let next = match (&job.next_slot, &job.cron) {
                (Some(slot), _) => Some(moment::in_utc(slot)),
                (None, Some(cron)) => scheduler::cron::next_fire(cron, &board.now)?,
                (None, None) => None,
            };
            schedules
                .push(json!({ "job": job.job, "mode": job.mode, "cron": job.cron, "next": next }));
        }
        context.output.result(&schedules, || {
            let rows = schedules.iter().map(|it| {
                let text = |name: &str, none: &str| it[name].as_str().unwrap_or(none).to_owned();
                let next = it["next"]
                    .as_str()
                    .map(|next| moment::relative(&board.now, next))
                    .unwrap_or_default();
                [
                    text("job", ""),
                    text("mode", ""),
                    text("cron", "never"),
                    text("next", ""),
                    next,
                ]
            });
            output::table(["JOB", "MODE", "CRON (UTC)", "NEXT", ""], rows)
        })
    })
    .await
}
