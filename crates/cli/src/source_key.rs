//! The key under which the database holds the passwords of sources. Only `process-chunks` and this command line have it.

use anyhow::Result;
use process_chunks::source::sealed::{NONCE, SealError, seal};

use crate::{advice, database::Database, home::Home, secret, stack};

/// The variable of the application; several keys are separated by spaces, the one that encrypts first.
pub(crate) const VARIABLE: &str = "source_key";
const FILE: &str = "source-key";

/// What the environment or `.env` says, else what this folder has, which is made when absent.
pub(crate) fn kept(home: &Home) -> Result<String> {
    match stack::environment_variables(home)?.remove(VARIABLE) {
        Some(keys) => Ok(keys),
        None => secret::kept_in(&home.state_file(FILE)?, secret::random),
    }
}

/// The same for a command that stores a secret. A key is not made for a deployment elsewhere, which would not have it.
pub(crate) fn known(home: &Home, database: &Database) -> Result<Option<String>> {
    if let Some(keys) = stack::environment_variables(home)?.remove(VARIABLE) {
        return Ok(Some(keys).filter(|it| !it.trim().is_empty()));
    }
    match database.is_private() || home.state_file(FILE)?.exists() {
        true => kept(home).map(Some),
        false => Ok(None),
    }
}

/// Encrypts the secret of a source.
pub(crate) fn sealed(keys: &str, source: &str, text: &str) -> Result<String> {
    let random = secret::random_bytes()?;
    let (nonce, _) = random
        .split_first_chunk::<NONCE>()
        .expect("there are more bytes than a nonce has");
    seal(keys, source, text, *nonce).map_err(explain)
}

/// What to do about a key that does not fit.
pub(crate) fn explain(error: SealError) -> anyhow::Error {
    advice::with(
        "reading the secret of a source",
        "give the keys of the deployment in SPIN_VARIABLE_SOURCE_KEY or in .env, or store the secret again with `baton sync add`",
    )(error)
}
