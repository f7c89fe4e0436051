//! The key under which the database holds the passwords of sources. Only `process-chunks` and this command line have it.

use anyhow::Result;

use crate::{database::Database, home::Home, secret, variables};

/// The variable of the application; several keys are separated by spaces, the one that encrypts first.
pub const VARIABLE: &str = "source_key";
const FILE: &str = "source-key";

/// What the environment or `.env` says, else what this folder has, which is made when absent.
pub fn kept(home: &Home) -> Result<String> {
    match variables::environment_variables(home)?.remove(VARIABLE) {
        Some(keys) => Ok(keys),
        None => secret::kept_in(&home.state_file(FILE)?, secret::random),
    }
}

/// The same for a command that stores a secret. A key is not made for a deployment elsewhere, which would not have it.
pub fn known(home: &Home, database: &Database) -> Result<Option<String>> {
    if let Some(keys) = variables::environment_variables(home)?.remove(VARIABLE) {
        return Ok(Some(keys).filter(|it| !it.trim().is_empty()));
    }
    match database.is_private() || home.state_file(FILE)?.exists() {
        true => kept(home).map(Some),
        false => Ok(None),
    }
}
