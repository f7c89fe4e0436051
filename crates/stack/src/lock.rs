use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use terminal::advice;

/// How often a lock is tried that another process has.
const POLL: Duration = Duration::from_millis(50);

/// A lock of the operating system on a file, which ends with this process, however that ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// For this process alone; none when another has it for longer than readers look.
    pub async fn alone(path: PathBuf) -> Result<Option<Self>> {
        let lock = Self::open(path)?;
        for _ in 0..20 {
            if lock.taken(File::try_lock)? {
                return Ok(Some(lock));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(None)
    }

    /// Beside others who share it; one that has it alone is waited for.
    pub async fn shared(path: PathBuf) -> Result<Self> {
        let lock = Self::open(path)?;
        while !lock.taken(File::try_lock_shared)? {
            tokio::time::sleep(POLL).await;
        }
        Ok(lock)
    }

    /// Whether no other process shares it any more: then this one has it alone, until the value is dropped.
    pub fn is_last(&self) -> Result<bool> {
        self.taken(File::try_lock)
    }

    /// Whether a process has this lock alone.
    pub fn is_held(path: &Path) -> bool {
        // What cannot be opened was never locked by a process that may be asked.
        File::open(path)
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn open(path: PathBuf) -> Result<Self> {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).mode(0o600);
        let file = options.open(&path).map_err(failed(&path))?;
        Ok(Self { file, path })
    }

    fn taken(
        &self,
        take: impl FnOnce(&File) -> std::result::Result<(), TryLockError>,
    ) -> Result<bool> {
        match take(&self.file) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(failed(&self.path)(error)),
        }
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> anyhow::Error {
    advice::with(
        format!("locking {}", path.display()),
        "check the permissions of the folder, and that its file system has locks",
    )
}
