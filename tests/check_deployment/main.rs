//! Checks a deployment of Baton on any host, by its base URL and its database: every route, every refusal, skips,
//! chains of components, syncs and messages. `docs/howto/check-deployment.md` says how to run it.
//!
//! The providers and the source that the deployment talks to are stand-ins in this process; everything else is real.
//! It writes rows with marks of its own, and sets back what it changes before it ends.

mod advice;
mod checks;
mod database;
mod http;
mod options;
#[path = "../support/pages.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod pages;
mod report;
mod rows;
mod scene;
#[path = "../support/server.rs"]
mod server;
mod stand_ins;
mod variables;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::checks::Check;
use crate::database::Database;
use crate::http::{Http, Request};
use crate::options::Options;
use crate::report::Report;
use crate::scene::Scene;
use crate::stand_ins::StandIns;

/// The exit code after Ctrl-C, as shells count it.
const EXIT_INTERRUPTED: u8 = 130;
/// Setting back what was changed may take this long.
const RESTORING: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(it) => it,
        Err(error) => return advice::report(&anyhow::Error::from(error).context("starting")),
    };
    runtime
        .block_on(run(&options))
        .unwrap_or_else(|error| advice::report(&error))
}

async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.list {
        report::list(options.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let url = options.url()?;
    if options.variables {
        report::print(&variables::shown(options, &url))?;
        return Ok(ExitCode::SUCCESS);
    }
    let selected = checks::select(&options.only)?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let scene = set_up(options, url).await?;
    let mut report = Report::new(&scene.url, options.json, &selected);
    let outcome = tokio::select! {
        outcome = check(&scene, &selected, &mut report) => Some(outcome),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    let restored = tokio::time::timeout(RESTORING, scene.db.restore()).await;
    let restored =
        restored.unwrap_or_else(|_| Err(anyhow::anyhow!("the database does not answer")));
    restored.map_err(advice::with(
        "the settings and rows of this run could not be set back",
        "compare `baton settings` and `baton status` with what you had",
    ))?;
    match outcome {
        Some(outcome) => outcome.and_then(|()| report.finish()),
        None => Ok(ExitCode::from(EXIT_INTERRUPTED)),
    }
}

/// Everything that checks need; nothing in the database has changed when it fails.
async fn set_up(options: &Options, url: String) -> anyhow::Result<Scene> {
    let secrets = options.secrets()?;
    let http = Http::new(&url);
    let health = Request::new("GET", "/healthz");
    http.send(&health).await.map_err(advice::with(
        format!("{url} does not answer"),
        "start the deployment, or correct the URL",
    ))?;
    let db = Database::connect(&options.database_url()?).await?;
    report::note(&format!(
        "This writes test rows to the database `{}`, changes settings of jobs, and sets both back at the end.",
        db.name
    ));
    let foreign = db.foreign_rows().await?;
    if !foreign.is_empty() && !options.yes {
        return Err(advice::error(
            format!("the database has rows of others: {}", foreign.join(", ")),
            "the checks run its jobs and send its messages to the stand-ins; give --yes if that does no harm",
        ));
    }
    let stand_ins = StandIns::start(options).await?;
    db.prepare().await.context("preparing the database")?;
    Ok(Scene::new(url, http, db, stand_ins, secrets, options))
}

async fn check(scene: &Scene, selected: &[Check], report: &mut Report) -> anyhow::Result<()> {
    for check in selected {
        report.add(check, checks::run(scene, check).await)?;
    }
    Ok(())
}
