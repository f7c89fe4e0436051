use std::fs::{OpenOptions, hard_link, remove_file};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Result, anyhow};

use crate::advice;

/// Bytes of randomness in a generated secret.
const STRENGTH: usize = 32;

/// The secret in `file`, generated and written with mode 0600 when there is none.
/// Two processes that do so at once end up with the same one.
pub(crate) fn kept_in(file: &Path) -> Result<String> {
    match read(file) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            generate(file).map_err(advice::with(
                format!("writing {}", file.display()),
                "check the permissions of the folder",
            ))?;
            read(file).map_err(unreadable(file))
        }
        Err(error) => Err(unreadable(file)(error)),
    }
}

/// The service key in `file`, which must exist.
pub(crate) fn read_from(file: &Path) -> Result<String> {
    read(file).map_err(advice::with(
        format!("reading {}", file.display()),
        "give the service key of that host in BATON_SERVICE_KEY, or its file with --key-file",
    ))
}

/// Random letters and digits, 64 of them.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; STRENGTH];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes.iter().map(|it| format!("{it:02x}")).collect())
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

fn generate(file: &Path) -> Result<()> {
    let unfinished = file.with_extension(format!("new-{}", std::process::id()));
    let mut writer = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    writeln!(writer, "{}", random()?)?;
    writer.sync_all()?;
    // A link, not a rename: whoever came first has set the secret.
    let linked = hard_link(&unfinished, file);
    remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_generated_once_and_only_its_owner_may_read_it() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let file = temp.path().join("key");
        let first = kept_in(&file).expect("it is generated");
        assert_eq!(first.len(), 2 * STRENGTH);
        assert_eq!(kept_in(&file).expect("it is read"), first);
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
    fn an_empty_secret_is_refused() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let file = temp.path().join("key");
        std::fs::write(&file, "\n").expect("a temporary folder is writable");
        assert!(kept_in(&file).is_err());
    }
}
