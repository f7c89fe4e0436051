//! The files of `migrations/`, in the order in which they apply.

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

/// A file and its text.
pub(crate) type File = (String, &'static str);

pub(crate) fn numbered() -> Vec<File> {
    let mut files = sql_files(&MIGRATIONS, false);
    files.retain(|(name, _)| name.starts_with(|it: char| it.is_ascii_digit()));
    files
}

/// Functions, then views, and the triggers on tables of Baton. A view comes after those that it reads.
pub(crate) fn code() -> Vec<File> {
    let mut files = Vec::new();
    for views in [false, true] {
        for folder in ["engine", "messages", "jobs", "views"] {
            let own = sql_files(directory(folder), true)
                .into_iter()
                .filter(|(name, _)| name.contains("views/") == views)
                .filter(|(name, _)| !APART.iter().any(|apart| name.ends_with(apart)));
            files.extend(own);
        }
    }
    files
}

/// Files of a job's folder that are applied by themselves.
const APART: [&str; 2] = ["/register.sql", "/application_triggers.sql"];

/// The triggers on tables of the application.
pub(crate) fn application_triggers() -> Vec<File> {
    apart(APART[1])
}

/// What makes each job known to the engine, and which functions its component may call.
pub(crate) fn registrations() -> Vec<File> {
    apart(APART[0])
}

fn apart(ending: &str) -> Vec<File> {
    let folders = ["messages", "jobs"].map(directory);
    let mut files: Vec<_> = folders
        .into_iter()
        .flat_map(|it| sql_files(it, true))
        .collect();
    files.retain(|(name, _)| name.ends_with(ending));
    files
}

fn directory(name: &str) -> &'static Dir<'static> {
    MIGRATIONS
        .get_dir(name)
        .expect("migrations/ has this folder")
}

/// A file of the folder itself.
pub(crate) fn single(name: &str) -> File {
    let file = MIGRATIONS
        .get_file(name)
        .expect("migrations/ has this file");
    let text = file.contents_utf8().expect("SQL is UTF-8");
    (name.to_owned(), text)
}

fn sql_files(dir: &'static Dir<'_>, deep: bool) -> Vec<File> {
    let mut files: Vec<_> = dir
        .files()
        .filter(|it| {
            it.path()
                .extension()
                .is_some_and(|extension| extension == "sql")
        })
        .map(|it| {
            (
                it.path().display().to_string(),
                it.contents_utf8().expect("SQL is UTF-8"),
            )
        })
        .collect();
    if deep {
        files.extend(dir.dirs().flat_map(|it| sql_files(it, true)));
    }
    files.sort();
    files
}

pub(crate) fn hash_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    format!("{:x}", hasher.finalize())
}
