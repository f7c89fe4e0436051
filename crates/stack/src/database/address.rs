mod options;

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use baton::database::{self, Tls};
use host::pg::Trust;
use tokio_postgres::Config;
use tokio_postgres::config::{
    ChannelBinding, Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs,
};

use options::Options;

/// Where a database is and how to get in. Shown without its password.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: Tls,
    trust: Trust,
    /// The file with further authorities, if one was given.
    root_cert: Option<String>,
    secret: String,
}

impl Address {
    /// Reads a URL or `key=value` pairs, as `psql` takes them; `PGSSLMODE` and `PGSSLROOTCERT` count where the text is silent.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, |name| std::env::var_os(name)?.into_string().ok())
    }

    fn parse_with(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let Options {
            rest,
            sslmode,
            sslrootcert,
        } = Options::split(text)?;
        let set = |name| environment(name).filter(|it| !it.is_empty());
        let sslmode = sslmode.or_else(|| set("PGSSLMODE")).unwrap_or_default();
        // libpq's word for the authorities of the system, which are trusted anyway.
        let root_cert = sslrootcert
            .or_else(|| set("PGSSLROOTCERT"))
            .filter(|it| it != "system");
        let mut config: Config = rest.parse()?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            bail!("it names no host");
        }
        let trust = match &root_cert {
            None => Trust::system(),
            Some(file) => std::fs::read_to_string(file)
                .map_err(anyhow::Error::from)
                .and_then(|pem| Ok(Trust::system().with(&pem)?))
                .with_context(|| format!("reading sslrootcert {}", Path::new(file).display()))?,
        };
        let mut tls = Tls::Off;
        for host in names(&config) {
            let one =
                database::tls(&sslmode, &host, root_cert.is_some()).map_err(anyhow::Error::msg)?;
            // TLS is for TCP; libpq ignores it on a socket, too.
            if one == Tls::Verified && !host.starts_with('/') {
                tls = one;
            }
        }
        config.ssl_mode(match tls {
            Tls::Off => SslMode::Disable,
            Tls::Verified => SslMode::Require,
        });
        Ok(Self::of(config, tls, trust, root_cert))
    }

    /// Another database on the same server.
    pub fn with_database(&self, name: &str) -> Self {
        let mut config = self.config.clone();
        config.dbname(name);
        Self::of(config, self.tls, self.trust.clone(), self.root_cert.clone())
    }

    /// The same database for another user.
    pub fn with_user(&self, user: &str, password: &str) -> Self {
        let mut config = self.config.clone();
        config.user(user).password(password);
        Self::of(config, self.tls, self.trust.clone(), self.root_cert.clone())
    }

    /// The connection string, password included. Never show it.
    pub fn secret_string(&self) -> &str {
        &self.secret
    }

    /// What another process reads by [`Address::parse`] to get the same, password included. Never show it.
    pub fn environment(&self) -> String {
        match &self.root_cert {
            Some(file) => format!("{} sslrootcert={}", self.secret, database::quoted(file)),
            None => self.secret.clone(),
        }
    }

    /// Whose certificates are accepted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The file with further authorities, if one was given.
    pub fn root_cert(&self) -> Option<&str> {
        self.root_cert.as_deref()
    }

    /// How connections are protected.
    pub fn tls(&self) -> Tls {
        self.tls
    }

    /// Whether connections stay on this machine.
    pub fn is_local(&self) -> bool {
        names(&self.config).iter().all(|it| database::is_local(it))
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        self.config
            .get_dbname()
            .or(self.config.get_user())
            .unwrap_or("postgres")
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }

    /// The host as components are told it: by its name or IP address, an IPv6 address in brackets.
    ///
    /// # Errors
    /// When it is a Unix socket, or there are several hosts: components can reach neither.
    pub fn host(&self) -> Result<String> {
        let names = names(&self.config);
        let [name] = &names[..] else {
            bail!(
                "components reach one host, and the address names {}; name one of them, or a proxy before them",
                names.join(", ")
            );
        };
        if name.starts_with('/') {
            bail!("components reach PostgreSQL by TCP only, not by the socket in {name}");
        }
        Ok(match name.contains(':') {
            true => format!("[{name}]"),
            false => name.clone(),
        })
    }

    fn of(config: Config, tls: Tls, trust: Trust, root_cert: Option<String>) -> Self {
        let secret = connection_string(&config);
        Self {
            config,
            tls,
            trust,
            root_cert,
            secret,
        }
    }
}

