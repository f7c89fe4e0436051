//! The application on our own host: the `spin.toml` and the `.wasm` files that users deploy.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use host::{Config, FaultPlan, Running, Stats};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tempfile::TempDir;

use super::db::Db;
use super::http::Http;

/// The key that callers present.
pub(crate) const KEY: &str = "a service key for tests";

/// How a test wants the application.
pub(crate) struct Setup {
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) deadline: Duration,
    pub(crate) faults: Option<FaultPlan>,
    pub(crate) max_connections: usize,
    /// Go through this port instead of straight to PostgreSQL, without named statements.
    pub(crate) bouncer: Option<u16>,
    /// Leave out this text of the manifest.
    pub(crate) without: Option<&'static str>,
    /// The manifest.
    pub(crate) manifest: &'static str,
}

impl Setup {
    /// DNS off: syntax and lists decide.
    pub(crate) fn offline() -> Setup {
        Setup::new(vec![("dns", "off".to_owned())])
    }

    /// DNS by this resolver, in whose zone `test` counts as real.
    pub(crate) fn resolver(url: &str) -> Setup {
        Setup::new(vec![
            ("resolver1", url.to_owned()),
            ("resolver2", url.to_owned()),
        ])
    }

    fn new(mut variables: Vec<(&'static str, String)>) -> Setup {
        variables.push(("allow_reserved", "test".to_owned()));
        Setup {
            variables,
            deadline: Duration::from_secs(30),
            faults: None,
            max_connections: 64,
            bouncer: None,
            without: None,
            manifest: "spin.toml",
        }
    }

    /// An application of its own, with these variables.
    pub(crate) fn of(manifest: &'static str, variables: Vec<(&'static str, String)>) -> Setup {
        Setup {
            variables,
            manifest,
            ..Setup::offline()
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Setup {
        self.variables.push((name, value.into()));
        self
    }
}

/// A running application.
pub(crate) struct App {
    running: Running,
    http: Http,
    logs: TempDir,
}

impl App {
    pub(crate) async fn start(db: &Db, setup: Setup) -> anyhow::Result<App> {
        let logs = tempfile::tempdir()?;
        let manifest = match setup.without {
            None => super::home().join(setup.manifest),
            Some(text) => manifest_without(text, logs.path())?,
        };
        let text = std::fs::read_to_string(&manifest)?;
        let mut config = Config::new(manifest, ([127, 0, 0, 1], 0).into());
        config.log_dir = Some(logs.path().to_owned());
        config.cache_dir = Some(std::path::absolute(
            super::home().join("target/test-cache"),
        )?);
        config.request_deadline = setup.deadline;
        config.faults = setup.faults;
        config.max_connections = setup.max_connections;
        config.prepared_statements = setup.bouncer.is_none();
        config.tidy_schema = Some("baton_api".to_owned());
        let port = setup.bouncer.unwrap_or(db.port);
        let database = [
            ("service_key", KEY.to_owned()),
            ("pg_port", port.to_string()),
            ("pg_database", db.name.clone()),
        ];
        // An application has some of Baton's components.
        let logins = db.login_variables().await?.into_iter();
        let logins = logins.filter(|(name, _)| text.contains(&format!("\n{name} =")));
        config.variables.extend(logins);
        for (name, value) in database.into_iter().chain(setup.variables) {
            config.variables.insert(name.to_owned(), value);
        }
        let running = host::start(config)
            .await
            .context("run scripts/build-components first")?;
        Ok(App {
            running,
            http: Http::new(),
            logs,
        })
    }

    /// Posts with the right key; the answer is its status and JSON body.
    pub(crate) async fn post(&self, path: &str, body: &str) -> anyhow::Result<(u16, Value)> {
        self.post_as(&format!("Bearer {KEY}"), path, body).await
    }

    pub(crate) async fn post_as(
        &self,
        authorization: &str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<(u16, Value)> {
        self.send("POST", path, authorization, body).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
        body: &str,
    ) -> anyhow::Result<(u16, Value)> {
        let url = format!("http://{}{path}", self.running.local_addr());
        self.http.send(method, &url, authorization, body).await
    }

    /// Asks for one slice of validation.
    pub(crate) async fn validate(&self) -> anyhow::Result<(u16, Value)> {
        self.post("/jobs/validate-contacts", "").await
    }

    /// Asks for one call of chunk processing.
    pub(crate) async fn process(&self) -> anyhow::Result<(u16, Value)> {
        self.post("/jobs/process-chunks", "").await
    }

    /// Asks for one batch of reminders, as a person does.
    pub(crate) async fn remind(&self) -> anyhow::Result<(u16, Value)> {
        self.post("/jobs/follow-up-reminders", "").await
    }

    /// Asks for one run of the queue of auto-syncs.
    pub(crate) async fn work_auto_syncs(&self) -> anyhow::Result<(u16, Value)> {
        self.post("/jobs/auto-sync-jobs", "").await
    }

    /// Posts with these headers and no key.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<(u16, Value)> {
        self.send_with("POST", path, headers, body).await
    }

    /// The same by any method.
    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<(u16, Value)> {
        let url = format!("http://{}{path}", self.running.local_addr());
        send_with(method, &url, headers, body).await
    }

    pub(crate) async fn tick(&self) -> anyhow::Result<(u16, Value)> {
        self.post("/tick", "").await
    }

    pub(crate) fn stats(&self) -> Stats {
        self.running.stats()
    }

    /// What a component has logged.
    pub(crate) fn log(&self, component: &str) -> String {
        std::fs::read_to_string(self.logs.path().join(format!("{component}.log")))
            .unwrap_or_default()
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }

    /// Stops, and returns the folder of logs.
    pub(crate) async fn stop_and_keep_logs(self) -> TempDir {
        self.running.stop().await;
        self.logs
    }
}

/// Posts with these headers, on a connection of its own; the answer is its status and JSON body.
pub(crate) async fn post_with(
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> anyhow::Result<(u16, Value)> {
    send_with("POST", url, headers, body).await
}

async fn send_with(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> anyhow::Result<(u16, Value)> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client
        .request(request.body(Full::<Bytes>::from(body.to_owned()))?)
        .await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// A copy of the manifest in `folder` that finds the same components.
fn manifest_without(text: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let home = std::fs::canonicalize(super::home())?;
    let manifest = std::fs::read_to_string(home.join("spin.toml"))?;
    anyhow::ensure!(manifest.contains(text), "the manifest has no {text}");
    let target = home.join("target").display().to_string();
    let manifest = manifest
        .replace(text, "")
        .replace("source = \"target", &format!("source = \"{target}"));
    let copy = folder.join("spin.toml");
    std::fs::write(&copy, manifest)?;
    Ok(copy)
}
