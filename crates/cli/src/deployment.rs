//! A running deployment, on whatever host: where it answers, and the key that it accepts.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use driver::http::Http;
use serde::Serialize;
use serde_json::{Value, json};
use stack::context::secret_variable;
use stack::{home::Home, key::Key, running::Announcement, secret};
use terminal::advice;

/// How long it may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which deployment a command asks.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Where the deployment answers, such as https://jobs.example.com; by default the host that `baton up` started here.
    #[arg(long, env = "BATON_URL", value_parser = stack::service_address::service, value_name = "URL")]
    url: Option<String>,
    /// File with its service key, which is otherwise taken from BATON_SERVICE_KEY, SPIN_VARIABLE_SERVICE_KEY or .baton/.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Whether a deployment answers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Health {
    pub(crate) url: String,
    pub(crate) answers: bool,
    /// Why not.
    pub(crate) error: Option<String>,
}

impl Args {
    /// Where it answers; none when no address was given and no host of this folder runs.
    pub(crate) fn url(&self, home: &Home) -> Option<String> {
        let announced = || Announcement::read(home).map(|it| it.url);
        let url = self.url.clone().or_else(announced)?;
        Some(url.trim_end_matches('/').to_owned())
    }

    /// The database of the host of this folder, where that is the deployment to ask and its database is not this one.
    pub(crate) fn other_database(&self, home: &Home, database: &str) -> Option<String> {
        let host = match self.url {
            None => Announcement::read(home)?,
            Some(_) => return None,
        };
        (host.database != database).then_some(host.database)
    }

    /// The key to present.
    pub(crate) fn key(&self, home: &Home) -> Result<String> {
        let keys = match (&self.key_file, secret_variable("BATON_SERVICE_KEY")) {
            (Some(file), _) => secret::read_from(file)?,
            (None, Some(keys)) => keys,
            (None, None) => {
                match stack::variables::environment_variables(home)?.remove("service_key") {
                    Some(keys) => keys,
                    None => secret::read_from(&home.state().join("service-key"))?,
                }
            }
        };
        Ok(Key::Service.first(&keys))
    }

    /// Asks it whether it is there; none when nobody knows where.
    pub(crate) async fn health(&self, home: &Home) -> Option<Health> {
        let url = self.url(home)?;
        let asked = Http::new(&url, None).get("/healthz", PATIENCE).await;
        let error = match asked {
            Ok((200, answer)) if answer["status"] == "ok" => None,
            Ok((status, _)) => Some(format!("it answered {status} to GET /healthz")),
            Err(error) => Some(advice::chain(&error)),
        };
        Some(Health {
            url,
            answers: error.is_none(),
            error,
        })
    }

    /// Whether it accepts the key. The request is malformed on purpose, so it does nothing.
    pub(crate) async fn accepts_key(&self, home: &Home, url: &str) -> Result<bool> {
        let key = self.key(home)?;
        let nothing = json!({ "trigger": "none; this only asks whether the key is accepted" });
        let asked: (u16, Value) = Http::new(url, Some(&key))
            .post("/tick", &nothing, PATIENCE)
            .await?;
        Ok(asked.0 == 400)
    }
}
