//! Which user the server runs as.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// A user other than the one running this process.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// The user that Debian, Fedora, Alpine and the official images make for PostgreSQL.
    pub(crate) fn postgres() -> Result<Account, Error> {
        let users =
            std::fs::read_to_string("/etc/passwd").map_err(Error::io("reading /etc/passwd"))?;
        parse_passwd(&users, "postgres").ok_or(Error::NoAccount)
    }

    /// Whether this account can work in `dir`. It is tried, because mode bits alone say nothing about
    /// access lists, mount options and security modules.
    pub(crate) fn reaches(self, dir: &Path) -> bool {
        Command::new("/bin/sh")
            .args(["-c", ":"])
            .current_dir(dir)
            .uid(self.uid)
            .gid(self.gid)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// A command with nothing of the caller's environment (a stray `PGPORT` or `LC_ALL` must not steer the server),
/// as `account` where there is one. Dropping its future kills it.
pub(crate) fn command(
    account: Option<Account>,
    program: impl AsRef<OsStr>,
) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command
        .env_clear()
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

fn parse_passwd(users: &str, name: &str) -> Option<Account> {
    let mut fields = users
        .lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "postgresql:x:1:2::/:/bin/sh\npostgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        let account = parse_passwd(users, "postgres").map(|it| (it.uid, it.gid));
        assert_eq!(account, Some((101, 104)));
        assert!(parse_passwd(users, "post").is_none());
    }
}
