//! Changes to tables that the application has already, apart from the transaction of the numbered files: a lock on such a
//! table would be held until the end of that transaction, and the application would wait for all of it.
//!
//! Columns are added in a transaction for each statement, indexes are built concurrently. Both are taken from the numbered
//! files, which then run without these statements. Whatever is interrupted here is found and continued by the next migration.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Transaction};

use crate::files::File;
use crate::{Error, LOCK, LOCK_TIMEOUT, Note, Report, refused};

/// A statement of a numbered file about one table of schema `public`.
#[derive(Debug, PartialEq, Eq)]
struct Step<'a> {
    table: &'a str,
    text: &'a str,
    change: Change<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Change<'a> {
    /// Adds these columns where they are absent.
    Columns(Vec<&'a str>),
    /// Makes this index where it is absent.
    Index(&'a str),
}

/// The kinds of the tables that are there, by name.
pub(crate) type Tables = BTreeMap<String, char>;

/// The tables of schema `public` that the files change and that are there.
pub(crate) async fn tables(tx: &Transaction<'_>, files: &[File]) -> Result<Tables, Error> {
    let named: Vec<&str> = files
        .iter()
        .flat_map(|(_, sql)| steps(sql))
        .map(|it| it.table)
        .collect();
    let sql = "select c.relname::text, c.relkind::text from pg_catalog.pg_class c
               where c.relnamespace = to_regnamespace('public') and c.relname = any ($1) and c.relkind in ('r', 'p')";
    let rows = tx.query(sql, &[&named]).await?;
    let kinds = rows.iter().map(|row| {
        let kind: String = row.get(1);
        (row.get(0), kind.chars().next().unwrap_or('r'))
    });
    Ok(kinds.collect())
}

/// A file's text without what [`prepare`] does.
pub(crate) fn remaining(sql: &str, tables: &Tables) -> String {
    let mut text = sql.to_owned();
    for step in steps(sql).iter().filter(|it| it.applies(tables)) {
        text = text.replacen(step.text, "", 1);
    }
    text
}

/// Adds the columns and builds the indexes of `files` on the tables that are there. Changes nothing when all is there.
pub(crate) async fn prepare(
    client: &mut Client,
    files: &[File],
    tables: &Tables,
    note: Note,
    report: &mut Report,
) -> Result<(), Error> {
    let steps: Vec<(&str, Step<'_>)> = files
        .iter()
        .flat_map(|(name, sql)| steps(sql).into_iter().map(|it| (&**name, it)))
        .filter(|(_, it)| it.applies(tables))
        .collect();
    if steps.is_empty() {
        return Ok(());
    }
    // A lock of the session, because an index is built outside of any transaction.
    let locked: bool = client
        .query_one("select pg_try_advisory_lock($1)", &[&LOCK])
        .await?
        .get(0);
    if !locked {
        return Err(Error::Busy);
    }
    let result = run(client, &steps, note, report).await;
    // When this fails, so did the session, and its lock is gone.
    let unlocked = client
        .execute("select pg_advisory_unlock($1)", &[&LOCK])
        .await;
    result?;
    unlocked?;
    Ok(())
}

async fn run(
    client: &mut Client,
    steps: &[(&str, Step<'_>)],
    note: Note,
    report: &mut Report,
) -> Result<(), Error> {
    for (file, step) in steps {
        if let Change::Columns(names) = &step.change
            && !has_columns(client, step.table, names).await?
        {
            let tx = client.transaction().await?;
            tx.batch_execute(LOCK_TIMEOUT).await?;
            tx.batch_execute(step.text).await.map_err(refused(file))?;
            tx.commit().await?;
            report.columns.push(step.table.to_owned());
        }
    }
    // A build waits for transactions that began before it. It keeps no writer waiting meanwhile, so it may take its time.
    for setting in ["lock_timeout", "statement_timeout"] {
        client.batch_execute(&format!("set {setting} = 0")).await?;
    }
    let built = build_indexes(client, steps, note, report).await;
    for setting in ["lock_timeout", "statement_timeout"] {
        client.batch_execute(&format!("reset {setting}")).await?;
    }
    built
}

async fn build_indexes(
    client: &Client,
    steps: &[(&str, Step<'_>)],
    note: Note,
    report: &mut Report,
) -> Result<(), Error> {
    for (file, step) in steps {
        let Change::Index(name) = step.change else {
            continue;
        };
        let state = "select i.indisvalid from pg_catalog.pg_class c left join pg_catalog.pg_index i on i.indexrelid = c.oid
                     where c.relnamespace = to_regnamespace('public') and c.relname = $1";
        match client.query_opt(state, &[&name]).await? {
            // A build that was killed left it.
            Some(row) if row.get::<_, Option<bool>>(0) == Some(false) => {
                let drop = format!("drop index concurrently if exists public.{name}");
                client.batch_execute(&drop).await.map_err(refused(file))?;
            }
            Some(_) => continue,
            None => {}
        }
        note(&format!(
            "Building the index {name} on {}; writers do not wait for it.",
            step.table
        ));
        let build =
            step.text
                .replacen("index if not exists", "index concurrently if not exists", 1);
        if let Err(error) = client.batch_execute(&build).await {
            // An invalid unique index refuses rows all the same. When this fails, too, the next migration drops it.
            let drop = format!("drop index concurrently if exists public.{name}");
            let _ = client.batch_execute(&drop).await;
            return Err(refused(file)(error));
        }
        report.indexes.push(name.to_owned());
    }
    Ok(())
}

async fn has_columns(client: &Client, table: &str, names: &[&str]) -> Result<bool, Error> {
    let sql = "select count(*) from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
               where c.relnamespace = to_regnamespace('public') and c.relname = $1 and a.attname = any ($2) and not a.attisdropped";
    let found: i64 = client.query_one(sql, &[&table, &names]).await?.get(0);
    Ok(usize::try_from(found).is_ok_and(|it| it == names.len()))
}

impl Step<'_> {
    /// Whether it is done apart. An index of a partitioned table cannot be built concurrently.
    fn applies(&self, tables: &Tables) -> bool {
        match tables.get(self.table) {
            Some('p') => matches!(self.change, Change::Columns(_)),
            found => found.is_some(),
        }
    }
}

/// The statements of a file that can be done apart: each begins a line and ends with the first semicolon.
fn steps(sql: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut offset = 0;
    for line in sql.split_inclusive('\n') {
        let start = offset + (line.len() - line.trim_start().len());
        offset += line.len();
        let statement = sql[start..].find(';').map(|end| &sql[start..=start + end]);
        steps.extend(statement.and_then(step));
    }
    steps
}

fn step(text: &str) -> Option<Step<'_>> {
    const ADD: &str = "add column if not exists ";
    if let Some(rest) = text.strip_prefix("alter table public.") {
        let columns: Vec<&str> = rest.split(ADD).skip(1).map(name).collect();
        let all = rest.lines().skip(1).all(|it| it.trim().starts_with(ADD));
        return (all && !columns.is_empty()).then(|| Step {
            table: name(rest),
            text,
            change: Change::Columns(columns),
        });
    }
    let rest = [
        "create index if not exists ",
        "create unique index if not exists ",
    ]
    .iter()
    .find_map(|it| text.strip_prefix(it))?;
    let (_, table) = rest.split_once(" on public.")?;
    Some(Step {
        table: name(table),
        text,
        change: Change::Index(name(rest)),
    })
}

/// The plain name with which a text begins.
fn name(text: &str) -> &str {
    let end = text.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn statements_about_tables_of_the_application_are_found() {
        let sql = "create table baton.odd (x int);\n  alter table public.contacts\n    add column if not exists a int,\n    add column if not exists b text default 'x';\n\
                   create unique index if not exists odd_idx on public.contacts (a)\n  where b is null;\nalter table public.contacts\n  drop column c;\n";
        let found = steps(sql);
        let changes: Vec<_> = found.iter().map(|it| &it.change).collect();
        assert_eq!(
            changes,
            [&Change::Columns(vec!["a", "b"]), &Change::Index("odd_idx")]
        );
        assert!(found.iter().all(|it| it.table == "contacts"));
        let left = remaining(sql, &Tables::from([("contacts".to_owned(), 'r')]));
        assert!(
            left.contains("drop column c") && left.contains("baton.odd"),
            "{left}"
        );
        assert!(!left.contains("if not exists"), "{left}");
        assert_eq!(remaining(sql, &Tables::new()), sql);
        let partitioned = remaining(sql, &Tables::from([("contacts".to_owned(), 'p')]));
        assert!(partitioned.contains("odd_idx") && !partitioned.contains("column if not exists"));
    }

    /// A statement that the scan overlooks would lock a table of the application for the whole migration.
    #[test]
    fn the_numbered_files_leave_no_such_statement_for_tables_that_exist() {
        for (file, sql) in files::numbered() {
            let every = steps(sql)
                .iter()
                .map(|it| (it.table.to_owned(), 'r'))
                .collect();
            let left = remaining(sql, &every);
            for words in ["alter table public.", "index if not exists"] {
                let overlooked = left
                    .lines()
                    .find(|it| it.contains(words) && !it.contains("execute format"));
                assert_eq!(overlooked, None, "{file}");
            }
        }
    }
}
