use std::fmt;

use anyhow::{Result, bail};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Where a database is and how to get in. Shown without its password.
#[derive(Clone)]
pub(crate) struct Address {
    config: Config,
    secret: String,
}

impl Address {
    /// Reads a URL or `key=value` pairs, as `psql` takes them.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let config: Config = text.parse()?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            bail!("it names no host");
        }
        Ok(Self::of(config))
    }

    /// Another database on the same server.
    pub(crate) fn with_database(&self, name: &str) -> Self {
        let mut config = self.config.clone();
        config.dbname(name);
        Self::of(config)
    }

    /// The same database for another user.
    pub(crate) fn with_user(&self, user: &str, password: &str) -> Self {
        let mut config = self.config.clone();
        config.user(user).password(password);
        Self::of(config)
    }

    /// The connection string, password included. Never show it.
    pub(crate) fn secret_string(&self) -> &str {
        &self.secret
    }

    /// The database's name.
    pub(crate) fn database(&self) -> &str {
        self.config
            .get_dbname()
            .or(self.config.get_user())
            .unwrap_or("postgres")
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }

    /// The host by its name or IP address.
    ///
    /// # Errors
    /// When it is a Unix socket, which components cannot reach.
    pub(crate) fn host(&self) -> Result<String> {
        match (
            self.config.get_hosts().first(),
            self.config.get_hostaddrs().first(),
        ) {
            (Some(Host::Tcp(name)), _) => Ok(name.clone()),
            (Some(Host::Unix(path)), _) => bail!(
                "components reach PostgreSQL by TCP only, not by the socket in {}",
                path.display()
            ),
            (None, Some(ip)) => Ok(ip.to_string()),
            (None, None) => bail!("the address of the database names no host"),
        }
    }

    /// How TLS is used.
    pub(crate) fn ssl_mode(&self) -> &'static str {
        match self.config.get_ssl_mode() {
            SslMode::Disable => "disable",
            SslMode::Require => "require",
            // Later modes of the library would be stricter than this default, and are refused by it today.
            _ => "prefer",
        }
    }

    fn of(config: Config) -> Self {
        let secret = connection_string(&config);
        Self { config, secret }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => self
                .config
                .get_hostaddrs()
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        write!(f, "{} on {host}:{}", self.database(), self.port())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

fn connection_string(config: &Config) -> String {
    let mut text = String::new();
    let mut add = |key: &str, value: &str| {
        let value = value.replace('\\', r"\\").replace('\'', r"\'");
        text.push_str(&format!("{key}='{value}' "));
    };
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|it| match it {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let addresses: Vec<String> = config
        .get_hostaddrs()
        .iter()
        .map(ToString::to_string)
        .collect();
    let ports: Vec<String> = config.get_ports().iter().map(ToString::to_string).collect();
    let password = config.get_password().map(String::from_utf8_lossy);
    let timeout = config
        .get_connect_timeout()
        .map(|it| it.as_secs().to_string());
    let ssl_mode = match config.get_ssl_mode() {
        SslMode::Disable => "disable",
        SslMode::Require => "require",
        _ => "prefer",
    };
    for (key, value) in [
        ("host", Some(hosts.join(","))),
        ("hostaddr", Some(addresses.join(","))),
        ("port", Some(ports.join(","))),
        ("dbname", config.get_dbname().map(str::to_owned)),
        ("user", config.get_user().map(str::to_owned)),
        ("password", password.map(|it| it.into_owned())),
        ("options", config.get_options().map(str::to_owned)),
        ("connect_timeout", timeout),
        ("sslmode", Some(ssl_mode.to_owned())),
        (
            "application_name",
            Some(config.get_application_name().unwrap_or("baton").to_owned()),
        ),
    ] {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            add(key, &value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text).expect(text)
    }

    #[test]
    fn an_address_survives_being_written_out() {
        for text in [
            "postgres://ann:p%27a%5Css@db.example.com:6432/shop?sslmode=require&connect_timeout=7&options=-c%20work_mem%3D8MB",
            "host=localhost user=ann dbname=shop",
            "postgresql://ann@127.0.0.1",
        ] {
            let address = parsed(text);
            assert_eq!(
                parsed(address.secret_string()).secret_string(),
                address.secret_string(),
                "{text}"
            );
        }
        let address = parsed("postgres://ann:p%27a%5Css@db.example.com:6432/shop?sslmode=require");
        assert_eq!(
            parsed(address.secret_string()).config.get_password(),
            Some(br"p'a\ss".as_slice())
        );
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address = parsed("postgres://ann:geheim@db.example.com:6432/shop");
        assert_eq!(
            format!("{address} {address:?}"),
            "shop on db.example.com:6432 Address(shop on db.example.com:6432)"
        );
        let worker = address
            .with_user("baton_worker", "other")
            .with_database("scratch");
        assert_eq!(worker.to_string(), "scratch on db.example.com:6432");
        assert!(
            worker
                .secret_string()
                .contains("user='baton_worker' password='other'")
        );
    }

    #[test]
    fn components_are_told_what_they_need() {
        let address = parsed("postgres://ann@db.example.com/shop?sslmode=require");
        assert_eq!(address.host().ok().as_deref(), Some("db.example.com"));
        assert_eq!(
            (address.port(), address.database(), address.ssl_mode()),
            (5432, "shop", "require")
        );
        assert!(parsed("host=/var/run/postgresql user=ann").host().is_err());
        assert!(Address::parse("dbname=shop").is_err());
    }
}
