//! Embeds `migrations/` and brings a database up to date with it.
//!
//! It knows files and their order, none of the nouns inside, and opens no connection of its own.
//! The one entry point is [`migrate`]. Columns and indexes of tables that the application has already come first, each by
//! itself (`prepare.rs`); everything else happens in one transaction under an advisory lock. Grants are applied
//! at every migration, because a database restored on another server lacks its roles.
//! A migration library would apply the numbered files as well, but could not rebuild the code schemas in the same transaction.

mod files;
mod guest;
mod prepare;

use std::time::Duration;

use files::{File, hash_of};
use postgres_protocol::password::scram_sha_256;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, IsolationLevel, Transaction};

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
    /// PostgreSQL refused a statement of the named file.
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
    /// Tables of the application are not as Baton needs them; nothing was changed.
    #[error("tables of the application do not fit:\n{}", .0.iter().map(|it| format!("  {it}")).collect::<Vec<_>>().join("\n"))]
    Unsuitable(Vec<Difference>),
    /// Another migration of this database is running.
    #[error("another migration of this database is running")]
    Busy,
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

/// A table or column of the application that is not as Baton needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table, or the column with its table.
    pub about: String,
    /// What it is.
    pub found: String,
    /// What is needed.
    pub needed: String,
    /// What mends it.
    pub statement: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            about,
            found,
            needed,
            statement,
        } = self;
        write!(f, "{about} {found}; Baton needs {needed}: {statement};")
    }
}

/// Takes a sentence about a step that may take long.
pub type Note = fn(&str);

/// What [`migrate`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tables of the application that got columns.
    pub columns: Vec<String>,
    /// Indexes that were built on tables of the application.
    pub indexes: Vec<String>,
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
/// How long another migration of this database is waited for; it may be building indexes. Waiting inside PostgreSQL would
/// hold a snapshot, and the builds would wait for that.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The last numbered file that reads the code of an earlier release: it closes what default privileges opened there. Before
/// later ones the code is dropped, because its views keep tables from being changed.
const LAST_TO_READ_CODE: &str = "0012_closed_tables.sql";

/// Applies what is missing: columns and indexes of tables that the application has already, each by itself; then, all or
/// nothing, numbered files in order, functions, views and triggers.
/// A lock that cannot be had within 2 s is given up, so that no reader or writer waits behind the migration, and all is
/// tried again. What an interrupted migration left is continued.
pub async fn migrate(client: &mut Client) -> Result<Report, Error> {
    migrate_telling(client, |_| {}).await
}

/// Like [`migrate`], and tells what takes long.
pub async fn migrate_telling(client: &mut Client, note: Note) -> Result<Report, Error> {
    let mut report = Report::default();
    let (mut tries, mut looks) = (1, 0);
    loop {
        let pause = match migrate_once(client, note, &mut report).await {
            Err(error) if error.is_lock_timeout() && tries < TRIES => {
                tries += 1;
                PAUSE
            }
            Err(Error::Busy) if LOOK_EVERY * looks < PATIENCE => {
                looks += 1;
                LOOK_EVERY
            }
            result => return result.map(|()| report),
        };
        tokio::time::sleep(pause).await;
    }
}

async fn migrate_once(client: &mut Client, note: Note, report: &mut Report) -> Result<(), Error> {
    let looking = client.build_transaction().read_only(true).start().await?;
    let known = recorded(&looking).await?;
    let files = missing(&known)?;
    if !files.is_empty() || code_differs(&known) {
        check_dependents(&looking).await?;
    }
    check_tables(&looking, &known).await?;
    let tables = prepare::tables(&looking, &files).await?;
    looking.commit().await?;

    prepare::prepare(client, &files, &tables, note, report).await?;

    // Under another level, a migration that waited for its turn would not see what the other one applied meanwhile.
    let tx = client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?;
    let locked: bool = tx
        .query_one("select pg_try_advisory_xact_lock($1)", &[&LOCK])
        .await?
        .get(0);
    if !locked {
        return Err(Error::Busy);
    }
    tx.batch_execute(LOCK_TIMEOUT).await?;
    let before = guest::look(&tx).await?;
    tx.batch_execute(
        "create schema if not exists baton;
         create table if not exists baton.migrations (
           name text primary key, hash text not null, applied_at timestamptz not null default now());
         comment on table baton.migrations is 'Which files of migrations/ this database has.'",
    )
    .await?;
    // Another migration may have come first.
    let known = recorded(&tx).await?;
    let files = missing(&known)?;
    let code_rebuilt = !files.is_empty() || code_differs(&known);
    let mut kept = None;
    let mut applied = Vec::new();
    for (name, sql) in files {
        if kept.is_none() && name.as_str() > LAST_TO_READ_CODE {
            kept = Some(drop_code(&tx).await?);
        }
        apply(&tx, &name, &prepare::remaining(sql, &tables)).await?;
        record(&tx, &name, &hash_of([sql])).await?;
        applied.push(name);
    }
    guest::keep_search_path(&tx, &before).await?;
    if code_rebuilt {
        let kept = match kept {
            Some(kept) => kept,
            None => drop_code(&tx).await?,
        };
        build_code(&tx, &kept).await?;
    }
    guest::close(&tx, "baton").await?;
    let mut last = vec![files::single("moved.sql"), files::single("grants.sql")];
    last.extend(files::registrations());
    last.push(files::single("function_owner.sql"));
    if code_rebuilt {
        // Last, because writers of the application wait from here to the end.
        last.extend(files::application_triggers());
    }
    for (name, sql) in last {
        apply(&tx, &name, sql).await?;
    }
    tx.commit().await?;
    report.applied = applied;
    report.code_rebuilt = code_rebuilt;
    Ok(())
}

