//! One server process: made, joined, started, stopped.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::Error;
use crate::account::command;
use crate::binaries::Binaries;
use crate::place::Place;

/// The cluster's settings. Its port stands here, too, so that it outlives restarts.
const CONF: &str = "baton.conf";
const LOG_TAIL: usize = 2000;
const POLL: Duration = Duration::from_millis(20);

/// Below the ports that Linux gives to outgoing connections, so that none of these takes ours between two starts.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "200"),
    ("shared_buffers", "128MB"),
    ("synchronous_commit", "on"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    // After a crash, every file is synced before recovery begins: one by one takes seconds, at once well under one.
    #[cfg(target_os = "linux")]
    ("recovery_init_sync_method", "syncfs"),
];

pub(crate) struct Server {
    place: Place,
    binaries: Binaries,
    password: String,
    port: u16,
}

/// What the lock file of a data directory says, as far as it is true.
enum Postmaster {
    Absent,
    /// It is alive, on this port once it has got that far.
    Alive(Option<u16>),
}

impl Server {
    /// Finds the cluster in `place`, or makes it.
    pub(crate) async fn open(place: Place, programs: Option<&Path>) -> Result<Server, Error> {
        let binaries = Binaries::find(&place.data(), programs)?;
        if !place.data().exists() {
            initdb(&place, &binaries).await?;
        }
        let password_file = place.password_file();
        let password = std::fs::read_to_string(&password_file)
            .map_err(Error::io(format!("reading {}", password_file.display())))?
            .trim()
            .to_owned();
        let port = read_port(&place.data().join(CONF))?;
        Ok(Server {
            place,
            binaries,
            password,
            port,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.place.log()
    }

    /// Whether a server of this data directory runs and lets us in. One that is starting or shutting down is waited for.
    pub(crate) async fn join(&mut self) -> Result<bool, Error> {
        loop {
            match self.postmaster()? {
                Postmaster::Absent => return Ok(false),
                Postmaster::Alive(Some(port)) if self.answers(port).await => {
                    self.port = port;
                    return Ok(true);
                }
                Postmaster::Alive(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Whether a server of this data directory runs, answering or not.
    pub(crate) fn is_running(&self) -> Result<bool, Error> {
        Ok(matches!(self.postmaster()?, Postmaster::Alive(_)))
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn start(&mut self, settings: &[(String, String)]) -> Result<(), Error> {
        loop {
            if TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).is_err() {
                self.port = free_port()?;
            }
            self.write_conf(settings)?;
            self.forget_stale_postmaster()?;
            let log = self.place.log();
            let old_length = std::fs::metadata(&log).map_or(0, |it| it.len());
            let started = self
                .pg_ctl("start")
                .arg("-l")
                .arg(&log)
                .args(["-w", "-t", "3600"])
                .output()
                .await
                .map_err(Error::io("running pg_ctl"))?;
            if started.status.success() {
                break;
            }
            let said = log_since(&log, old_length);
            // Another program was quicker, or processes of a server that was killed are still on their way out.
            let passing = ["could not bind", "pre-existing shared memory block"];
            if !passing.iter().any(|it| said.contains(it)) {
                return Err(Error::Program {
                    program: "postgres",
                    output: tail(if said.is_empty() {
                        String::from_utf8_lossy(&started.stderr).into_owned()
                    } else {
                        said
                    }),
                });
            }
            tokio::time::sleep(POLL).await;
        }
        while !self.answers(self.port).await {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Stops the server in `mode` of `pg_ctl` and waits for its end.
    pub(crate) async fn stop(&self, mode: &str) -> Result<(), Error> {
        let mut pg_ctl = self.pg_ctl("stop");
        run("pg_ctl stop", pg_ctl.args(["-m", mode, "-w", "-t", "30"])).await
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut pg_ctl = command(self.place.account(), self.binaries.program("pg_ctl"));
        pg_ctl.arg(action).arg("-D").arg(self.place.data());
        pg_ctl
    }

    /// Whether the server on `port` is ours: it takes our password and names our data directory.
    async fn answers(&self, port: u16) -> bool {
        let config = format!(
            "host=127.0.0.1 port={port} user=postgres dbname=postgres password={} connect_timeout=2",
            self.password
        );
        // Whatever goes wrong here means "not yet"; the deadline of the start tells the end.
        let Ok((client, connection)) = tokio_postgres::connect(&config, NoTls).await else {
            return false;
        };
        let connection = tokio::spawn(connection);
        let directory = client
            .query_one("select current_setting('data_directory')", &[])
            .await
            .ok()
            .and_then(|row| row.try_get::<_, String>(0).ok());
        connection.abort();
        directory.is_some_and(|it| Path::new(&it) == self.place.data())
    }

    fn postmaster(&self) -> Result<Postmaster, Error> {
        let data = self.place.data();
        let Some(text) = read_if_present(&data.join("postmaster.pid"))? else {
            return Ok(Postmaster::Absent);
        };
        let mut lines = text.lines();
        let Some(pid) = lines.next().and_then(|line| line.trim().parse().ok()) else {
            return Ok(Postmaster::Absent);
        };
        if !is_postmaster(pid, &data) {
            return Ok(Postmaster::Absent);
        }
        // The fourth line is the port; the server writes it a moment after the first three.
        Ok(Postmaster::Alive(
            lines.nth(2).and_then(|line| line.trim().parse().ok()),
        ))
    }

    /// After a reboot or a kill, the number in the lock file may be another process's now, or a dead one's that nobody
    /// reaps; the server would refuse to start. Its shared memory block still protects data that is in use.
    fn forget_stale_postmaster(&self) -> Result<(), Error> {
        match self.postmaster()? {
            Postmaster::Alive(_) => Ok(()),
            Postmaster::Absent => {
                let file = self.place.data().join("postmaster.pid");
                match std::fs::remove_file(&file) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        Err(Error::io(format!("removing {}", file.display()))(error))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn write_conf(&self, settings: &[(String, String)]) -> Result<(), Error> {
        let own = SETTINGS.iter().copied();
        let given = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        write_conf(&self.place, &self.place.data(), self.port, own.chain(given))
    }
}

async fn initdb(place: &Place, binaries: &Binaries) -> Result<(), Error> {
    let data = place.unfinished_data();
    match std::fs::remove_dir_all(&data) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::io(format!("removing {}", data.display()))(error));
        }
        _ => {}
    }
    let password_file = place.password_file();
    write_private(&password_file, &Uuid::new_v4().simple().to_string())?;
    place.hand_over(&password_file)?;

    let locale = if cfg!(target_os = "linux") {
        "C.UTF-8"
    } else {
        "C"
    };
    let mut initdb = command(place.account(), binaries.program("initdb"));
    initdb
        .arg("--pgdata")
        .arg(&data)
        .arg("--pwfile")
        .arg(&password_file)
        .args([
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
        ])
        .args(["--locale-provider=libc", "--data-checksums"])
        .arg(format!("--locale={locale}"));
    // As above: one call for the file system instead of one for each of a thousand files.
    #[cfg(target_os = "linux")]
    initdb.arg("--no-sync");
    run("initdb", &mut initdb).await?;

    let conf = data.join("postgresql.conf");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&conf)
        .map_err(Error::io(format!("opening {}", conf.display())))?;
    writeln!(file, "include '{CONF}'").map_err(Error::io(format!("writing {}", conf.display())))?;
    write_conf(place, &data, free_port()?, SETTINGS.iter().copied())?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&file)
        .map_err(|error| Error::io("syncing the new data directory")(error.into()))?;
    std::fs::rename(&data, place.data()).map_err(Error::io("naming the new data directory"))
}

fn write_conf<'a>(
    place: &Place,
    data: &Path,
    port: u16,
    settings: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Error> {
    let mut text = format!("# Written at each start.\nport = {port}\n");
    for (name, value) in settings {
        let value = value.replace('\\', "\\\\").replace('\'', "''");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} = '{value}'");
    }
    // Written aside and renamed, because the port must survive a kill in the middle.
    let (new, file) = (data.join("baton.conf.new"), data.join(CONF));
    write_private(&new, &text)?;
    place.hand_over(&new)?;
    std::fs::rename(&new, &file).map_err(Error::io(format!("writing {}", file.display())))
}

fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::io(format!("writing {}", path.display())))
}

/// The port in the settings, or a free one when they do not say.
fn read_port(conf: &Path) -> Result<u16, Error> {
    let text = read_if_present(conf)?.unwrap_or_default();
    let port = text
        .lines()
        .find_map(|line| line.strip_prefix("port = ")?.parse().ok());
    port.map_or_else(free_port, Ok)
}

fn read_if_present(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("reading {}", path.display()))(error)),
    }
}

