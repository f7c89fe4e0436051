use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use stack::{database::Address, home::Home};
use terminal::advice;
use tokio::process::Command;
use tokio_postgres::Config;
use url::Url;

/// How fast another queue drained jobs that do nothing, at one of its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Peer {
    pub(super) peer: String,
    pub(super) version: String,
    pub(super) setting: String,
    /// Whether it takes or completes several jobs by one statement.
    pub(super) batched: bool,
    pub(super) jobs: u32,
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    pub(super) wal_bytes_per_job: f64,
    pub(super) commits_per_job: f64,
}

/// Fails where the other queues cannot be measured from.
pub(super) fn check(home: &Home) -> Result<()> {
    if script(home).is_file() {
        return Ok(());
    }
    Err(advice::error(
        format!("there is no {}", script(home).display()),
        "measure other queues from a checkout of the sources",
    ))
}

/// Measures the other queues on a server.
pub(super) async fn run(home: &Home, server: &Address, jobs: u32) -> Result<Vec<Peer>> {
    let process = Command::new(script(home))
        .arg(jobs.to_string())
        // In the environment, because arguments are visible to everybody.
        .env("DATABASE_URL", connection_url(server.secret_string())?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting bench/peers/run")?;
    let output = process
        .wait_with_output()
        .await
        .context("waiting for bench/peers/run")?;
    ensure!(
        output.status.success(),
        "bench/peers/run ended with {}",
        output.status
    );
    let text = String::from_utf8(output.stdout).context("reading what bench/peers/run says")?;
    text.lines()
        .map(|it| serde_json::from_str(it).context("reading what bench/peers/run says"))
        .collect()
}

fn script(home: &Home) -> PathBuf {
    home.root().join("bench/peers/run")
}

/// The same connection as a URL, which is what the libraries of other queues take.
fn connection_url(pairs: &str) -> Result<String> {
    let config: Config = pairs.parse()?;
    let host = match config.get_hosts() {
        [tokio_postgres::config::Host::Tcp(name), ..] => name.clone(),
        _ => config
            .get_hostaddrs()
            .first()
            .map(ToString::to_string)
            .context("other queues reach PostgreSQL by TCP only")?,
    };
    let mut url = Url::parse("postgres://host/")?;
    // Brackets tell an IPv6 address from a name with a port.
    let bracketed = host.contains(':').then(|| format!("[{host}]"));
    url.set_host(Some(bracketed.as_deref().unwrap_or(&host)))?;
    let refused = || anyhow::anyhow!("the address of the database does not fit into a URL");
    url.set_port(config.get_ports().first().copied())
        .map_err(|()| refused())?;
    url.set_username(config.get_user().unwrap_or("postgres"))
        .map_err(|()| refused())?;
    let password = config.get_password().map(String::from_utf8_lossy);
    url.set_password(password.as_deref())
        .map_err(|()| refused())?;
    url.set_path(config.get_dbname().unwrap_or("postgres"));
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_told_as_a_url() {
        let check = |pairs, expected: &str| {
            let url = connection_url(pairs).ok();
            assert_eq!(url.as_deref(), Some(expected));
        };
        check(
            "host='127.0.0.1' port='5433' dbname='baton' user='postgres' password='a/b@c:d'",
            "postgres://postgres:a%2Fb%40c%3Ad@127.0.0.1:5433/baton",
        );
        check(
            "host='db.example' dbname='x' user='me'",
            "postgres://me@db.example/x",
        );
        check(
            "hostaddr='::1' port='5433' dbname='x' user='me'",
            "postgres://me@[::1]:5433/x",
        );
        assert!(connection_url("host='/run/postgresql' user='me'").is_err());
    }
}
