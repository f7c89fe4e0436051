use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{advice, home::Home};

/// The file in the state folder that says what runs.
const FILE: &str = "up.json";

/// What `baton up` tells the other commands while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    /// Where the host listens.
    pub(crate) url: String,
    /// The process.
    pub(crate) pid: u32,
    /// Where the service key lies; none when it was given otherwise.
    pub(crate) key_file: Option<PathBuf>,
    /// Where the webhook secret lies; none when it was given otherwise.
    pub(crate) webhook_file: Option<PathBuf>,
    /// The database, without secrets.
    pub(crate) database: String,
    /// Whether it lies in the private cluster.
    pub(crate) private: bool,
}

impl Announcement {
    /// What runs now, if anything does. A file that cannot be read, or whose process has died, announces nothing.
    pub(crate) fn read(home: &Home) -> Option<Self> {
        let text = std::fs::read_to_string(home.state_file(FILE).ok()?).ok()?;
        let announced: Self = serde_json::from_str(&text).ok()?;
        let pid = rustix::process::Pid::from_raw(announced.pid.try_into().ok()?)?;
        rustix::process::test_kill_process(pid)
            .is_ok()
            .then_some(announced)
    }

    /// Tells the others.
    pub(crate) fn write(&self, home: &Home) -> Result<()> {
        let file = home.state_file(FILE)?;
        let unfinished = file.with_extension(format!("json.new-{}", self.pid));
        let what = || {
            advice::with(
                format!("writing {}", file.display()),
                "check the permissions of the folder",
            )
        };
        let mut options = std::fs::OpenOptions::new();
        let writer = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)
            .map_err(what())?;
        serde_json::to_writer_pretty(writer, self)?;
        std::fs::rename(&unfinished, &file).map_err(what())
    }

    /// Takes it back, unless another process has announced itself since.
    pub(crate) fn withdraw(&self, home: &Home) -> Result<()> {
        if Self::read(home).is_some_and(|it| it.pid == self.pid) {
            std::fs::remove_file(home.state_file(FILE)?)?;
        }
        Ok(())
    }
}
