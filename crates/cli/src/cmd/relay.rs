use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use anyhow::Result;
use baton::webhook::Secret;
use driver::http::Http;
use serde::Serialize;
use stack::{api, context::Context, database::Database, home::Home};
use terminal::output;
use tokio::sync::watch;

/// How it is used.
pub(crate) const EXAMPLES: &str = "Example:
  DATABASE_URL=postgres://owner@db/app baton relay --url https://jobs.example.com

The database must wake by NOTIFY (`baton wake listen`), and DATABASE_URL must lead to it directly,
because poolers in transaction mode do not pass notifications on.";

/// What `relay` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the deployment answers, such as https://jobs.example.com.
    #[arg(long, env = "BATON_URL", value_parser = stack::service_address::service, value_name = "URL")]
    url: String,
    /// File with the deployment's variable webhook_secret, where BATON_WEBHOOK_SECRET is not set;
    /// by default the one in .baton/.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Listens and posts until interrupted.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    secrets(&home, args.secret_file.as_deref())?;
    let poster = Arc::new(Poster {
        http: Http::new(&args.url, None),
        url: args.url.clone(),
        home: home.clone(),
        secret_file: args.secret_file,
        refused: Once::new(),
    });
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let row = client.query_one("select wake from baton.settings", &[]).await;
        let mode: String = row.map_err(api::explain)?.get(0);
        drop(client);
        if mode != "listen" {
            output::note(&format!(
                "The database is set to `baton wake {mode}`, so there is nothing to relay; `baton wake listen` changes that."
            ));
        }
        let (listening, listens) = watch::channel(false);
        let post = |path: String, trigger| {
            let poster = poster.clone();
            async move { poster.post(&path, trigger).await }
        };
        let address = database.address();
        let source = stack::wakes_of(address);
        tokio::select! {
            () = driver::relay(&source, &listening, post) => Ok(()),
            result = show(listens, &args.url, address.to_string(), context) => result,
        }
    })
    .await
}

/// Says so once it listens; returns only when that fails.
async fn show(
    mut listens: watch::Receiver<bool>,
    url: &str,
    database: String,
    context: &Context,
) -> Result<()> {
    #[derive(Serialize)]
    struct Shown<'a> {
        url: &'a str,
        database: &'a str,
        channel: &'a str,
    }
    listens.wait_for(|it| *it).await?;
    let shown = Shown {
        url,
        database: &database,
        channel: stack::WAKE_CHANNEL,
    };
    context.output.result(&shown, || {
        format!("Wakes of {database} go to {url}. Ctrl-C ends it.")
    })?;
    std::future::pending().await
}

fn secrets(home: &Home, file: Option<&Path>) -> Result<Vec<Secret>> {
    let text = stack::key::signing_secret(home, file)?.unwrap_or_default();
    stack::key::webhook_secrets(&text)
}

/// Posts signed wakes to one deployment.
struct Poster {
    http: Http,
    url: String,
    home: Home,
    secret_file: Option<PathBuf>,
    refused: Once,
}

impl Poster {
    async fn post(&self, path: &str, trigger: &str) -> driver::Answer {
        let posting = async {
            // Read each time, because the secret may be rotated meanwhile.
            let secrets = secrets(&self.home, self.secret_file.as_deref())?;
            driver::post_signed(&self.http, &secrets, path, trigger).await
        };
        let answer = posting.await.map_err(|error| format!("{error:#}"));
        if matches!(answer, Ok((401, _))) {
            self.refused.call_once(|| {
                output::note(&format!(
                    "{} refuses the signature: give it the same secret in its variable webhook_secret, and check that the clocks agree.",
                    self.url
                ));
            });
        }
        answer
    }
}
