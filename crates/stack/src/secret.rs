use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use tempfile::NamedTempFile;
use terminal::advice;

/// Bytes of randomness in a generated secret.
const STRENGTH: usize = 32;

/// The secret in `file`; when there is none, that of `generator`, written with mode 0600.
/// Two processes that do so at once end up with the same one.
pub fn kept_in(file: &Path, generator: impl FnOnce() -> Result<String>) -> Result<String> {
    match read(file) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            write(file, &generator()?).map_err(unwritable(file))?;
            read(file).map_err(unreadable(file))
        }
        Err(error) => Err(unreadable(file)(error)),
    }
}

/// The service key in `file`, which must exist.
pub fn read_from(file: &Path) -> Result<String> {
    read(file).map_err(advice::with(
        format!("reading {}", file.display()),
        "give the service key of that host in BATON_SERVICE_KEY, or its file with --key-file",
    ))
}

/// Replaces what is in `file`, all at once, so that a reader finds the old text or the new.
pub fn replace(file: &Path, text: &str) -> Result<()> {
    let replacing = || {
        unfinished(file, text)?
            .persist(file)
            .map_err(|error| error.error)?;
        anyhow::Ok(())
    };
    replacing().map_err(unwritable(file))
}

/// Random letters and digits, 64 of them.
pub fn random() -> Result<String> {
    let bytes = random_bytes()?;
    Ok(bytes.iter().map(|it| format!("{it:02x}")).collect())
}

/// As many as a secret should be made of.
pub fn random_bytes() -> Result<[u8; STRENGTH]> {
    let mut bytes = [0; STRENGTH];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes)
}

fn unwritable(file: &Path) -> impl FnOnce(anyhow::Error) -> anyhow::Error {
    advice::with(
        format!("writing {}", file.display()),
        "check the permissions of the folder",
    )
}

fn unreadable(file: &Path) -> impl FnOnce(std::io::Error) -> anyhow::Error {
    advice::with(
        format!("reading {}", file.display()),
        "check the file, or delete it to have a new one generated",
    )
}

fn read(file: &Path) -> std::io::Result<String> {
    let secret = std::fs::read_to_string(file)?.trim().to_owned();
    if secret.is_empty() {
        return Err(std::io::Error::new(
            ErrorKind::InvalidData,
            "the file is empty",
        ));
    }
    Ok(secret)
}

fn write(file: &Path, secret: &str) -> Result<()> {
    match unfinished(file, secret)?.persist_noclobber(file) {
        // Whoever came first has set the secret.
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A file beside `file` with this text. Nobody else may read a temporary file, and it keeps its mode.
fn unfinished(file: &Path, text: &str) -> Result<NamedTempFile> {
    let folder = file.parent().context("it lies in no folder")?;
    let mut unfinished = NamedTempFile::new_in(folder)?;
    writeln!(unfinished, "{text}")?;
    unfinished.as_file().sync_all()?;
    Ok(unfinished)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_generated_once_and_only_its_owner_may_read_it() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let file = temp.path().join("key");
        let first = kept_in(&file, random).expect("it is generated");
        assert_eq!(first.len(), 2 * STRENGTH);
        let again = || unreachable!("there is one already");
        assert_eq!(kept_in(&file, again).expect("it is read"), first);
        let mode = std::fs::metadata(&file)
            .expect("it exists")
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(
            std::fs::read_dir(temp.path())
                .expect("it is readable")
                .count(),
            1
        );
    }

    #[test]
    fn of_two_who_write_at_once_the_first_has_set_the_secret() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let file = temp.path().join("key");
        let slower = || {
            write(&file, "first").expect("a temporary folder is writable");
            Ok("second".to_owned())
        };
        assert_eq!(kept_in(&file, slower).expect("it is read"), "first");
    }

    #[test]
    fn what_replaces_a_secret_is_closed_to_others_too() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let file = temp.path().join("key");
        for text in ["one", "two\none"] {
            replace(&file, text).expect("a temporary folder is writable");
            assert_eq!(read(&file).expect("it is read"), text);
            let mode = std::fs::metadata(&file)
                .expect("it exists")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn an_empty_secret_is_refused() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let file = temp.path().join("key");
        std::fs::write(&file, "\n").expect("a temporary folder is writable");
        assert!(kept_in(&file, random).is_err());
    }
}
