//! Running one statement on one connection.

use futures::TryStreamExt;
use tokio_postgres::RowStream;
use tokio_postgres::error::SqlState;

use super::values::Parameter;
use super::{Connection, errors, values};
use crate::bindings::postgres::{Column, DbValue, Error};

/// Statements kept prepared per connection; the texts come from guests, so their number is bounded.
const PREPARED_PER_CONNECTION: usize = 256;
/// What one query may return, as Spin bounds it.
const MAX_RESULT_BYTES: usize = 128 << 20;

/// The rows of a query and how it ended: rows may come before a failure.
pub(super) struct Outcome {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<DbValue>>,
    pub(super) end: Result<(), Error>,
}

impl Connection {
    /// Runs a query. An error before the first row (unknown table, wrong parameter type) comes as `Err`,
    /// one while the statement runs as the outcome's end.
    pub(super) async fn query(
        &self,
        prepared: bool,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<Outcome, Error> {
        let stream = self.start(prepared, sql, parameters).await;
        let mut stream = Box::pin(stream.map_err(|err| errors::query_failed(&err))?);
        let mut outcome = Outcome {
            columns: Vec::new(),
            rows: Vec::new(),
            end: Ok(()),
        };
        let mut bytes = 0;
        outcome.end = loop {
            let row = match stream.try_next().await {
                Ok(None) => break Ok(()),
                Ok(Some(row)) => row,
                Err(err) => break Err(errors::query_failed(&err)),
            };
            if outcome.rows.is_empty() {
                outcome.columns = values::columns(&row);
            }
            bytes += row.raw_size_bytes();
            if bytes > MAX_RESULT_BYTES {
                break Err(errors::query_failed_text(format!(
                    "query result exceeds limit of {MAX_RESULT_BYTES} bytes"
                )));
            }
            match values::row(&row) {
                Ok(values) => outcome.rows.push(values),
                Err(text) => break Err(errors::query_failed_text(text)),
            }
        };
        Ok(outcome)
    }

    /// Runs a statement for its effect; returns the number of rows it changed.
    pub(super) async fn execute(
        &self,
        prepared: bool,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<u64, Error> {
        let run = async {
            let mut stream = Box::pin(self.start(prepared, sql, parameters).await?);
            while stream.try_next().await?.is_some() {}
            Ok(stream.rows_affected().unwrap_or(0))
        };
        run.await.map_err(|err| errors::query_failed(&err))
    }

    async fn start(
        &self,
        prepared: bool,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<RowStream, tokio_postgres::Error> {
        if !prepared {
            let typed = parameters
                .iter()
                .map(|(it, ty)| (it.as_ref() as _, ty.clone()));
            let typed: Vec<(&(dyn tokio_postgres::types::ToSql + Sync), _)> = typed.collect();
            return self.0.query_typed_raw(sql, typed).await;
        }
        match self.start_prepared(sql, parameters).await {
            // The statement was refused before it ran, so running it again is safe.
            Err(err) if is_stale(&err) => {
                self.0.statement_cache.remove(sql, &[]);
                self.start_prepared(sql, parameters).await
            }
            result => result,
        }
    }

    async fn start_prepared(
        &self,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<RowStream, tokio_postgres::Error> {
        if self.0.statement_cache.size() >= PREPARED_PER_CONNECTION {
            self.0.statement_cache.clear();
        }
        let statement = self.0.prepare_cached(sql).await?;
        let references = parameters.iter().map(|(it, _)| it.as_ref() as _);
        let references: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = references.collect();
        self.0.query_raw(&statement, references).await
    }
}

/// True if a migration changed what the statement returns, or a pooler in between lost it.
fn is_stale(err: &tokio_postgres::Error) -> bool {
    err.as_db_error().is_some_and(|it| {
        let result_changed = *it.code() == SqlState::FEATURE_NOT_SUPPORTED
            && it.routine() == Some("RevalidateCachedQuery");
        result_changed || *it.code() == SqlState::INVALID_SQL_STATEMENT_NAME
    })
}
