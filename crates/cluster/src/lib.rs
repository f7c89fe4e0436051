//! A private PostgreSQL cluster, made from the binaries that the machine has installed.
//!
//! It knows nothing about Baton's schema and never changes a server it did not make; it listens on 127.0.0.1 alone.
//! It never deletes data: a cluster that cannot be used is an error that says so.
//!
//! The one entry point is [`Cluster::start`].

mod account;
mod binaries;
mod error;
mod place;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::Error;
use place::Place;
use server::Server;

/// How a cluster is started.
pub struct Options {
    /// Server settings by name, on top of the cluster's own. They take effect when this call starts the server,
    /// not when it joins one that runs already.
    pub settings: Vec<(String, String)>,
    /// The folder of `initdb`, `pg_ctl` and `postgres`; without it, the installed PostgreSQL is found. The user that the
    /// server runs as must reach it.
    pub programs: Option<PathBuf>,
    /// How long the start may take in all, `initdb` and crash recovery included.
    pub deadline: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            settings: Vec::new(),
            programs: None,
            deadline: Duration::from_secs(60),
        }
    }
}

/// A running private cluster.
///
/// Dropping it, or a hard kill of this process, leaves the server running; the next [`Cluster::start`] joins it.
pub struct Cluster {
    server: Server,
    options: Options,
    joined: bool,
}

impl Cluster {
    /// Starts the cluster in `dir`, making it first where there is none, or joins it when it runs already.
    ///
    /// Two starts at once are safe: a lock beside `dir` (`<dir>.lock`) makes one wait for the other, and join.
    /// Started by root, the server runs as the owner of an existing `dir`, else as user `postgres`, because PostgreSQL
    /// refuses root. Where that user cannot reach `dir`, the cluster lies in `/var/lib/baton/<hash of dir>` and `dir`
    /// is a symbolic link to it; removing the link removes no data.
    ///
    /// # Errors
    /// [`Error::NoPostgres`] with the command that installs it, and what else [`Error`] lists.
    pub async fn start(dir: &Path, options: Options) -> Result<Cluster, Error> {
        let deadline = options.deadline;
        let place = Place::open(dir)?;
        let log = place.log();
        match tokio::time::timeout(deadline, Cluster::start_in(place, options)).await {
            Ok(started) => started,
            Err(_elapsed) => Err(Error::Unresponsive {
                seconds: deadline.as_secs(),
                log,
            }),
        }
    }

    async fn start_in(place: Place, options: Options) -> Result<Cluster, Error> {
        let _lock = place.lock().await?;
        let mut server = Server::open(place, options.programs.as_deref()).await?;
        let joined = server.join().await?;
        if !joined {
            server.start(&options.settings).await?;
        }
        Ok(Cluster {
            server,
            options,
            joined,
        })
    }

    /// The URL of `database` for the superuser `postgres`, password included. `database` is a plain identifier.
    pub fn owner_url(&self, database: &str) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/{database}?sslmode=disable",
            self.server.password(),
            self.server.port()
        )
    }

    /// The port on 127.0.0.1. It stays the same over restarts unless another program takes it meanwhile.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Whether the server ran already when this value was made.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// The server's log, which grows without rotation.
    pub fn log(&self) -> PathBuf {
        self.server.log()
    }

    /// Whether the server's main process is alive; one that is starting or does not answer is.
    ///
    /// # Errors
    /// [`Error::Io`] when the lock file cannot be read.
    pub fn is_running(&self) -> Result<bool, Error> {
        self.server.is_running()
    }

    /// Shuts the server down, also one that was joined, breaking its connections.
    ///
    /// # Errors
    /// [`Error::Program`] when the server does not end within 30 s.
    pub async fn stop(self) -> Result<(), Error> {
        if !self.is_running()? {
            return Ok(());
        }
        self.server.stop("fast").await
    }

    /// Ends the server at once without a checkpoint, as a crash would, whoever started it.
    ///
    /// # Errors
    /// [`Error::Program`] when the server is not running or does not end within 30 s.
    pub async fn kill_immediate(&self) -> Result<(), Error> {
        self.server.stop("immediate").await
    }

    /// Starts the server again after [`Cluster::kill_immediate`] or a crash, with the options of the first start.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn restart(&mut self) -> Result<(), Error> {
        let deadline = self.options.deadline;
        let log = self.server.log();
        let start = async {
            if self.server.join().await? {
                return Ok(());
            }
            self.server.start(&self.options.settings).await
        };
        match tokio::time::timeout(deadline, start).await {
            Ok(started) => started,
            Err(_elapsed) => Err(Error::Unresponsive {
                seconds: deadline.as_secs(),
                log,
            }),
        }
    }
}
