use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Result;
use baton::webhook;
use clap::ValueEnum;
use serde::Serialize;
use terminal::advice;

use crate::context::secret_variable;
use crate::{home::Home, secret, variables};

/// While one value replaces another, so many are live.
pub const MOST_LIVE: usize = 2;

/// A secret that callers and the deployment share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The key that callers present.
    Service,
    /// The secret that signs wakes.
    Webhook,
}

impl Key {
    pub const ALL: [Self; 2] = [Self::Service, Self::Webhook];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service key",
            Self::Webhook => "webhook secret",
        }
    }

    /// Its name as an argument.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Webhook => "webhook",
        }
    }

    /// The variable of the application that holds its live values.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Service => "service_key",
            Self::Webhook => "webhook_secret",
        }
    }

    /// Where it is kept, unless it is given otherwise.
    pub fn file(self, home: &Home) -> Result<PathBuf> {
        home.state_file(match self {
            Self::Service => "service-key",
            Self::Webhook => "webhook-secret",
        })
    }

    /// Its file; none when the environment or `given` sets its variable.
    pub fn file_in_use(
        self,
        home: &Home,
        given: &BTreeMap<String, String>,
    ) -> Result<Option<PathBuf>> {
        let name = self.variable();
        if given.contains_key(name) || variables::environment_variables(home)?.contains_key(name) {
            return Ok(None);
        }
        self.file(home).map(Some)
    }

    /// A new value.
    pub fn generate(self) -> Result<String> {
        match self {
            Self::Service => secret::random(),
            Self::Webhook => Ok(webhook::secret_text(&secret::random_bytes()?)),
        }
    }

    /// The value of its variable: what the environment sets, else what its file holds, which is made when absent.
    pub fn value(self, home: &Home) -> Result<String> {
        match variables::environment_variables(home)?.remove(self.variable()) {
            Some(value) => Ok(value),
            None => secret::kept_in(&self.file(home)?, || self.generate()),
        }
    }

    /// The live values in a text, the one to present first.
    pub fn live(self, text: &str) -> Result<Vec<String>> {
        let values = self.split(text);
        let help = "separate two of them by a space, the one to present first";
        if values.len() > MOST_LIVE {
            let message = format!("there are {} values of the {}", values.len(), self.name());
            return Err(advice::error(message, help));
        }
        match self {
            Self::Service => baton::key::safe_service_keys(text)
                .map(drop)
                .map_err(advice::with(
                    "reading the service key",
                    "give a longer one, such as `openssl rand -hex 32` prints, or none, and one is made",
                ))?,
            Self::Webhook => webhook::secrets(&values.join(" "))
                .map(drop)
                .map_err(advice::with("reading the webhook secret", help))?,
        }
        Ok(values)
    }

    /// The live values in its file, none when there is no file.
    pub fn live_in(self, file: &Path) -> Result<Vec<String>> {
        match std::fs::read_to_string(file) {
            Ok(text) => self.live(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(advice::with(
                format!("reading {}", file.display()),
                "check the permissions of the file",
            )(error)),
        }
    }

    /// Of live values, the one to present or to sign with.
    pub fn first(self, text: &str) -> String {
        self.split(text).into_iter().next().unwrap_or_default()
    }

    fn split(self, text: &str) -> Vec<String> {
        match self {
            Self::Service => baton::key::service_keys(text),
            Self::Webhook => baton::key::live(text).map(str::to_owned).collect(),
        }
    }
}

/// The key to present to the host of this folder: the first live one.
pub fn service_key(home: &Home) -> Result<String> {
    Ok(Key::Service.first(&Key::Service.value(home)?))
}

/// The secret with which to sign wakes for a deployment: the one in BATON_WEBHOOK_SECRET, else in `file`,
/// else in the state folder; none when it is nowhere.
pub fn signing_secret(home: &Home, file: Option<&Path>) -> Result<Option<String>> {
    if let Some(given) = secret_variable("BATON_WEBHOOK_SECRET") {
        return Ok(Some(given));
    }
    let own = Key::Webhook.file(home)?;
    let file = file.unwrap_or(&own);
    match std::fs::read_to_string(file) {
        // A file may separate them by lines.
        Ok(text) => Ok(Some(text.split_whitespace().collect::<Vec<_>>().join(" "))),
        Err(error) if error.kind() == ErrorKind::NotFound && file == own => Ok(None),
        Err(error) => Err(advice::with(
            format!("reading {}", file.display()),
            "give the variable webhook_secret of the deployment in BATON_WEBHOOK_SECRET, or its file with --secret-file",
        )(error)),
    }
}

/// Reads the secrets of a deployment, of which there must be one at least.
pub fn webhook_secrets(text: &str) -> Result<Vec<webhook::Secret>> {
    let help = "give the variable webhook_secret of the deployment in BATON_WEBHOOK_SECRET, or its file with --secret-file";
    let secrets =
        webhook::secrets(text).map_err(advice::with("reading the webhook secret", help))?;
    if secrets.is_empty() {
        return Err(advice::error("there is no webhook secret", help));
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_or_two_are_live_and_the_first_is_presented() {
        const ONE: &str = "0123456789abcdef";
        const TWO: &str = "fedcba9876543210";
        let check = |text: &str, expected: Option<&[&str]>| {
            let live = Key::Service.live(text).ok();
            let expected: Option<Vec<String>> =
                expected.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
            assert_eq!(live, expected, "{text:?}");
            if let Some(live) = live {
                let first = live.first().cloned().unwrap_or_default();
                assert_eq!(Key::Service.first(text), first, "{text:?}");
            }
        };
        check("", Some(&[]));
        check("short\n", None);
        check(&format!("{ONE} {TWO}"), Some(&[ONE, TWO]));
        check(&format!("{ONE}\n{TWO}\n"), Some(&[ONE, TWO]));
        check(&format!(" {ONE}, {TWO} "), Some(&[ONE, TWO]));
        check(&format!("{ONE} {TWO} {ONE}"), None);
        check(
            "correct horse battery staple\n",
            Some(&["correct horse battery staple"]),
        );
    }

    #[test]
    fn what_is_generated_is_live() {
        for key in Key::ALL {
            let [one, two] = [(); 2].map(|()| key.generate().expect("the system is random"));
            assert_ne!(one, two);
            let live = key.live(&format!("{one}\n{two}\n"));
            assert_eq!(live.expect("it is sound"), [one, two]);
        }
    }

    #[test]
    fn a_malformed_webhook_secret_is_refused_and_not_repeated() {
        let error = Key::Webhook
            .live("open sesame")
            .expect_err("it is malformed");
        assert!(!format!("{error:#}").contains("sesame"), "{error:#}");
    }
}
