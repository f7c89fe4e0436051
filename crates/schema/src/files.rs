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

/// Functions and views, and the triggers on tables of Baton.
pub(crate) fn code() -> Vec<File> {
    let mut files = Vec::new();
    for folder in ["triggers", "api", "board"] {
        let dir = MIGRATIONS
            .get_dir(folder)
            .expect("migrations/ has this folder");
        files.extend(sql_files(dir, true));
    }
    files
}

/// The triggers on tables of the application.
pub(crate) fn application_triggers() -> File {
    single("application_triggers.sql")
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
