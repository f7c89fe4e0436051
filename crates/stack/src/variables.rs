use std::collections::BTreeMap;

use anyhow::Result;
use terminal::advice;

use crate::home::Home;

/// Variables of the application in the environment begin like this, as Spin has it.
const VARIABLE_PREFIX: &str = "SPIN_VARIABLE_";

/// Variables of the application by name: what the environment sets, else, as Spin has it, what the file `.env` sets.
pub fn environment_variables(home: &Home) -> Result<BTreeMap<String, String>> {
    let file = home.dotenv();
    let mut all = BTreeMap::new();
    match dotenvy::from_path_iter(&file) {
        Ok(lines) => {
            for line in lines {
                let (name, value) = line.map_err(advice::with(
                    format!("reading {}", file.display()),
                    "write each line as SPIN_VARIABLE_NAME=value, with quotes around a value that has blanks",
                ))?;
                all.insert(name, value);
            }
        }
        Err(error) if error.not_found() => {}
        Err(error) => {
            return Err(advice::with(
                format!("reading {}", file.display()),
                "check the permissions of the file",
            )(error));
        }
    }
    all.extend(
        std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
    );
    Ok(variables_in(all.into_iter()))
}

/// Variables of the application by their names in lower case.
fn variables_in(environment: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    environment
        .filter_map(|(name, value)| {
            Some((
                name.strip_prefix(VARIABLE_PREFIX)?.to_ascii_lowercase(),
                value,
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_come_from_the_environment_as_with_spin() {
        let environment = [
            ("SPIN_VARIABLE_PROVIDER_KEY", "a"),
            ("SPIN_VARIABLES", "b"),
            ("PATH", "c"),
        ];
        let found = variables_in(
            environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        assert_eq!(
            found,
            BTreeMap::from([("provider_key".to_owned(), "a".to_owned())])
        );
    }
}