fn free_port() -> Result<u16, Error> {
    let random = Uuid::new_v4().as_u128();
    let n_ports = PORTS.end - PORTS.start;
    let first = (random % u128::from(n_ports)) as u16;
    (0..n_ports)
        .map(|step| PORTS.start + (first + step) % n_ports)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| Error::io("finding a free port")(ErrorKind::AddrInUse.into()))
}

/// Whether process `pid` is the main process of the server on `data`, and not a stranger with a reused number
/// or a dead process that waits for its parent.
fn is_postmaster(pid: u32, data: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    if let Ok(directory) = std::fs::read_link(process.join("cwd")) {
        return directory == data;
    }
    // The working directory is closed to us in many containers, the status is not.
    match std::fs::read_to_string(process.join("status")) {
        Ok(status) => {
            let zombie = status
                .lines()
                .any(|line| line.starts_with("State:") && line.contains('Z'));
            status.starts_with("Name:\tpostgres\n") && !zombie
        }
        Err(_no_such_process) => !Path::new("/proc/self").exists() && answers_to_signals(pid),
    }
}

/// For systems without `/proc`.
fn answers_to_signals(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

async fn run(program: &'static str, command: &mut Command) -> Result<(), Error> {
    let output = command
        .output()
        .await
        .map_err(Error::io(format!("running {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Program {
        program,
        output: tail(said),
    })
}

fn log_since(log: &Path, old_length: u64) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let start = usize::try_from(old_length).map_or(0, |it| it.min(bytes.len()));
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

fn tail(mut text: String) -> String {
    let start = text.len().saturating_sub(LOG_TAIL);
    text.drain(..text.ceil_char_boundary(start));
    text.trim().to_owned()
}
