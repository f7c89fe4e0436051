use domain::{database, key};
use spin_sdk::variables;

use crate::Error;

/// The settings that every component has.
#[derive(Clone)]
pub struct Config {
    /// What callers present as their bearer token, one of them; the first is the one to present.
    pub(crate) service_keys: Vec<String>,
    /// Secrets of which one signs a request that presents no key; empty when signatures are not accepted.
    pub(crate) webhook_secret: String,
    pub(crate) database: Database,
}

/// How to reach PostgreSQL.
#[derive(Clone)]
pub(crate) struct Database {
    /// A connection string.
    pub(crate) address: String,
    /// A certificate of an authority to trust beside those of the host, as PEM text.
    pub(crate) ca: Option<String>,
}

impl Config {
    /// What to present to other components; empty when nobody is admitted by a key.
    pub fn service_key(&self) -> &str {
        self.service_keys.first().map_or("", String::as_str)
    }

    /// Reads the Spin variables, once per request.
    pub async fn load() -> Result<Self, Error> {
        let service_keys = key::safe_service_keys(&variable("service_key").await?)
            .map_err(|it| Error::Misconfigured(format!("variable service_key: {it}")))?;
        Ok(Self {
            service_keys,
            webhook_secret: variable("webhook_secret").await?,
            database: Database::load().await?,
        })
    }
}

impl Database {
    async fn load() -> Result<Self, Error> {
        let host = variable("pg_host").await?;
        let ca = variable("pg_ca").await?;
        let ca = Some(ca).filter(|it| !it.trim().is_empty());
        // Spin reads the first certificate of a text and says nothing about others.
        if ca
            .as_ref()
            .is_some_and(|it| it.matches("-----BEGIN CERTIFICATE-----").count() != 1)
        {
            return Err(Error::Misconfigured(
                "variable pg_ca: give exactly one certificate, as PEM text".to_owned(),
            ));
        }
        let mode = variable("pg_sslmode").await?;
        let tls = database::tls(&mode, &host, ca.is_some())
            .map_err(|it| Error::Misconfigured(format!("variable pg_sslmode: {it}")))?;
        let mut address = format!("host={} ", database::quoted(&host));
        // An IPv6 literal is a name in `host`, by which Spin checks it, and an address here.
        if database::bare(&host) != host {
            address.push_str(&format!(
                "hostaddr={} ",
                database::quoted(database::bare(&host))
            ));
        }
        for (parameter, name) in [
            ("port", "pg_port"),
            ("dbname", "pg_database"),
            ("user", "pg_user"),
            ("password", "pg_password"),
        ] {
            let value = variable(name).await?;
            if !value.is_empty() {
                address.push_str(&format!("{parameter}={} ", database::quoted(&value)));
            }
        }
        for (parameter, value) in database::TIMEOUTS {
            address.push_str(&format!("{parameter}={value} "));
        }
        // Should anything ever leave a transaction or a statement behind, PostgreSQL ends it. Whatever the server's zone is,
        // answers say instants in UTC.
        address.push_str(&format!(
            "sslmode={} options='-c idle_in_transaction_session_timeout=10s -c statement_timeout=20s \
             -c default_transaction_isolation=read\\\\ committed -c TimeZone=UTC'",
            tls.sslmode()
        ));
        Ok(Self { address, ca })
    }
}

/// The value of a Spin variable of this component.
pub async fn variable(name: &str) -> Result<String, Error> {
    variables::get(name)
        .await
        .map_err(|it| Error::Misconfigured(format!("variable {name}: {it}")))
}