/// Drops the code; what others were granted on it.
async fn drop_code(tx: &Transaction<'_>) -> Result<Vec<guest::Grant>, Error> {
    check_dependents(tx).await?;
    let kept = guest::grants(tx).await?;
    tx.batch_execute(
        "drop schema if exists baton_board cascade; drop schema if exists baton_api cascade",
    )
    .await?;
    Ok(kept)
}

async fn build_code(tx: &Transaction<'_>, kept: &[guest::Grant]) -> Result<(), Error> {
    // Functions may name one another, so bodies are checked by use (and by the tests), not in file order.
    tx.batch_execute(
        "set local check_function_bodies = off;
         drop schema if exists baton_board cascade; drop schema if exists baton_api cascade;
         create schema baton_api; create schema baton_board;
         comment on schema baton_api is 'The functions of Baton: the only door for components.';
         comment on schema baton_board is 'Views for people, the console and metrics.'",
    )
    .await?;
    for (name, sql) in files::code() {
        apply(tx, &name, sql).await?;
    }
    for schema in ["baton_api", "baton_board"] {
        guest::close(tx, schema).await?;
    }
    guest::restore(tx, kept).await?;
    record(tx, CODE, &code_hash()).await
}

fn code_hash() -> String {
    let mut files = files::code();
    files.extend(files::application_triggers());
    hash_of(files.iter().map(|(_, sql)| *sql))
}

fn code_differs(known: &[(String, String)]) -> bool {
    let hash = code_hash();
    !known.iter().any(|(name, it)| name == CODE && *it == hash)
}

/// The numbered files that a database with these lacks, unless it is newer or one of its files was edited.
fn missing(known: &[(String, String)]) -> Result<Vec<File>, Error> {
    let files = files::numbered();
    if let Some((name, _)) = known
        .iter()
        .find(|(name, _)| name != CODE && !files.iter().any(|(it, _)| it == name))
    {
        return Err(Error::Newer(name.clone()));
    }
    let mut missing = Vec::new();
    for (name, sql) in files {
        match known.iter().find(|(it, _)| *it == name) {
            Some((_, hash)) if *hash == hash_of([sql]) => {}
            Some(_) => return Err(Error::Edited(name)),
            None => missing.push((name, sql)),
        }
    }
    Ok(missing)
}

async fn check_tables(tx: &Transaction<'_>, known: &[(String, String)]) -> Result<(), Error> {
    let (file, sql) = files::single("requirements.sql");
    let known: Vec<&str> = known.iter().map(|(name, _)| &**name).collect();
    let rows = tx.query(sql, &[&known]).await.map_err(refused(&file))?;
    let differences = rows.iter().map(|row| Difference {
        about: row.get(0),
        found: row.get(1),
        needed: row.get(2),
        statement: row.get(3),
    });
    match rows.is_empty() {
        true => Ok(()),
        false => Err(Error::Unsuitable(differences.collect())),
    }
}

async fn check_dependents(tx: &Transaction<'_>) -> Result<(), Error> {
    let dependents = guest::dependents(tx).await?;
    match dependents.is_empty() {
        true => Ok(()),
        false => Err(Error::Dependents(dependents)),
    }
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
    tx.batch_execute(sql).await.map_err(refused(file))
}

fn refused(file: &str) -> impl Fn(tokio_postgres::Error) -> Error {
    move |source| Error::Refused {
        file: file.to_owned(),
        source,
    }
}

async fn recorded(tx: &Transaction<'_>) -> Result<Vec<(String, String)>, Error> {
    let sql = "select to_regclass('baton.migrations') is not null";
    if !tx.query_one(sql, &[]).await?.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
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

fn describe(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |it| it.to_string())
}
