//! From the text of a manifest to a [`Document`]: the rules beyond keys and types.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::schema::{self, HttpSettings, HttpTrigger, Manifest, Route, Source};
use super::{Document, Template, Unresolved, ids};
use crate::allowed_hosts::AllowedHosts;
use crate::routes::Routes;

/// A route, or none if it is private, and a component.
type Trigger = (Option<String>, String);

pub(super) fn version(manifest: &toml::Table) -> Result<(), String> {
    let version = manifest.get("spin_manifest_version");
    match version.or(manifest.get("spin_version")) {
        Some(toml::Value::Integer(2)) => Ok(()),
        Some(toml::Value::String(text)) if text == "1" => Err(unsupported(
            "spin_manifest_version \"1\"",
            "`spin doctor` upgrades the manifest to 2",
        )),
        Some(other) => Err(format!("spin_manifest_version is {other}; set it to 2")),
        None => Err("spin_manifest_version is missing; set it to 2".to_owned()),
    }
}

pub(super) fn manifest(manifest: Manifest) -> Result<Document, String> {
    let mut head = manifest.application;
    if let Some(settings) = head.triggers.remove("http") {
        http_settings(settings).map_err(|err| format!("[application.trigger.http] {err}"))?;
    }
    let variables = variables(manifest.variables)?;
    let triggers = triggers(manifest.triggers)?;
    let declared = |name: &str| variables.contains_key(name);
    let mut components = BTreeMap::new();
    for (id, table) in manifest.components {
        let component = component(&id, table, declared)?;
        components.insert(id, component);
    }
    for (_, id) in &triggers {
        if !components.contains_key(id) {
            return Err(format!(
                "[[trigger.http]] component `{id}` is not defined; add [component.{id}] or correct the name"
            ));
        }
    }
    let document = Document {
        name: head.name,
        routes: Routes::new(&triggers)?,
        variables,
        components,
    };
    default_hosts(&document)?;
    Ok(document)
}

/// For what Spin can do and this host cannot.
fn unsupported(what: &str, remedy: &str) -> String {
    format!("the built-in host does not support {what}; Spin does; {remedy}")
}

fn http_settings(settings: toml::Table) -> Result<(), String> {
    let settings: HttpSettings = settings
        .try_into()
        .map_err(|err: toml::de::Error| err.message().to_owned())?;
    match settings.base.as_deref() {
        None | Some("/") => Ok(()),
        Some(base) => Err(format!(
            "base `{base}`: Spin no longer supports a base; prepend it to the route of each [[trigger.http]]"
        )),
    }
}

fn variables(
    declared: BTreeMap<String, schema::Variable>,
) -> Result<BTreeMap<String, Option<String>>, String> {
    let mut variables = BTreeMap::new();
    for (name, variable) in declared {
        ids::variable_name(&name).map_err(|err| format!("[variables] {err}"))?;
        match (&variable.default, variable.required) {
            (Some(_), true) => {
                return Err(format!(
                    "[variables] `{name}` is required and has a default; remove one of the two"
                ));
            }
            (None, false) => {
                return Err(format!(
                    "[variables] `{name}` has no default and is not required; add `required = true` or `default = \"…\"`"
                ));
            }
            (Some(_), false) | (None, true) => variables.insert(name, variable.default),
        };
    }
    Ok(variables)
}

fn triggers(types: BTreeMap<String, Vec<toml::Table>>) -> Result<Vec<Trigger>, String> {
    let mut triggers = Vec::new();
    for (kind, tables) in types {
        if kind != "http" && !tables.is_empty() {
            return Err(unsupported(&format!("[[trigger.{kind}]]"), "remove it"));
        }
        for (index, table) in tables.into_iter().enumerate() {
            let trigger = http_trigger(table)
                .map_err(|err| format!("[[trigger.http]] number {}: {err}", index + 1))?;
            triggers.push(trigger);
        }
    }
    match triggers.is_empty() {
        true => {
            Err("there is no trigger; add [[trigger.http]] with a route and a component".to_owned())
        }
        false => Ok(triggers),
    }
}

