use std::path::PathBuf;

use anyhow::Result;
use baton::contract::codes;
use baton::contract::operator::SetWake;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use stack::{api, context::Context, database::Database, home::Home, key::Key};
use terminal::advice;

/// How it is used.
pub(crate) const EXAMPLES: &str = "Examples:
  baton wake                                            show how jobs are woken
  baton wake listen                                     for `baton up` and `baton relay`
  baton wake pg_net --url https://jobs.example.com      the database posts by itself
  baton wake none                                       ticks alone find what is due

Wakes only make work start sooner; nothing is lost without them.";

/// What `wake` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How the database wakes jobs from now on; without it, the present way is shown.
    mode: Option<Mode>,
    /// Where the deployment answers, as the database reaches it; by default as before. For pg_net.
    #[arg(long, value_parser = stack::service_address::service, value_name = "URL")]
    url: Option<String>,
    /// File with the deployment's variable webhook_secret, where BATON_WEBHOOK_SECRET is not set;
    /// by default the one in .baton/, else the one that the database has already. For pg_net.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// How the database wakes jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// By NOTIFY, which `baton up` hears, and `baton relay` beside any other deployment.
    Listen,
    /// By signed requests of the extension pg_net to --url.
    #[value(name = "pg_net")]
    PgNet,
    /// Not at all.
    None,
}

/// How jobs are woken.
#[derive(Debug, Serialize, Deserialize)]
struct Wake {
    wake: String,
    url: Option<String>,
}

/// Shows or sets how jobs are woken.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    let change = change(args, &home, &context.common.who)?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let wake = match change {
            Some(change) => {
                let answer = api::call(&client, change).await.map_err(explain)?;
                Wake::deserialize(answer)?
            }
            None => {
                let row = client
                    .query_one("select wake, wake_url from baton.settings", &[])
                    .await
                    .map_err(api::explain)?;
                Wake {
                    wake: row.get(0),
                    url: row.get(1),
                }
            }
        };
        context.output.result(&wake, || text(&wake))
    })
    .await
}

fn change(args: Args, home: &Home, who: &str) -> Result<Option<SetWake>> {
    let Args {
        mode,
        url,
        secret_file,
    } = args;
    if mode != Some(Mode::PgNet) {
        if url.is_some() || secret_file.is_some() {
            return Err(advice::error(
                "only pg_net has an address and a secret",
                "leave out --url and --secret-file, or write `baton wake pg_net`",
            ));
        }
        return Ok(mode.map(|mode| SetWake {
            mode: name(mode),
            url: None,
            secret: None,
            who: who.to_owned(),
        }));
    }
    let secret = stack::key::signing_secret(home, secret_file.as_deref())?;
    if let Some(secret) = &secret {
        stack::key::webhook_secrets(secret)?;
    }
    Ok(Some(SetWake {
        mode: name(Mode::PgNet),
        url,
        // The database signs with one.
        secret: secret.as_deref().map(|it| Key::Webhook.first(it)),
        who: who.to_owned(),
    }))
}

fn name(mode: Mode) -> String {
    let value = mode.to_possible_value();
    value.map_or_else(String::new, |it| it.get_name().to_owned())
}

fn explain(error: anyhow::Error) -> anyhow::Error {
    if api::code(&error) == Some(codes::BAD_ARGUMENT) {
        return advice::with(
            "setting how jobs are woken",
            "`baton wake --help` says what each way needs; `baton relay` needs no extension",
        )(error);
    }
    error
}

fn text(wake: &Wake) -> String {
    let url = wake.url.as_deref().unwrap_or("an address that is not set");
    match wake.wake.as_str() {
        "listen" => "Jobs are woken by NOTIFY: `baton up` hears it, and `baton relay --url URL` beside any other deployment.".to_owned(),
        "pg_net" => format!("Jobs are woken by pg_net, which posts to {url}.\nThe deployment must have the same secret in its variable webhook_secret."),
        "none" => "Jobs are not woken; the next tick finds what is due.".to_owned(),
        other => format!("Jobs are woken by {other}."),
    }
}
