//! The application manifest `spin.toml` (`spin_manifest_version = 2`), the part of it that this host supports.
//! Everything else is refused by name, so that nothing is silently left out.

mod template;

pub(crate) use template::is_name as is_variable_name;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::allowed_hosts::AllowedHosts;
use crate::error::Error;

/// An application ready to be loaded: all variables resolved, all references checked.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) name: String,
    /// Route and component, in the manifest's order.
    pub(crate) routes: Vec<(String, String)>,
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

/// A manifest that was read; what its variables make of it is told by [`Document::resolve`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    spin_manifest_version: u32,
    application: Head,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    component: BTreeMap<String, ComponentTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "accepted for people and other tools")]
struct Head {
    name: String,
    version: Option<String>,
    description: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "secret changes nothing here: no value is ever shown"
)]
struct Variable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    secret: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the id is for other tools")]
struct HttpTrigger {
    id: Option<String>,
    route: String,
    component: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "description and build are for people and other tools"
)]
struct ComponentTable {
    source: String,
    description: Option<String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    build: Option<Build>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "building is the work of other tools")]
struct Build {
    command: toml::Value,
    watch: Option<Vec<String>>,
    workdir: Option<String>,
}

/// Reads the manifest at `path`.
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
    let document: Document = toml::from_str(text).map_err(|err| err.to_string())?;
    if document.spin_manifest_version != 2 {
        return Err(format!(
            "spin_manifest_version is {}, only 2 is supported",
            document.spin_manifest_version
        ));
    }
    Ok(document)
}

impl Document {
    /// Checks it and fills in the variables; `given` values win over the manifest's defaults.
    /// The sources of components are relative to the manifest.
    pub(crate) fn resolve(&self, given: &BTreeMap<String, String>) -> Result<Application, String> {
        let values = resolve_variables(&self.variables, given)?;
        let mut components = Vec::new();
        for (name, table) in &self.component {
            components.push(resolve_component(name, table, &values)?);
        }
        let mut routes = Vec::new();
        for trigger in &self.trigger.http {
            if !self.component.contains_key(&trigger.component) {
                return Err(format!(
                    "route {} names the component {}, which is not defined",
                    trigger.route, trigger.component
                ));
            }
            routes.push((trigger.route.clone(), trigger.component.clone()));
        }
        Ok(Application {
            name: self.application.name.clone(),
            routes,
            components,
        })
    }
}

fn resolve_variables(
    declared: &BTreeMap<String, Variable>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(format!(
            "the variable {name} was given but is not declared in [variables]"
        ));
    }
    let mut values = BTreeMap::new();
    for (name, variable) in declared {
        if !template::is_name(name) {
            return Err(format!(
                "variable {name}: a name is a lower-case letter followed by letters, digits and _"
            ));
        }
        match (&variable.default, variable.required) {
            (Some(_), true) => {
                return Err(format!(
                    "variable {name} is both required and has a default"
                ));
            }
            (None, false) => {
                return Err(format!(
                    "variable {name} is neither required nor has a default"
                ));
            }
            (default, _) => match given.get(name).or(default.as_ref()) {
                Some(value) => values.insert(name.clone(), value.clone()),
                None => return Err(format!("the required variable {name} has no value")),
            },
        };
    }
    Ok(values)
}

fn resolve_component(
    name: &str,
    table: &ComponentTable,
    values: &BTreeMap<String, String>,
) -> Result<Component, String> {
    let mut variables = BTreeMap::new();
    for (key, text) in &table.variables {
        if !template::is_name(key) {
            return Err(format!(
                "[component.{name}] variable {key}: a name is a lower-case letter followed by letters, digits and _"
            ));
        }
        let value = template::fill(text, values)
            .map_err(|err| format!("[component.{name}] variable {key}: {err}"))?;
        variables.insert(key.clone(), value);
    }
    let mut hosts = Vec::new();
    for text in &table.allowed_outbound_hosts {
        let value = template::fill(text, values)
            .map_err(|err| format!("[component.{name}] allowed_outbound_hosts: {err}"))?;
        // An empty variable stands for an optional endpoint, as with Spin.
        if !(value.trim().is_empty() && text.contains("{{")) {
            hosts.push(value);
        }
    }
    let allowed_hosts = AllowedHosts::parse(&hosts)
        .map_err(|err| format!("[component.{name}] allowed_outbound_hosts: {err}"))?;
    Ok(Component {
        name: name.to_owned(),
        source: PathBuf::from(&table.source),
        variables,
        allowed_hosts,
    })
}

#[cfg(test)]
mod tests;
