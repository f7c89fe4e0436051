//! The command line and the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use baton::key;
use baton::webhook::{self, Secret};

use crate::advice;

/// Secrets come in through the environment or files, because every user of the machine can see arguments.
const ENVIRONMENT: &str = "Environment:
  DATABASE_URL          connection string of the owner of the deployment's database
  BATON_SERVICE_KEY     the deployment's variable service_key, unless --key-file names a file
  BATON_WEBHOOK_SECRET  the deployment's variable webhook_secret, unless --webhook-file names a file
  BATON_SYNC_SECRET     password of --jmap-user";

/// Checks a deployment of Baton: every route, every refusal, skips, chains of components, syncs and messages.
///
/// Start the deployment with the variables that --variables prints. The exit code is 0 when every check passes.
#[derive(Debug, clap::Parser)]
#[command(name = "scripts/check-deployment", max_term_width = 100, after_help = ENVIRONMENT)]
pub(crate) struct Options {
    /// Base URL of the deployment, such as http://127.0.0.1:3000.
    #[arg(required_unless_present = "list")]
    url: Option<String>,
    /// File with the service key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File with the webhook secret.
    #[arg(long, value_name = "FILE")]
    webhook_file: Option<PathBuf>,
    /// Address of the stand-in for Twilio; those for Resend and for a source of JSON take the next two ports.
    #[arg(long, default_value = "127.0.0.1:4810", value_name = "ADDRESS")]
    pub(crate) stand_ins: SocketAddr,
    /// Host name by which the deployment reaches the stand-ins, if it is not on this machine.
    #[arg(long, value_name = "HOST")]
    pub(crate) stand_ins_host: Option<String>,
    /// URL of the session of a JMAP server with at least one message; without it, no JMAP sync is checked.
    #[arg(long, value_name = "URL", requires = "jmap_user")]
    pub(crate) jmap_url: Option<String>,
    /// User of the JMAP server.
    #[arg(long, value_name = "NAME")]
    pub(crate) jmap_user: Option<String>,
    /// Run this check or group of checks only; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// List the checks and what each expects.
    #[arg(long)]
    pub(crate) list: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the variables to start the deployment with, one NAME=VALUE a line.
    #[arg(long)]
    pub(crate) variables: bool,
    /// Print them as SPIN_VARIABLE_NAME=VALUE, for a file .env.
    #[arg(long, requires = "variables")]
    pub(crate) env: bool,
    /// Run although the database has rows of others, whose jobs run and whose messages go to the stand-ins.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What opens the routes of the deployment.
pub(crate) struct Secrets {
    pub(crate) service_key: String,
    pub(crate) webhook: Vec<Secret>,
    /// The password of the JMAP user.
    pub(crate) sync: Option<String>,
}

impl Options {
    /// The base URL without a slash at its end.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let url = self.url.as_deref().unwrap_or_default();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(advice::error(
                format!("{url:?} is not a base URL"),
                "begin it with http:// or https://",
            ));
        }
        Ok(url.trim_end_matches('/').to_owned())
    }

    pub(crate) fn database_url(&self) -> anyhow::Result<String> {
        variable("DATABASE_URL").ok_or_else(|| {
            advice::error(
                "no database is named",
                "set DATABASE_URL to the connection string of the owner of the deployment's database",
            )
        })
    }

    pub(crate) fn secrets(&self) -> anyhow::Result<Secrets> {
        let keys = secret(self.key_file.as_deref(), "BATON_SERVICE_KEY", "--key-file")?;
        let secrets = secret(
            self.webhook_file.as_deref(),
            "BATON_WEBHOOK_SECRET",
            "--webhook-file",
        )?;
        // The first of several is the newest, and stays when the others are retired.
        let service_key = key::service_keys(&keys).into_iter().next();
        let webhook = webhook::secrets(&secrets).map_err(advice::with(
            "the webhook secret cannot be used",
            "give the value of the deployment's variable webhook_secret",
        ))?;
        Ok(Secrets {
            service_key: service_key.unwrap_or_default(),
            webhook: webhook.into_iter().take(1).collect(),
            sync: variable("BATON_SYNC_SECRET"),
        })
    }
}

fn secret(file: Option<&Path>, name: &str, option: &str) -> anyhow::Result<String> {
    let help = format!("set {name}, or name its file with {option}");
    let text = match file {
        Some(path) => std::fs::read_to_string(path).map_err(advice::with(
            format!("reading {}", path.display()),
            help.as_str(),
        ))?,
        None => variable(name).unwrap_or_default(),
    };
    match text.trim() {
        "" => Err(advice::error(format!("{name} is missing"), help)),
        text => Ok(text.to_owned()),
    }
}

fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this file is where the configuration comes in"
    )]
    let value = std::env::var(name).ok();
    value.filter(|it| !it.is_empty())
}
