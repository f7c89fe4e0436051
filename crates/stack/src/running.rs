use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use terminal::advice;

use crate::{home::Home, lock::Lock};

/// The file in the state folder that says what runs.
const FILE: &str = "up.json";
/// The file that a running host has locked.
const LOCK: &str = "up.lock";

/// The one host of a folder; dropping it, or the end of the process, lets another one start.
pub struct OnlyHost {
    _lock: Lock,
}

impl OnlyHost {
    /// Fails when another host of this folder runs.
    pub async fn claim(home: &Home) -> Result<Self> {
        if let Some(lock) = Lock::alone(home.state_file(LOCK)?).await? {
            // A host that was killed left it.
            match std::fs::remove_file(home.state_file(FILE)?) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => return Ok(Self { _lock: lock }),
            }
        }
        let (who, stop) = match Announcement::read(home) {
            Some(it) => (
                format!("{}, process {}, database {}", it.url, it.pid, it.database),
                format!("Ctrl-C there, or `kill {}`", it.pid),
            ),
            None => ("it is starting".to_owned(), "Ctrl-C there".to_owned()),
        };
        let root = home.root().display();
        Err(advice::error(
            format!("a host of the folder {root} runs already: {who}"),
            format!(
                "stop it ({stop}), or give this one a folder of its own: \
                 mkdir FOLDER && ln -s {root}/spin.toml {root}/target FOLDER/ && baton --home FOLDER up"
            ),
        ))
    }
}

/// What `baton up` tells the other commands while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Where the host listens.
    pub url: String,
    /// The process.
    pub pid: u32,
    /// Where the service key lies; none when it was given otherwise.
    pub key_file: Option<PathBuf>,
    /// Where the webhook secret lies; none when it was given otherwise.
    pub webhook_file: Option<PathBuf>,
    /// The database, without secrets.
    pub database: String,
    /// Whether it lies in the private cluster.
    pub private: bool,
    /// The DNS-over-HTTPS resolvers that it asks; none where DNS is off.
    #[serde(default)]
    pub resolvers: Vec<String>,
}

impl Announcement {
    /// What runs now, if anything does. A file that cannot be read, or whose process has died, announces nothing.
    pub fn read(home: &Home) -> Option<Self> {
        if !Lock::is_held(&home.state().join(LOCK)) {
            return None;
        }
        let text = std::fs::read_to_string(home.state().join(FILE)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Tells the others.
    pub fn write(&self, home: &Home) -> Result<()> {
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

    /// Takes it back; for the one host of the folder.
    pub fn withdraw(home: &Home) -> Result<()> {
        Ok(std::fs::remove_file(home.state_file(FILE)?)?)
    }
}
