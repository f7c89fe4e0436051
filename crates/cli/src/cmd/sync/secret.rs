use std::io::{ErrorKind, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use stack::context;
use terminal::advice;
use terminal::interrupt::Interrupted;

/// Where the password or token comes from, if it is not asked for.
#[derive(Debug)]
pub(super) enum Given {
    /// It is this one.
    Secret(String),
    /// It is in this file; `-` is standard input.
    File(PathBuf),
    /// Nobody said.
    No,
}

impl Given {
    /// The file, else the environment.
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        match (file, context::secret_variable("BATON_SYNC_SECRET")) {
            (Some(file), _) => Self::File(file),
            (None, Some(secret)) => Self::Secret(secret),
            (None, None) => Self::No,
        }
    }

    /// The secret, if it was given.
    pub(super) async fn read(self) -> Result<Option<String>> {
        let text = match self {
            Self::No => return Ok(None),
            Self::Secret(secret) => secret,
            Self::File(file) => tokio::task::spawn_blocking(move || from_file(&file)).await??,
        };
        check(&text).map(Some)
    }
}

/// Asks on the terminal, without showing what is typed; none for an empty line, or when nobody can be asked.
pub(super) async fn ask(prompt: String) -> Result<Option<String>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await?;
    match typed {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => check(&text).map(Some),
        // The terminal reports Ctrl-C as a letter while it hides what is typed.
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(Interrupted.into()),
        Err(error) => Err(advice::with(
            "asking for the password",
            "give it in BATON_SYNC_SECRET or with --secret-file",
        )(error)),
    }
}

fn from_file(file: &Path) -> Result<String> {
    let (name, read) = if file == Path::new("-") {
        let read = std::io::read_to_string(std::io::stdin());
        ("standard input".to_owned(), read)
    } else {
        (file.display().to_string(), std::fs::read_to_string(file))
    };
    read.map_err(advice::with(
        format!("reading the password from {name}"),
        "it is one line of text",
    ))
}

/// The secret without its line break, if it can be sent to anybody.
fn check(text: &str) -> Result<String> {
    let secret = text.trim_end_matches(['\r', '\n']);
    let wrong = if secret.is_empty() {
        "the password is empty"
    } else if secret.contains(|it: char| it.is_control()) {
        "the password holds a control character, such as a line break"
    } else {
        return Ok(secret.to_owned());
    };
    Err(advice::error(wrong, "it is one line of text"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_secret_is_one_line_and_keeps_its_spaces() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(super::check(text).ok().as_deref(), expected, "{text:?}");
        };
        check("wonderland\n", Some("wonderland"));
        check(" wonder land \r\n", Some(" wonder land "));
        check("пароль", Some("пароль"));
        check("\n", None);
        check("two\nlines", None);
        check("a\0b", None);
    }
}
