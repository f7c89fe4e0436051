use std::fmt;
use std::process::ExitCode;

use anyhow::Error;
use tokio_postgres::error::SqlState;

use crate::interrupt::Interrupted;
use crate::output;

/// The exit code after SIGINT, as shells count it.
const EXIT_INTERRUPTED: u8 = 130;

/// What a person can do about an error, attached to it as context.
#[derive(Debug)]
struct Advice {
    message: String,
    help: String,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Advice {}

/// A new error: what is wrong, and what to do next.
pub fn error(message: impl Into<String>, help: impl Into<String>) -> Error {
    Error::new(Advice {
        message: message.into(),
        help: help.into(),
    })
}

/// For `map_err`: says what was tried, keeps what went wrong, and adds what to do next.
pub fn with<E: Into<Error>>(
    message: impl Into<String>,
    help: impl Into<String>,
) -> impl FnOnce(E) -> Error {
    let advice = Advice {
        message: message.into(),
        help: help.into(),
    };
    move |source| source.into().context(advice)
}

/// Prints the error and what to do next on standard error, and says how to exit.
pub fn report(error: &Error) -> ExitCode {
    if error.is::<Interrupted>() {
        return ExitCode::from(EXIT_INTERRUPTED);
    }
    // A reader that has seen enough, such as `head`, is no failure.
    if error.chain().any(|it| {
        it.downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .is_some_and(|it| it.is::<output::ReaderGone>())
    }) {
        return ExitCode::SUCCESS;
    }
    let help = match error.downcast_ref::<Advice>() {
        Some(advice) => advice.help.clone(),
        None => "`baton doctor` checks the set-up".to_owned(),
    };
    output::note(&format!("error: {}", chain(error)));
    output::note(&format!("help: {help}"));
    ExitCode::FAILURE
}

/// The causes, outermost first, without what the one before has said already.
pub fn chain(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let database = cause.downcast_ref::<tokio_postgres::Error>();
        let said = database.map_or_else(|| cause.to_string(), postgres);
        if !text.contains(&said) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&said);
        }
        if database.is_some_and(|it| it.as_db_error().is_some()) {
            // What follows says the same once more.
            break;
        }
    }
    text
}

/// What PostgreSQL said. A broken check is told by its name alone, because our constraints are sentences.
pub fn postgres(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        return error.to_string();
    };
    match db.constraint() {
        Some(constraint) if *db.code() == SqlState::CHECK_VIOLATION => constraint.replace('_', " "),
        Some(_) | None => db.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_each_thing_once() {
        let source = std::io::Error::other("the disk is full");
        let error = with("writing out.csv", "make room")(source);
        assert_eq!(chain(&error), "writing out.csv: the disk is full");
        let error = error.context("writing out.csv");
        assert_eq!(chain(&error), "writing out.csv: the disk is full");
        assert_eq!(
            error.downcast_ref::<Advice>().map(|it| it.help.as_str()),
            Some("make room")
        );
    }
}
