//! The command line as users run it, in a home of the test's own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::db::Db;
use super::http::Http;

/// A folder with the project's manifest and components, and its own `.baton/`; compiled components are shared.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> anyhow::Result<Home> {
        let dir = tempfile::tempdir()?;
        let project = std::fs::canonicalize(super::home())?;
        for name in ["spin.toml", "target"] {
            std::os::unix::fs::symlink(project.join(name), dir.path().join(name))?;
        }
        let cache = project.join("target/test-cache");
        std::fs::create_dir_all(&cache)?;
        std::fs::create_dir(dir.path().join(".baton"))?;
        std::os::unix::fs::symlink(cache, dir.path().join(".baton/cache"))?;
        Ok(Home(dir))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// `baton ARGS` on this database.
    pub(crate) fn command(&self, db: &Db, args: &[&str]) -> anyhow::Result<Command> {
        let program = super::home().join("target/debug/baton");
        anyhow::ensure!(
            program.exists(),
            "{} is missing; cargo build -p baton-cli makes it",
            program.display()
        );
        let mut command = Command::new(std::fs::canonicalize(program)?);
        command
            .args(args)
            .current_dir(self.path())
            .env("BATON_HOME", self.path())
            .env("DATABASE_URL", &db.url)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// What `baton --json ARGS` prints, which must succeed.
    pub(crate) async fn shown(&self, db: &Db, args: &[&str]) -> anyhow::Result<serde_json::Value> {
        let (code, out, err) = self.run(db, &[&["--json"], args].concat()).await?;
        anyhow::ensure!(code == 0, "{args:?}: {err}");
        Ok(serde_json::from_str(&out)?)
    }

    /// Runs `baton ARGS` to its end: exit code, standard output, standard error.
    pub(crate) async fn run(
        &self,
        db: &Db,
        args: &[&str],
    ) -> anyhow::Result<(i32, String, String)> {
        let out = self.command(db, args)?.output().await?;
        let text = |it: Vec<u8>| String::from_utf8_lossy(&it).into_owned();
        Ok((
            out.status.code().unwrap_or(-1),
            text(out.stdout),
            text(out.stderr),
        ))
    }

    /// Starts `baton up` on a free port, without ticks of its own and wakes only if asked; returns when it serves.
    pub(crate) async fn up(&self, db: &Db, args: &[&str]) -> anyhow::Result<Up> {
        self.up_ticking(db, &[&["--no-tick"], args].concat()).await
    }

    /// Like [`Home::up`], with ticks of its own.
    pub(crate) async fn up_ticking(&self, db: &Db, args: &[&str]) -> anyhow::Result<Up> {
        self.up_at("127.0.0.1:0", db, args).await
    }

    /// The same at this address.
    pub(crate) async fn up_at(&self, listen: &str, db: &Db, args: &[&str]) -> anyhow::Result<Up> {
        let args = [&["--json", "up", "--listen", listen], args].concat();
        self.started(self.command(db, &args)?).await
    }

    /// `baton up` on a free port with the private cluster of this folder. The cluster's user has to reach it.
    pub(crate) async fn up_private(&self, db: &Db) -> anyhow::Result<Up> {
        let args = ["--json", "up", "--listen", "127.0.0.1:0", "--no-tick"];
        self.started(self.command_private(db, &args)?).await
    }

    /// `baton ARGS` with the private cluster of this folder.
    pub(crate) fn command_private(&self, db: &Db, args: &[&str]) -> anyhow::Result<Command> {
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(), open)?;
        let mut command = self.command(db, args)?;
        command.env_remove("DATABASE_URL");
        Ok(command)
    }

    /// Whether the private cluster runs.
    pub(crate) fn has_postgres(&self) -> bool {
        self.path()
            .join(".baton/postgres/data/postmaster.pid")
            .exists()
    }

    async fn started(&self, command: Command) -> anyhow::Result<Up> {
        let running = Running::start(command).await?;
        let url = running.shown["url"]
            .as_str()
            .context("the URL is shown")?
            .to_owned();
        let key = std::fs::read_to_string(self.path().join(".baton/service-key"))?
            .trim()
            .to_owned();
        Ok(Up {
            running,
            url,
            key,
            http: Http::new(),
        })
    }
}

/// A command that goes on until it is ended, with this value at the latest.
pub(crate) struct Running {
    child: Child,
    /// The document on its standard output.
    shown: Value,
}

impl Running {
    /// Starts a command, which has to be one with `--json`; returns when its document is complete.
    pub(crate) async fn start(mut command: Command) -> anyhow::Result<Running> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut lines =
            BufReader::new(child.stdout.take().context("standard output is piped")?).lines();
        let mut text = String::new();
        let shown: Value = loop {
            let line = lines
                .next_line()
                .await?
                .with_context(|| format!("the command ended: {text}"))?;
            text.push_str(&line);
            if let Ok(it) = serde_json::from_str(&text) {
                break it;
            }
        };
        Ok(Running { child, shown })
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Ctrl-C; the exit code.
    pub(crate) async fn interrupt(self) -> anyhow::Result<Option<i32>> {
        self.signal("-INT").await
    }

    async fn signal(mut self, signal: &str) -> anyhow::Result<Option<i32>> {
        let pid = self.child.id().context("it is running")?;
        let sent = Command::new("kill")
            .args([signal, &pid.to_string()])
            .status()
            .await?;
        anyhow::ensure!(sent.success(), "kill {signal} works");
        Ok(self.child.wait().await?.code())
    }
}

/// A running `baton up`.
pub(crate) struct Up {
    running: Running,
    pub(crate) url: String,
    key: String,
    http: Http,
}

impl Up {
    pub(crate) async fn post(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        self.http
            .send(
                "POST",
                &format!("{}{path}", self.url),
                &format!("Bearer {}", self.key),
                "",
            )
            .await
    }

    /// `kill -9`.
    pub(crate) async fn kill(self) -> anyhow::Result<()> {
        self.running.kill().await
    }

    /// Ctrl-C; the exit code.
    pub(crate) async fn interrupt(self) -> anyhow::Result<Option<i32>> {
        self.running.interrupt().await
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.running.child.id()
    }

    /// A polite kill; the exit code.
    pub(crate) async fn terminate(self) -> anyhow::Result<Option<i32>> {
        self.running.signal("-TERM").await
    }

    /// The end of its terminal; the exit code.
    pub(crate) async fn hang_up(self) -> anyhow::Result<Option<i32>> {
        self.running.signal("-HUP").await
    }
}
