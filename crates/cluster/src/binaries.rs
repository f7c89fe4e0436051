//! Where the programs of PostgreSQL are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// The oldest major version that Baton supports.
const OLDEST: u32 = 15;

/// Directories that systems put the programs into; `*` stands for any one name that starts and ends as given.
const USUAL_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
    "/usr/pgsql-*/bin",                                   // PostgreSQL's own RPM packages
    "/usr/libexec/postgresql*",                           // Alpine
    "/usr/bin",                                           // Fedora, Arch
    "/usr/local/bin",                                     // official container images
    "/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
];

/// A directory that has `initdb`, `pg_ctl` and `postgres` of one version.
pub(crate) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// Finds an installation: the `named` one, or the one of the `pg_config` on the search path if it will do, else the
    /// newest. Where `data` is an existing cluster, only its own major version will do.
    pub(crate) fn find(data: &Path, named: Option<&Path>) -> Result<Binaries, Error> {
        let made_by = made_by(data)?;
        let fits = |it: &Binaries| made_by.is_none_or(|major| it.major == major);
        if let Some(dir) = named {
            let found = Binaries::at(dir).ok_or_else(|| Error::NoPrograms {
                dir: dir.to_owned(),
            })?;
            return match made_by {
                Some(made_by) if made_by != found.major => Err(Error::OtherVersion {
                    data: data.to_owned(),
                    made_by,
                }),
                _ => Ok(found),
            };
        }
        if let Some(preferred) = on_search_path().filter(fits) {
            return Ok(preferred);
        }
        let newest = USUAL_PLACES
            .iter()
            .flat_map(|pattern| expand(pattern))
            .filter_map(|dir| Binaries::at(&dir))
            .filter(fits)
            .max_by_key(|it| it.major);
        newest.ok_or_else(|| match made_by {
            None => no_postgres(),
            Some(made_by) => Error::OtherVersion {
                data: data.to_owned(),
                made_by,
            },
        })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn at(dir: &Path) -> Option<Binaries> {
        if !["initdb", "pg_ctl"].iter().all(|it| dir.join(it).exists()) {
            return None;
        }
        let output = Command::new(dir.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        (major >= OLDEST).then(|| Binaries {
            dir: dir.to_owned(),
            major,
        })
    }
}

fn on_search_path() -> Option<Binaries> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    Binaries::at(Path::new(dir.trim()))
}

fn made_by(data: &Path) -> Result<Option<u32>, Error> {
    let file = data.join("PG_VERSION");
    match std::fs::read_to_string(&file) {
        Ok(version) => Ok(version.trim().parse().ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("reading {}", file.display()))(error)),
    }
}

/// `postgres (PostgreSQL) 15.20 (Debian …)` → 15, `postgres (PostgreSQL) 18beta1` → 18.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split("(PostgreSQL) ").nth(1)?;
    let end = number
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(number.len());
    number[..end].parse().ok()
}

fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let Some((parent, prefix)) = before.rsplit_once('/') else {
        return Vec::new();
    };
    // A folder that is absent or closed holds no installation for us.
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .map(|name| PathBuf::from(format!("{parent}/{name}{after}")))
        .collect()
}

fn no_postgres() -> Error {
    Error::NoPostgres {
        install: install_command(),
    }
}

fn install_command() -> String {
    if cfg!(target_os = "macos") {
        return "brew install postgresql@17".to_owned();
    }
    // Without the file, the answer is the general one.
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    install_command_for(&release).to_owned()
}

fn install_command_for(release: &str) -> &'static str {
    let families: Vec<&str> = release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .collect();
    let is = |family: &str| families.contains(&family);
    if is("debian") || is("ubuntu") {
        "sudo apt-get install postgresql"
    } else if is("fedora") || is("rhel") {
        "sudo dnf install postgresql-server"
    } else if is("alpine") {
        "apk add postgresql17"
    } else if is("arch") {
        "sudo pacman -S postgresql"
    } else {
        "the package manager of this system (the server package, often named postgresql-server)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_is_read_from_what_postgres_prints() {
        let check = |version, expected| assert_eq!(major_of(version), expected, "{version}");
        check(
            "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n",
            Some(15),
        );
        check("postgres (PostgreSQL) 18beta1\n", Some(18));
        check("postgres (PostgreSQL) 17\n", Some(17));
        check("postgres: command not found", None);
    }

    #[test]
    fn the_install_command_fits_the_system() {
        let check = |release, expected: &str| {
            let command = install_command_for(release);
            assert!(command.contains(expected), "{release}: {command}");
        };
        check("ID=debian\n", "apt-get");
        check("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get");
        check("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf");
        check("ID=alpine\n", "apk");
        check("", "package manager");
    }
}
