//! What can go wrong before requests are served.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the host did not start, or a database could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifest or the given variables need a correction.
    #[error("{path}: {message}", path = .path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, with the name of the key, variable or component.
        message: String,
    },
    /// A component is missing, is not a component, or imports what this host does not have.
    #[error("component {component}: {message}")]
    Component {
        /// The component's name in the manifest.
        component: String,
        /// What is wrong, with the name of the import if it is one.
        message: String,
    },
    /// The WebAssembly engine or its cache could not be set up.
    #[error("setting up the engine: {0}")]
    Engine(String),
    /// The address is taken or not ours to listen on.
    #[error("listening on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The log directory cannot be written.
    #[error("log file {path}: {source}", path = .path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The database's address is malformed, or the database refused the connection.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// The server accepted a connection and then said nothing, or nothing is there that answers.
    #[error("PostgreSQL: no answer within {} s", .0.as_secs())]
    NoSession(std::time::Duration),
    /// The text of a certificate authority is not usable.
    #[error("certificate: {0}")]
    Certificate(String),
}
