//! Where a cluster lies, who owns it, and who may start it now.

use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::account::Account;

/// Where clusters lie that root starts from a folder of its own.
const SHARED_STATE: &str = "/var/lib/baton";

/// The folder of one cluster, which exists and belongs to the user that the server runs as.
pub(crate) struct Place {
    home: PathBuf,
    lock: PathBuf,
    account: Option<Account>,
}

impl Place {
    /// Makes the folder if it is absent, and decides who the server runs as.
    pub(crate) fn open(dir: &Path) -> Result<Place, Error> {
        let dir = absolute(dir)?;
        let lock = {
            let mut name = dir.clone().into_os_string();
            name.push(".lock");
            PathBuf::from(name)
        };
        let me = rustix::process::geteuid().as_raw();
        let home = match std::fs::read_link(&dir) {
            Ok(target) => target,
            Err(_not_a_link) => dir.clone(),
        };
        let owner = match std::fs::metadata(&home) {
            Ok(metadata) => Some((metadata.uid(), metadata.gid())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io(format!("reading {}", home.display()))(error)),
        };
        match owner {
            Some((uid, _)) if uid == me && me != 0 => Ok(Place::new(home, lock, None)),
            Some((uid, _)) if me != 0 => Err(Error::NotYours { path: home, uid }),
            Some((uid, gid)) if uid != 0 => Ok(Place::new(home, lock, Some(Account { uid, gid }))),
            None if me != 0 => {
                make(&home, None)?;
                Ok(Place::new(home, lock, None))
            }
            Some(_) | None => {
                let account = Account::postgres()?;
                let home = if reachable(&home, account)? {
                    home
                } else {
                    move_out(&dir)?
                };
                make(&home, Some(account))?;
                Ok(Place::new(home, lock, Some(account)))
            }
        }
    }

    fn new(home: PathBuf, lock: PathBuf, account: Option<Account>) -> Place {
        Place {
            home,
            lock,
            account,
        }
    }

    /// Waits until no other process starts this cluster; the lock is given up when the file is dropped or the process dies.
    pub(crate) async fn lock(&self) -> Result<File, Error> {
        let what = || format!("locking {}", self.lock.display());
        let file = File::create(&self.lock).map_err(Error::io(what()))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(TryLockError::Error(error)) => return Err(Error::io(what())(error)),
            }
        }
    }

    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Where `initdb` works, so that a data directory is either whole or absent.
    pub(crate) fn unfinished_data(&self) -> PathBuf {
        self.home.join("data.unfinished")
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        self.home.join("password")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    /// Gives a file that this process wrote to the server's user.
    pub(crate) fn hand_over(&self, file: &Path) -> Result<(), Error> {
        give(file, self.account)
    }
}

/// The path without symbolic links in its parents, which are made as needed.
fn absolute(dir: &Path) -> Result<PathBuf, Error> {
    let what = || format!("making {}", dir.display());
    let dir = std::path::absolute(dir).map_err(Error::io(what()))?;
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
        return Err(Error::io(what())(ErrorKind::InvalidInput.into()));
    };
    std::fs::create_dir_all(parent).map_err(Error::io(what()))?;
    let parent = parent.canonicalize().map_err(Error::io(what()))?;
    Ok(parent.join(name))
}

fn reachable(home: &Path, account: Account) -> Result<bool, Error> {
    if home.starts_with(SHARED_STATE) {
        make_shared_state()?;
    }
    Ok(home.parent().is_some_and(|parent| account.reaches(parent)))
}

fn make_shared_state() -> Result<(), Error> {
    let what = format!("making {SHARED_STATE}");
    std::fs::create_dir_all(SHARED_STATE).map_err(Error::io(what.as_str()))?;
    // Root's umask may be narrower than what the server's user needs.
    std::fs::set_permissions(SHARED_STATE, Permissions::from_mode(0o755)).map_err(Error::io(what))
}

/// Chooses a folder outside root's own tree and makes `dir` a link to it.
fn move_out(dir: &Path) -> Result<PathBuf, Error> {
    let home = Path::new(SHARED_STATE).join(format!("{:016x}", fnv1a(dir)));
    let what = || format!("linking {} to {}", dir.display(), home.display());
    make_shared_state()?;
    match std::fs::remove_dir(dir) {
        // An empty folder of root's may be in the way; one with content is not ours to remove.
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(what())(error)),
    }
    std::os::unix::fs::symlink(&home, dir).map_err(Error::io(what()))?;
    Ok(home)
}

fn make(home: &Path, account: Option<Account>) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .map_err(Error::io(format!("making {}", home.display())))?;
    give(home, account)
}

fn give(path: &Path, account: Option<Account>) -> Result<(), Error> {
    let Some(account) = account else {
        return Ok(());
    };
    std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid)).map_err(Error::io(
        format!("giving {} to PostgreSQL", path.display()),
    ))
}

/// FNV-1a, 64 bits: the name must be the same in every release, which the standard hashers do not promise.
fn fnv1a(path: &Path) -> u64 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_outside_roots_tree_keeps_its_name_over_releases() {
        assert_eq!(fnv1a(Path::new("")), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(Path::new("a")), 0xaf63_dc4c_8601_ec8c);
    }
}
