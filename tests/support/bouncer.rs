//! PgBouncer in transaction mode before a PostgreSQL server on 127.0.0.1.

use std::fmt::Write as _;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::daemon::{Daemon, StateDir, free_ports, program};

/// A running pooler; dropping it ends it.
pub(crate) struct Bouncer {
    port: u16,
    // Dropped in this order: the server first, then its state.
    _pgbouncer: Daemon,
    _state: StateDir,
}

impl Bouncer {
    /// Starts a pooler before the server on `pg_port`.
    ///
    /// `users` are names and plain passwords: PgBouncer asks clients for them and logs in to the server with them.
    /// `pool_size` is the number of server connections for each user and database.
    pub(crate) async fn start(
        pg_port: u16,
        users: &[(String, &str)],
        pool_size: u16,
    ) -> anyhow::Result<Bouncer> {
        let state = StateDir::new(&["postgres", "nobody"])?;
        let [port] = free_ports()?;
        let mut list = String::new();
        for (user, password) in users {
            // Writing to a string cannot fail.
            let _ = writeln!(list, "{} {}", quoted(user), quoted(password));
        }
        let list = state.write("users.txt", &list)?;
        let conf = format!(
            "[databases]\n\
             * = host=127.0.0.1 port={pg_port}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = scram-sha-256\n\
             auth_file = {}\n\
             pool_mode = transaction\n\
             default_pool_size = {pool_size}\n\
             max_client_conn = 400\n\
             query_wait_timeout = 20\n\
             ; Sent by drivers at the start; PgBouncer refuses what it does not know.\n\
             ignore_startup_parameters = extra_float_digits,options\n",
            list.display()
        );
        let conf = state.write("pgbouncer.ini", &conf)?;
        let mut pgbouncer = Daemon::start(
            "pgbouncer",
            &program("pgbouncer")?,
            &[conf.to_str().context("a path that is not UTF-8")?],
            &state,
        )?;
        pgbouncer.until_ready(async || probe(port).await).await?;
        Ok(Bouncer {
            port,
            _pgbouncer: pgbouncer,
            _state: state,
        })
    }

    /// Its port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// A quotation mark is doubled in PgBouncer's list of users.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Sends an SSLRequest, which every server of the protocol answers with one letter before any login.
async fn probe(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream
        .write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
        .await?;
    let letter = stream.read_u8().await?;
    anyhow::ensure!(
        matches!(letter, b'N' | b'S'),
        "an answer of another protocol"
    );
    Ok(())
}
