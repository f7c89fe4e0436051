//! What the tests' server and template are like. `scripts/test --matrix` runs the tests of the database once for each name.

use std::path::PathBuf;

use anyhow::Context as _;
use cluster::Options;

/// Names a variant; without it, the server is as Baton's own, but for `fsync`.
const VARIABLE: &str = "BATON_TEST_VARIANT";

/// The variants of the matrix.
pub(crate) const NAMES: &[&str] = &[
    "open-public",
    "repeatable-read",
    "serializable",
    "sync-commit-off",
    "locale",
    "plain-owner",
    "postgresql-16",
    "postgresql-17",
    "postgresql-18",
];

/// As on platforms that open what a migration makes, and then some.
const OPEN: &str = "
    alter default privileges grant all on tables to public, anon, authenticated, service_role;
    alter default privileges grant all on sequences to public, anon, authenticated, service_role;
    alter default privileges grant all on functions to public, anon, authenticated, service_role;
    alter default privileges grant all on types to public, anon, authenticated, service_role;
    alter default privileges grant all on schemas to public, anon, authenticated, service_role;";

/// The login of an owner who is no superuser: what README.md asks for, and nothing else.
pub(crate) const PLAIN_OWNER: &str = "test_owner";

/// How a run of the tests differs from the usual one.
#[derive(Default)]
pub(crate) struct Variant {
    name: Option<String>,
    settings: &'static [(&'static str, &'static str)],
    /// Run by the owner in a new database, before the first migration.
    pub(crate) before_migrating: &'static str,
    /// Databases belong to [`PLAIN_OWNER`], not to a superuser.
    pub(crate) plain_owner: bool,
}

impl Variant {
    /// The one that the environment names.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runner's own options leave no room for others"
    )]
    pub(crate) fn read() -> anyhow::Result<Variant> {
        let Ok(name) = std::env::var(VARIABLE) else {
            return Ok(Variant::default());
        };
        let mut variant = Variant::default();
        match name.as_str() {
            "open-public" => variant.before_migrating = OPEN,
            "repeatable-read" => {
                variant.settings = &[("default_transaction_isolation", "repeatable read")];
            }
            "serializable" => {
                variant.settings = &[("default_transaction_isolation", "serializable")];
            }
            "sync-commit-off" => variant.settings = &[("synchronous_commit", "off")],
            "locale" => {
                variant.settings = &[
                    ("timezone", "Pacific/Auckland"),
                    ("datestyle", "SQL, DMY"),
                    ("intervalstyle", "sql_standard"),
                ];
            }
            "plain-owner" => variant.plain_owner = true,
            other => anyhow::ensure!(
                NAMES.contains(&other),
                "{VARIABLE} is {other}; known are {}",
                NAMES.join(", ")
            ),
        }
        variant.name = Some(name);
        Ok(variant)
    }

    /// The folder of the tests' cluster. Each variant has its own, because some differ in what `initdb` made.
    pub(crate) fn folder(&self) -> PathBuf {
        let name = match &self.name {
            None => "target/test-postgres".to_owned(),
            Some(name) => format!("target/test-postgres-{name}"),
        };
        super::home().join(name)
    }

    /// How a cluster of this variant starts, with these settings as well.
    pub(crate) fn options(&self, settings: &[(&str, &str)]) -> anyhow::Result<Options> {
        let settings = self.settings.iter().chain(settings);
        Ok(Options {
            settings: settings
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            programs: self.programs()?,
            ..Options::default()
        })
    }

    /// The programs of another PostgreSQL than the installed one.
    fn programs(&self) -> anyhow::Result<Option<PathBuf>> {
        let Some(server) = self
            .name
            .as_deref()
            .filter(|it| it.starts_with("postgresql-"))
        else {
            return Ok(None);
        };
        let folder = super::home().join("target/test-servers/node_modules");
        let folder = folder.join(server).join("native/bin");
        // Root's server cannot follow links through folders that are closed to it.
        let found = std::fs::canonicalize(&folder)
            .with_context(|| format!("{}: scripts/setup --matrix installs it", folder.display()))?;
        Ok(Some(found))
    }
}