/// The hosts by name where they have one.
fn names(config: &Config) -> Vec<String> {
    let names: Vec<String> = config.get_hosts().iter().map(name).collect();
    match names.is_empty() {
        true => config
            .get_hostaddrs()
            .iter()
            .map(ToString::to_string)
            .collect(),
        false => names,
    }
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = names(&self.config).join(",");
        write!(f, "{} on {host}:{}", self.database(), self.port())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Every parameter that the configuration has, so that none is lost.
fn connection_string(config: &Config) -> String {
    let seconds = |it: std::time::Duration| it.as_secs().to_string();
    let joined = |it: Vec<String>| Some(it.join(",")).filter(|it| !it.is_empty());
    let ssl_mode = match config.get_ssl_mode() {
        SslMode::Disable => "disable",
        _ => "require",
    };
    let negotiation = match config.get_ssl_negotiation() {
        SslNegotiation::Direct => Some("direct"),
        _ => None,
    };
    let attributes = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => Some("read-write"),
        TargetSessionAttrs::ReadOnly => Some("read-only"),
        _ => None,
    };
    let binding = match config.get_channel_binding() {
        ChannelBinding::Disable => Some("disable"),
        ChannelBinding::Require => Some("require"),
        _ => None,
    };
    let balance = match config.get_load_balance_hosts() {
        LoadBalanceHosts::Random => Some("random"),
        _ => None,
    };
    let keepalives = (!config.get_keepalives()).then_some("0");
    let password = config.get_password().map(String::from_utf8_lossy);
    let parameters = [
        (
            "host",
            joined(config.get_hosts().iter().map(name).collect()),
        ),
        (
            "hostaddr",
            joined(
                config
                    .get_hostaddrs()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
        ),
        (
            "port",
            joined(config.get_ports().iter().map(ToString::to_string).collect()),
        ),
        ("dbname", config.get_dbname().map(str::to_owned)),
        ("user", config.get_user().map(str::to_owned)),
        ("password", password.map(|it| it.into_owned())),
        ("options", config.get_options().map(str::to_owned)),
        (
            "connect_timeout",
            config.get_connect_timeout().copied().map(seconds),
        ),
        (
            "tcp_user_timeout",
            config.get_tcp_user_timeout().copied().map(seconds),
        ),
        ("keepalives", keepalives.map(str::to_owned)),
        (
            "keepalives_idle",
            Some(seconds(config.get_keepalives_idle())),
        ),
        (
            "keepalives_interval",
            config.get_keepalives_interval().map(seconds),
        ),
        (
            "keepalives_retries",
            config.get_keepalives_retries().map(|it| it.to_string()),
        ),
        ("target_session_attrs", attributes.map(str::to_owned)),
        ("channel_binding", binding.map(str::to_owned)),
        ("load_balance_hosts", balance.map(str::to_owned)),
        ("sslnegotiation", negotiation.map(str::to_owned)),
        ("sslmode", Some(ssl_mode.to_owned())),
        (
            "application_name",
            Some(config.get_application_name().unwrap_or("baton").to_owned()),
        ),
    ];
    let parameters = parameters
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.filter(|it| !it.is_empty())?)));
    let parameters = parameters.map(|(key, value)| format!("{key}={}", database::quoted(&value)));
    parameters.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
