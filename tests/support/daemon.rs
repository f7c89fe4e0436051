//! A server of another project as a child process that ends with the value, or with this process, however that ends.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

/// The shell waits for the server and ends with it; a reader of our end of the pipe, which the kernel closes even when
/// we are killed, ends the server.
const GUARD: &str =
    r#"exec 3<&0; "$@" & server=$!; (cat <&3; kill -KILL $server) >/dev/null 2>&1 & wait $server"#;

/// A folder for the state of servers that root starts as another user.
pub(crate) struct StateDir {
    dir: TempDir,
    owner: Option<(u32, u32)>,
}

impl StateDir {
    /// A new folder below /tmp, of the first of `users` that exists when this process is root's.
    pub(crate) fn new(users: &[&str]) -> anyhow::Result<StateDir> {
        let dir = tempfile::Builder::new()
            .prefix("baton-test-")
            .tempdir_in("/tmp")?;
        let me = std::fs::metadata(dir.path())?.uid();
        let owner = (me == 0).then(|| find_user(users)).transpose()?;
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let state = StateDir { dir, owner };
        state.give(state.path())?;
        Ok(state)
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file that the servers' user owns, and nobody else reads.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        self.give(&path)?;
        Ok(path)
    }

    /// Gives everything in the folder to the servers' user, with access for nobody else.
    pub(crate) fn give_all(&self) -> anyhow::Result<()> {
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                self.give(&path)?;
            }
        }
        Ok(())
    }

    fn give(&self, path: &Path) -> anyhow::Result<()> {
        if let Some((uid, gid)) = self.owner {
            std::os::unix::fs::chown(path, Some(uid), Some(gid))?;
        }
        Ok(())
    }
}

/// One running server.
pub(crate) struct Daemon {
    name: &'static str,
    log: PathBuf,
    guard: Child,
}

impl Daemon {
    /// Starts `program` with its output in `<name>.log` of the state folder.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        args: &[&str],
        state: &StateDir,
    ) -> anyhow::Result<Daemon> {
        let log = state.path().join(format!("{name}.log"));
        let out = std::fs::File::create(&log)?;
        let mut guard = Command::new("/bin/sh");
        guard
            .args(["-c", GUARD, "sh"])
            .arg(program)
            .args(args)
            .current_dir(state.path())
            // A Ctrl-C at the terminal is the test's to handle.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out);
        if let Some((uid, gid)) = state.owner {
            guard.uid(uid).gid(gid);
        }
        let guard = guard.spawn().with_context(|| format!("starting {name}"))?;
        Ok(Daemon { name, log, guard })
    }

    /// Waits until `probe` succeeds; fails with the end of the log when the server ends before, or 20 s pass.
    pub(crate) async fn until_ready(
        &mut self,
        probe: impl AsyncFn() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let Err(error) = probe().await else {
                return Ok(());
            };
            let ended = self.guard.try_wait()?.is_some();
            if ended || tokio::time::Instant::now() > deadline {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(20)..].join("\n");
                bail!(
                    "{} is not ready ({error:#}); its log ends:\n{tail}",
                    self.name
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Closing the pipe ends the server, and the shell with it; nothing can be done about an error here.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The full name of a program, also where an ordinary user's search path leaves out the folders of daemons.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&search_path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not installed; `scripts/setup --tests` installs it"))
}

/// Different free ports on 127.0.0.1, free for UDP, too.
pub(crate) fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let mut taken = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let (tcp, udp) = loop {
            let tcp = std::net::TcpListener::bind("127.0.0.1:0")?;
            if let Ok(udp) = std::net::UdpSocket::bind(tcp.local_addr()?) {
                break (tcp, udp);
            }
        };
        *port = tcp.local_addr()?.port();
        taken.push((tcp, udp));
    }
    Ok(ports)
}

fn find_user(names: &[&str]) -> anyhow::Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    for name in names {
        for line in users.lines() {
            if let [user, _, uid, gid, ..] = line.split(':').collect::<Vec<_>>()[..]
                && user == *name
            {
                return Ok((uid.parse()?, gid.parse()?));
            }
        }
    }
    bail!("none of the users {names:?} exists; `scripts/setup --tests` makes them")
}
