//! The application manifest `spin.toml` (`spin_manifest_version = 2`), by Spin's rules.
//! What Spin refuses is refused; what Spin takes and this host cannot do is refused by name,
//! so that nothing is silently left out.

mod check;
mod ids;
mod schema;
mod template;

pub(crate) use ids::is_variable_key;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::allowed_hosts::AllowedHosts;
use crate::error::Error;
use crate::routes::Routes;
use template::Template;

/// An application ready to be loaded: all variables have their values.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) name: String,
    pub(crate) routes: Routes,
    pub(crate) components: Vec<Component>,
}

/// One component with its own variables and permissions.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) source: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) allowed_hosts: AllowedHosts,
}

/// A manifest that was read and checked; [`Document::resolve`] fills in the variables.
#[derive(Debug)]
pub(crate) struct Document {
    name: String,
    /// The application's variables; those without a default are required.
    variables: BTreeMap<String, Option<String>>,
    routes: Routes,
    components: BTreeMap<String, Unresolved>,
}

/// A component before its variables have values.
#[derive(Debug)]
struct Unresolved {
    source: PathBuf,
    variables: BTreeMap<String, Template>,
    allowed_hosts: Vec<Template>,
}

/// Checks the manifest at `path` by the rules of Spin and of this host: names, keys, routes,
/// templates, and every allowed host that the defaults of the variables are enough for.
///
/// # Errors
/// If Spin would refuse it or this host does not support it; the error names the place, the value and the remedy.
pub fn check_manifest(path: &Path) -> Result<(), Error> {
    read(path).map(drop)
}

/// Reads and checks the manifest at `path`.
pub(crate) fn read(path: &Path) -> Result<Document, Error> {
    std::fs::read_to_string(path)
        .map_err(|err| format!("cannot read the manifest: {err}"))
        .and_then(|text| parse(&text))
        .map_err(refused(path))
}

/// For `map_err`: which manifest is wrong.
pub(crate) fn refused(path: &Path) -> impl FnOnce(String) -> Error {
    move |message| Error::Manifest {
        path: path.to_owned(),
        message,
    }
}

fn parse(text: &str) -> Result<Document, String> {
    let at_line = |err: toml::de::Error| at_line(text, &err);
    check::version(&toml::from_str(text).map_err(at_line)?)?;
    check::manifest(toml::from_str(text).map_err(at_line)?)
}

/// The error on one line.
fn at_line(text: &str, err: &toml::de::Error) -> String {
    let message = err.message().trim_end().replace('\n', ", ");
    match err.span().and_then(|it| text.get(..it.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

impl Document {
    /// Fills in the variables; `given` values win over the manifest's defaults.
    /// The sources of components are relative to the manifest.
    pub(crate) fn resolve(&self, given: &BTreeMap<String, String>) -> Result<Application, String> {
        let values = self.values(given)?;
        let ids: Vec<&str> = self.components.keys().map(String::as_str).collect();
        let resolve = |(id, it): (&String, &Unresolved)| it.resolve(id, &values, &ids);
        Ok(Application {
            name: self.name.clone(),
            routes: self.routes.clone(),
            components: self
                .components
                .iter()
                .map(resolve)
                .collect::<Result<_, _>>()?,
        })
    }

    fn values(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
        if let Some(name) = given.keys().find(|it| !self.variables.contains_key(*it)) {
            return Err(format!(
                "the variable {name} was given but is not declared in [variables]"
            ));
        }
        let values = self.variables.iter().map(|(name, default)| {
            match given.get(name).or(default.as_ref()) {
                Some(value) => Ok((name.clone(), value.clone())),
                None => Err(format!("the required variable {name} has no value")),
            }
        });
        values.collect()
    }
}

impl Unresolved {
    fn resolve(
        &self,
        id: &str,
        values: &BTreeMap<String, String>,
        ids: &[&str],
    ) -> Result<Component, String> {
        // Every name in a template is declared, so all have values here.
        let variables = self.variables.iter();
        let variables = variables.filter_map(|(key, it)| Some((key.clone(), it.fill(values)?)));
        let patterns: Vec<String> = self.patterns(values).map(|(_, text)| text).collect();
        Ok(Component {
            name: id.to_owned(),
            source: self.source.clone(),
            variables: variables.collect(),
            allowed_hosts: AllowedHosts::parse(&patterns, ids)
                .map_err(|err| format!("[component.{id}] allowed_outbound_hosts: {err}"))?,
        })
    }

    /// The allowed hosts that have values for all of their variables.
    fn patterns(
        &self,
        values: &BTreeMap<String, String>,
    ) -> impl Iterator<Item = (&Template, String)> {
        self.allowed_hosts.iter().filter_map(|it| {
            let text = it.fill(values)?;
            // An empty variable stands for an optional endpoint.
            let is_absent = matches!(text.as_str(), "" | "http://" | "https://");
            (it.is_literal() || !is_absent).then_some((it, text))
        })
    }
}

#[cfg(test)]
mod tests;
