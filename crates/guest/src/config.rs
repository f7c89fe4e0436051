use domain::key;
use spin_sdk::variables;

use crate::Error;

/// The settings that every component has.
pub struct Config {
    /// What callers present as their bearer token, one of them; the first is the one to present.
    pub(crate) service_keys: Vec<String>,
    /// Secrets of which one signs a request that presents no key; empty when signatures are not accepted.
    pub(crate) webhook_secret: String,
    /// Where PostgreSQL is, as a connection string.
    pub(crate) database: String,
}

impl Config {
    /// What to present to other components; empty when nobody is admitted by a key.
    pub fn service_key(&self) -> &str {
        self.service_keys.first().map_or("", String::as_str)
    }

    /// Reads the Spin variables, once per request.
    pub async fn load() -> Result<Self, Error> {
        let mut database = String::new();
        for (parameter, name) in [
            ("host", "pg_host"),
            ("port", "pg_port"),
            ("dbname", "pg_database"),
            ("user", "pg_user"),
            ("password", "pg_password"),
            ("sslmode", "pg_sslmode"),
        ] {
            let value = variable(name)
                .await?
                .replace('\\', r"\\")
                .replace('\'', r"\'");
            if !value.is_empty() {
                database.push_str(&format!("{parameter}='{value}' "));
            }
        }
        // Should anything ever leave a transaction or a statement behind, PostgreSQL ends it.
        database.push_str(
            "options='-c idle_in_transaction_session_timeout=10s -c statement_timeout=20s'",
        );
        Ok(Self {
            service_keys: key::service_keys(&variable("service_key").await?),
            webhook_secret: variable("webhook_secret").await?,
            database,
        })
    }
}

/// The value of a Spin variable of this component.
pub async fn variable(name: &str) -> Result<String, Error> {
    variables::get(name)
        .await
        .map_err(|it| Error::Bug(format!("variable {name}: {it}")))
}
