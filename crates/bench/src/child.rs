use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use driver::http::Http;
use serde_json::Value;
use stack::{database::Address, home::Home};
use terminal::advice;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// How long a host may take to start; the first one compiles the components.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// `baton up` as a process of its own, so that it can be measured and killed. Dropping it kills it.
pub(super) struct Child {
    process: tokio::process::Child,
    url: String,
}

impl Child {
    /// Starts it for a database, and returns when it serves.
    pub(super) async fn start(home: &Home, database: &Address, arguments: &[&str]) -> Result<Self> {
        let this = std::env::current_exe().context("finding this program")?;
        let program = this.with_file_name("baton");
        let mut process = Command::new(&program)
            .args(["--json", "up", "--listen", "127.0.0.1:0", "--unannounced"])
            .args(arguments)
            // In the environment, because arguments are visible to everybody.
            .env("DATABASE_URL", database.environment())
            .env("BATON_HOME", home.root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(advice::with(
                format!("starting {}", program.display()),
                "build the command line beside this program: cargo build -p baton-cli",
            ))?;
        let stdout = process
            .stdout
            .take()
            .context("reading what the host says")?;
        let reading = async {
            let mut lines = BufReader::new(stdout).lines();
            let mut document = String::new();
            while let Some(line) = lines.next_line().await? {
                document.push_str(&line);
                if line == "}" {
                    break;
                }
            }
            anyhow::Ok(document)
        };
        let document = tokio::time::timeout(STARTS_WITHIN, reading)
            .await
            .context("waiting for the host")??;
        let said: Value = serde_json::from_str(&document).map_err(advice::with(
            "starting a host for the measurement",
            "try `baton up`, which says more",
        ))?;
        let url = said["url"]
            .as_str()
            .context("reading where the host listens")?
            .to_owned();
        Ok(Self { process, url })
    }

    pub(super) fn http(&self, home: &Home) -> Result<Http> {
        Ok(Http::new(&self.url, Some(&stack::key::service_key(home)?)))
    }

    /// Its process, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends it as a crash would.
    pub(super) async fn kill(mut self) -> Result<()> {
        self.process.kill().await.context("killing the host")
    }

    /// A size from its status, in MiB: `VmRSS` for now, `VmHWM` for the most so far. None where there is no procfs.
    pub(super) fn memory(&self, name: &str) -> Result<Option<f64>> {
        let Some(pid) = self.process.id() else {
            return Ok(None);
        };
        let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else {
            return Ok(None);
        };
        let line = status
            .lines()
            .find_map(|it| it.strip_prefix(name)?.strip_prefix(':'));
        let kib: Option<f64> =
            line.and_then(|it| it.trim().strip_suffix(" kB")?.trim().parse().ok());
        Ok(kib.map(|it| it / 1024.0))
    }
}
