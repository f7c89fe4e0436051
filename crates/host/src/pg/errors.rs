//! Driver errors as the interface's errors, with the same kinds and texts as Spin's.

use tokio_postgres::error::DbError;

use crate::bindings::postgres;

/// A statement failed, in the database or on the way to it.
pub(super) fn query_failed(err: &tokio_postgres::Error) -> postgres::Error {
    let as_text = format!("{err:?}");
    postgres::Error::QueryFailed(match err.as_db_error() {
        None => postgres::QueryError::Text(as_text),
        Some(db) => postgres::QueryError::DbError(postgres::DbError {
            as_text,
            severity: db.severity().to_owned(),
            code: db.code().code().to_owned(),
            message: db.message().to_owned(),
            detail: db.detail().map(str::to_owned),
            extras: extras(db),
        }),
    })
}

/// A failure of a statement that is not the database's.
pub(super) fn query_failed_text(text: impl Into<String>) -> postgres::Error {
    postgres::Error::QueryFailed(postgres::QueryError::Text(text.into()))
}

fn extras(db: &DbError) -> Vec<(String, String)> {
    [
        ("column", db.column().map(str::to_owned)),
        ("constraint", db.constraint().map(str::to_owned)),
        ("routine", db.routine().map(str::to_owned)),
        ("hint", db.hint().map(str::to_owned)),
        ("table", db.table().map(str::to_owned)),
        ("datatype", db.datatype().map(str::to_owned)),
        ("schema", db.schema().map(str::to_owned)),
        ("file", db.file().map(str::to_owned)),
        ("line", db.line().map(|it| it.to_string())),
        ("where_", db.where_().map(str::to_owned)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