fn http_trigger(table: toml::Table) -> Result<Trigger, String> {
    let trigger: HttpTrigger = table
        .try_into()
        .map_err(|err: toml::de::Error| err.message().trim_end().replace('\n', ", "))?;
    let component = match (trigger.component, trigger.static_response) {
        (Some(toml::Value::String(id)), None) => id,
        (Some(toml::Value::Table(_)), None) => {
            return Err(unsupported(
                "a component written in its trigger",
                "move it to [component.<id>] and name the id",
            ));
        }
        (Some(other), None) => {
            return Err(format!(
                "component {other} is not a name; write the id of a component"
            ));
        }
        (None, Some(_)) => {
            return Err(unsupported("static_response", "answer by a component"));
        }
        (Some(_), Some(_)) => {
            return Err(
                "it has a component and a static_response; remove one of the two".to_owned(),
            );
        }
        (None, None) => return Err("it has no component; add `component = \"…\"`".to_owned()),
    };
    ids::component_id(&component).map_err(|err| format!("component {err}"))?;
    let route = match trigger.route {
        Route::Path(path) => Some(path),
        Route::Private(it) if it.private => None,
        Route::Private(_) => {
            return Err(
                "route { private = false }: write a path, or { private = true }".to_owned(),
            );
        }
    };
    match trigger.executor {
        None | Some(schema::Executor::Http) => {}
        Some(schema::Executor::Wagi { .. }) => {
            return Err(unsupported(
                "the executor `wagi`",
                "build the component for wasi:http",
            ));
        }
    }
    for (key, table) in [
        ("components", trigger.components),
        ("dependencies", trigger.dependencies),
    ] {
        if !table.is_empty() {
            return Err(unsupported(&format!("`{key}` of a trigger"), "remove them"));
        }
    }
    Ok((route, component))
}

fn component(
    id: &str,
    table: schema::Component,
    declared: impl Fn(&str) -> bool + Copy,
) -> Result<Unresolved, String> {
    let here = |err: String| format!("[component.{id}] {err}");
    ids::component_id(id).map_err(here)?;
    let labels = [
        ("key_value_stores", &table.key_value_stores),
        ("sqlite_databases", &table.sqlite_databases),
    ];
    for (key, labels) in labels {
        for label in labels {
            ids::label(label).map_err(|err| here(format!("{key}: {err}")))?;
        }
    }
    let mut variables = BTreeMap::new();
    for (name, text) in &table.variables {
        let here = |err: String| format!("[component.{id}.variables] {err}");
        ids::variable_name(name).map_err(here)?;
        let template =
            Template::parse(text, declared).map_err(|err| here(format!("{name}: {err}")))?;
        variables.insert(name.clone(), template);
    }
    let mut allowed_hosts = Vec::new();
    for text in &table.allowed_outbound_hosts {
        let template = Template::parse(text, declared)
            .map_err(|err| here(format!("allowed_outbound_hosts: {err}")))?;
        allowed_hosts.push(template);
    }
    supported(&table).map_err(here)?;
    let source = match table.source {
        Source::Path(path) => PathBuf::from(path),
        Source::Url { .. } | Source::Registry { .. } => {
            return Err(here(unsupported(
                "a source that is not a path",
                "download the component and write its path",
            )));
        }
    };
    Ok(Unresolved {
        source,
        variables,
        allowed_hosts,
    })
}

fn supported(table: &schema::Component) -> Result<(), String> {
    let keys = [
        ("environment", table.environment.is_empty(), "use variables"),
        (
            "files",
            table.files.is_empty(),
            "build them into the component",
        ),
        (
            "allowed_http_hosts",
            table.allowed_http_hosts.is_empty(),
            "use allowed_outbound_hosts",
        ),
        (
            "key_value_stores",
            table.key_value_stores.is_empty(),
            "remove them",
        ),
        (
            "sqlite_databases",
            table.sqlite_databases.is_empty(),
            "remove them",
        ),
        ("ai_models", table.ai_models.is_empty(), "remove them"),
        (
            "dependencies",
            table.dependencies.is_empty()
                && table.profile.values().all(|it| it.dependencies.is_empty()),
            "compose the component while it is built",
        ),
    ];
    match keys.into_iter().find(|(_, is_empty, _)| !is_empty) {
        Some((key, _, remedy)) => Err(unsupported(key, remedy)),
        None => Ok(()),
    }
}

/// Spin checks what the defaults lead to, even if other values are given.
fn default_hosts(document: &Document) -> Result<(), String> {
    let defaults = document.variables.iter();
    let defaults = defaults
        .filter_map(|(name, default)| Some((name.clone(), default.clone()?)))
        .collect();
    for (id, component) in &document.components {
        for (template, pattern) in component.patterns(&defaults) {
            let by = match template.is_literal() {
                true => "",
                false => " with the defaults of [variables]",
            };
            AllowedHosts::check(&pattern)
                .map_err(|err| format!("[component.{id}] allowed_outbound_hosts{by}: {err}"))?;
        }
    }
    Ok(())
}
