//! Errors that say what to do next.

use std::fmt;
use std::process::ExitCode;

use anyhow::Error;

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
pub(crate) fn error(message: impl Into<String>, help: impl Into<String>) -> Error {
    Error::new(Advice {
        message: message.into(),
        help: help.into(),
    })
}

/// For `map_err`: says what was tried, keeps what went wrong, and adds what to do next.
pub(crate) fn with<E: Into<Error>>(
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
pub(crate) fn report(error: &Error) -> ExitCode {
    crate::report::note(&format!("error: {}", chain(error)));
    if let Some(advice) = error.downcast_ref::<Advice>() {
        crate::report::note(&format!("help: {}", advice.help));
    }
    ExitCode::FAILURE
}

/// The causes, outermost first, without repetitions.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let database = cause
            .downcast_ref::<tokio_postgres::Error>()
            .and_then(tokio_postgres::Error::as_db_error);
        let said = database.map_or_else(|| cause.to_string(), |it| it.message().to_owned());
        if !text.contains(&said) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&said);
        }
    }
    text
}
