use crate::{database, key};
use spin_sdk::variables;

use super::Error;

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
            webhook_secret: variable_or_empty("webhook_secret").await?,
            database: Database::load().await?,
        })
    }
}

impl Database {
    async fn load() -> Result<Self, Error> {
        let ca = variable_or_empty("pg_ca").await?;
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
        let address = database::connection_string(&variable("database").await?, ca.is_some())
            .map_err(|it| Error::Misconfigured(format!("variable database: {it}")))?;
        Ok(Self { address, ca })
    }
}

/// The value of a Spin variable of this component.
pub async fn variable(name: &str) -> Result<String, Error> {
    variables::get(name)
        .await
        .map_err(|it| Error::Misconfigured(format!("variable {name}: {it}")))
}

/// The value of a Spin variable that a component need not declare.
async fn variable_or_empty(name: &str) -> Result<String, Error> {
    match variables::get(name).await {
        Err(variables::Error::Undefined(_)) => Ok(String::new()),
        it => it.map_err(|it| Error::Misconfigured(format!("variable {name}: {it}"))),
    }
}
