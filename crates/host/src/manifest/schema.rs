//! The keys of a manifest and their types, as Spin reads them: spinframework/spin crates/manifest/src/schema.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the version is compared before all else is read")]
pub(super) struct Manifest {
    spin_manifest_version: u32,
    pub(super) application: Head,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Variable>,
    /// By their type; what is in them is the trigger's own matter.
    #[serde(rename = "trigger")]
    pub(super) triggers: BTreeMap<String, Vec<toml::Table>>,
    #[serde(default, rename = "component")]
    pub(super) components: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "most of it is for people and other tools")]
pub(super) struct Head {
    pub(super) name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    authors: Vec<String>,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default, rename = "trigger")]
    pub(super) triggers: BTreeMap<String, toml::Table>,
    #[serde(default)]
    tool: BTreeMap<String, toml::Table>,
}

/// `[application.trigger.http]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpSettings {
    pub(super) base: Option<String>,
}

/// The environments that Spin checks components against while it builds them.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a target is a name, { url = \"…\" } or { path = \"…\" }"
)]
#[expect(dead_code, reason = "building is the work of other tools")]
enum Target {
    Name(String),
    Url { url: String },
    Path { path: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "no value is ever shown, secret or not")]
pub(super) struct Variable {
    description: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) default: Option<String>,
    #[serde(default)]
    secret: bool,
}

/// `[[trigger.http]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the id is for other tools")]
pub(super) struct HttpTrigger {
    #[serde(default)]
    id: String,
    pub(super) route: Route,
    pub(super) component: Option<toml::Value>,
    #[serde(default)]
    pub(super) components: toml::Table,
    #[serde(default)]
    pub(super) dependencies: toml::Table,
    pub(super) static_response: Option<StaticResponse>,
    pub(super) executor: Option<Executor>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a route is a path such as \"/hello/...\", or { private = true }"
)]
pub(super) enum Route {
    Path(String),
    Private(Private),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Private {
    pub(super) private: bool,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the built-in host refuses it")]
pub(super) struct StaticResponse {
    status_code: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "type")]
#[expect(dead_code, reason = "the built-in host refuses the second kind")]
pub(super) enum Executor {
    #[serde(alias = "spin")]
    Http,
    Wagi {
        entrypoint: Option<String>,
        argv: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "much of it is for people and other tools")]
pub(super) struct Component {
    pub(super) source: Source,
    #[serde(default)]
    description: String,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) files: Vec<Files>,
    /// Taken from `files`, which are refused already.
    #[serde(default)]
    exclude_files: Vec<String>,
    #[serde(default)]
    pub(super) allowed_http_hosts: Vec<String>,
    #[serde(default)]
    pub(super) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(super) key_value_stores: Vec<String>,
    #[serde(default)]
    pub(super) sqlite_databases: Vec<String>,
    #[serde(default)]
    pub(super) ai_models: Vec<String>,
    targets: Option<Vec<Target>>,
    build: Option<Build>,
    #[serde(default)]
    tool: BTreeMap<String, toml::Table>,
    /// Says something about `dependencies`, which are refused already.
    dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    pub(super) dependencies: toml::Table,
    #[serde(default)]
    pub(super) profile: BTreeMap<String, Profile>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a source is a path, { url = \"…\", digest = \"…\" } or { registry = \"…\", package = \"…\", version = \"…\" }"
)]
#[expect(dead_code, reason = "the built-in host refuses all but a path")]
pub(super) enum Source {
    Path(String),
    Url {
        url: String,
        digest: String,
    },
    Registry {
        registry: Option<String>,
        package: String,
        version: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "files are a pattern, or { source = \"…\", destination = \"…\" }"
)]
#[expect(dead_code, reason = "the built-in host refuses files")]
pub(super) enum Files {
    Pattern(String),
    Placement { source: String, destination: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "building is the work of other tools")]
struct Build {
    command: Commands,
    workdir: Option<String>,
    #[serde(default)]
    watch: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a command is a string or a list of strings")]
#[expect(dead_code, reason = "building is the work of other tools")]
enum Commands {
    One(String),
    Several(Vec<String>),
}

/// What `spin up --profile` puts in place of the same keys of the component.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the built-in host runs the default profile")]
pub(super) struct Profile {
    source: Option<Source>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) dependencies: toml::Table,
    build: Option<ProfileBuild>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "building is the work of other tools")]
struct ProfileBuild {
    command: Commands,
}
