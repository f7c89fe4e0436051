//! Embeds `migrations/` and brings a database up to date with it.
//!
//! It knows files and their order, none of the nouns inside, and opens no connection of its own.
//! The one entry point is [`migrate`]: everything happens in one transaction under an advisory lock. Grants are applied
//! at every migration, because a database restored on another server lacks its roles.
//! A migration library would apply the numbered files as well, but could not rebuild the code schemas in the same transaction.

mod guest;

use std::time::Duration;

use include_dir::{Dir, include_dir};
use postgres_protocol::password::scram_sha_256;
use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, IsolationLevel, Transaction};

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");
/// Key of the advisory lock that lets one migration run at a time in a database; the letters "baton".
const LOCK: i64 = 0x0062_6174_6f6e;
/// Name under which the hash of all code files is recorded.
const CODE: &str = "code";

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database was migrated by a newer release; use that one.
    #[error(
        "the database has migration {0}, which this release does not know; use the newer release"
    )]
    Newer(String),
    /// A released file was changed after it had been applied.
    #[error("migration {0} differs from the one that was applied; released files are never edited")]
    Edited(String),
    /// PostgreSQL refused a statement of the named file; nothing was changed.
    #[error("{file}: {}", describe(source))]
    Refused {
        /// The file, relative to `migrations/`.
        file: String,
        /// What PostgreSQL said.
        source: tokio_postgres::Error,
    },
    /// Objects of others depend on views or functions that are rebuilt; nothing was changed.
    #[error("these depend on schemas that a migration rebuilds: {}", .0.join(", "))]
    Dependents(Vec<String>),
    /// The connection failed.
    #[error("migrating: {}", describe(.0))]
    Connection(#[from] tokio_postgres::Error),
}

impl Error {
    fn is_lock_timeout(&self) -> bool {
        let (Self::Refused { source, .. } | Self::Connection(source)) = self else {
            return false;
        };
        source.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }
}

/// What [`migrate`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Numbered files applied now, in order.
    pub applied: Vec<String>,
    /// Whether functions, views and triggers were rebuilt.
    pub code_rebuilt: bool,
}

/// How long a statement waits for a lock of the application, whose own statements queue up behind it meanwhile.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '2s'";
/// How often a migration is tried that did not get its locks, and the pause in between.
const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_secs(2);

/// Applies what is missing: numbered files in order, then functions, triggers and views, all or nothing.
/// A lock that cannot be had within 2 s is given up, so that nobody waits behind the migration, and all is tried again.
pub async fn migrate(client: &mut Client) -> Result<Report, Error> {
    let mut tries = 1;
    loop {
        match migrate_once(client).await {
            Err(error) if error.is_lock_timeout() && tries < TRIES => tries += 1,
            result => return result,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn migrate_once(client: &mut Client) -> Result<Report, Error> {
    // Under another level, one that waited for its turn would not see what the other had applied meanwhile.
    let tx = client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?;
    tx.execute("select pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    tx.batch_execute(LOCK_TIMEOUT).await?;
    let before = guest::look(&tx).await?;
    tx.batch_execute(
        "create schema if not exists baton;
         create table if not exists baton.migrations (
           name text primary key, hash text not null, applied_at timestamptz not null default now());
         comment on table baton.migrations is 'Which files of migrations/ this database has.'",
    )
    .await?;
    let mut report = Report::default();
    let files = numbered_files();
    let known = recorded(&tx).await?;
    if let Some((name, _)) = known
        .iter()
        .find(|(name, _)| name != CODE && !files.iter().any(|(it, _)| it == name))
    {
        return Err(Error::Newer(name.clone()));
    }
    for (name, sql) in files {
        match known.iter().find(|(it, _)| *it == name) {
            Some((_, hash)) if *hash == hash_of([sql]) => {}
            Some(_) => return Err(Error::Edited(name)),
            None => {
                apply(&tx, &name, sql).await?;
                record(&tx, &name, &hash_of([sql])).await?;
                report.applied.push(name);
            }
        }
    }
    guest::keep_search_path(&tx, &before).await?;
    let code = code_files();
    let hash = hash_of(code.iter().map(|(_, sql)| *sql));
    if !known.iter().any(|(name, it)| name == CODE && *it == hash) {
        let dependents = guest::dependents(&tx).await?;
        if !dependents.is_empty() {
            return Err(Error::Dependents(dependents));
        }
        let kept = guest::grants(&tx).await?;
        // Functions may name one another, so bodies are checked by use (and by the tests), not in file order.
        tx.batch_execute(
            "set local check_function_bodies = off;
             drop schema if exists baton_board cascade; drop schema if exists baton_api cascade;
             create schema baton_api; create schema baton_board;
             comment on schema baton_api is 'The functions of Baton: the only door for components.';
             comment on schema baton_board is 'Views for people, the console and metrics.'",
        )
        .await?;
        for (name, sql) in code {
            apply(&tx, &name, sql).await?;
        }
        for schema in ["baton_api", "baton_board"] {
            guest::close(&tx, schema).await?;
        }
        guest::restore(&tx, &kept).await?;
        record(&tx, CODE, &hash).await?;
        report.code_rebuilt = true;
    }
    guest::close(&tx, "baton").await?;
    let (name, sql) = grants();
    apply(&tx, name, sql).await?;
    tx.commit().await?;
    Ok(report)
}

/// Lets `role` log in with `password`; apart from [`migrate`], because it changes the login of a running deployment.
/// The server gets a verifier (RFC 5803), not the password, so neither its log nor its statistics can show it.
pub async fn set_login(client: &Client, role: &str, password: &str) -> Result<(), Error> {
    let statement: String = client
        .query_one(
            "select format('alter role %I login password %L', $1::text, $2::text)",
            &[&role, &scram_sha_256(password.as_bytes())],
        )
        .await?
        .get(0);
    Ok(client.batch_execute(&statement).await?)
}

async fn apply(tx: &Transaction<'_>, file: &str, sql: &str) -> Result<(), Error> {
    tx.batch_execute(sql)
        .await
        .map_err(|source| Error::Refused {
            file: file.to_owned(),
            source,
        })
}

async fn recorded(tx: &Transaction<'_>) -> Result<Vec<(String, String)>, Error> {
    let rows = tx
        .query("select name, hash from baton.migrations", &[])
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn record(tx: &Transaction<'_>, name: &str, hash: &str) -> Result<(), Error> {
    tx.execute(
        "insert into baton.migrations (name, hash) values ($1, $2)
         on conflict (name) do update set hash = excluded.hash, applied_at = now()",
        &[&name, &hash],
    )
    .await?;
    Ok(())
}

fn numbered_files() -> Vec<(String, &'static str)> {
    let mut files = sql_files(&MIGRATIONS, false);
    files.retain(|(name, _)| name.starts_with(|it: char| it.is_ascii_digit()));
    files
}

fn code_files() -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    for folder in ["triggers", "api", "board"] {
        let dir = MIGRATIONS
            .get_dir(folder)
            .expect("migrations/ has this folder");
        files.extend(sql_files(dir, true));
    }
    files
}

fn grants() -> (&'static str, &'static str) {
    let name = "grants.sql";
    let file = MIGRATIONS
        .get_file(name)
        .expect("migrations/ has this file");
    (name, file.contents_utf8().expect("SQL is UTF-8"))
}

fn sql_files(dir: &'static Dir<'_>, deep: bool) -> Vec<(String, &'static str)> {
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

fn hash_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    format!("{:x}", hasher.finalize())
}

fn describe(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |it| it.to_string())
}
