use anyhow::Result;
use baton::contract::Call;
use terminal::advice;
use tokio_postgres::Client;

/// Calls a function of `baton_api`.
pub async fn call<C: Call>(client: &Client, call: C) -> Result<C::Output> {
    baton::contract::native::call(client, call)
        .await
        .map_err(explain)
}

/// Adds what to do about a missing or old schema.
pub fn explain(error: tokio_postgres::Error) -> anyhow::Error {
    // Undefined function, table, schema or column.
    let missing = ["42883", "42P01", "3F000", "42703"];
    if error.code().is_some_and(|it| missing.contains(&it.code())) {
        return advice::with("this database is not migrated", "run `baton migrate`")(error);
    }
    error.into()
}

/// The SQLSTATE behind an error, if PostgreSQL raised it.
pub fn code(error: &anyhow::Error) -> Option<&str> {
    error
        .chain()
        .find_map(|it| it.downcast_ref::<tokio_postgres::Error>()?.code())
        .map(tokio_postgres::error::SqlState::code)
}

/// For `map_err`: says where the names of jobs are found.
pub fn no_such_job(error: anyhow::Error) -> anyhow::Error {
    if code(&error) == Some(baton::contract::codes::NO_SUCH_THING) {
        return advice::with("choosing the job", "`baton status` lists the jobs")(error);
    }
    error
}
