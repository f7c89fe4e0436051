use std::path::PathBuf;

/// Why there is no running cluster, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL 15 or later is not installed.
    #[error("no PostgreSQL 15 or later found; install it with: {install}")]
    NoPostgres {
        /// The command for this system.
        install: String,
    },
    /// The named folder lacks the programs.
    #[error("{} has no programs of PostgreSQL 15 or later", dir.display())]
    NoPrograms {
        /// The folder.
        dir: PathBuf,
    },
    /// The cluster was made by another major version than the ones installed, or than the one in the named folder.
    #[error(
        "the cluster in {} was made by PostgreSQL {made_by}, which is not installed here",
        data.display()
    )]
    OtherVersion {
        /// The data directory.
        data: PathBuf,
        /// The major version that it needs.
        made_by: u32,
    },
    /// The cluster belongs to another user of this machine.
    #[error("{} belongs to user id {uid}; start as that user or as root", path.display())]
    NotYours {
        /// The cluster's directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Root started it, and there is no user to run the server as.
    #[error("PostgreSQL refuses to run as root, and this machine has no user \"postgres\"")]
    NoAccount,
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it said, or the end of the server's log.
        output: String,
    },
    /// The server took longer than the deadline of the start. It may still come up; a later start joins it.
    #[error("PostgreSQL was not ready after {seconds} s; its log is {}", log.display())]
    Unresponsive {
        /// The deadline.
        seconds: u64,
        /// The server's log.
        log: PathBuf,
    },
    /// The file system or the operating system refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: says what was tried when an I/O error came back.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}
