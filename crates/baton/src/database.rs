//! How a connection to PostgreSQL is made: protection by `sslmode`, time-outs, and which failures a retry can mend.
//! Components and the command line decide by the same rules, so one cannot connect where the other does not.

mod connection;

pub use connection::{connection_string, escaped, pairs, quoted};

/// Parameters of libpq that bound the time until a dead server is noticed, in seconds but for the number of retries.
/// `connect_timeout` bounds the TCP connection alone; callers bound the rest.
pub const TIMEOUTS: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "10"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "3"),
    ("keepalives_retries", "3"),
];

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// By TLS, with a certificate that a trusted authority signed for this host.
    Verified,
}

impl Tls {
    /// The mode to write into a connection string. It allows no fallback.
    #[must_use]
    pub fn sslmode(self) -> &'static str {
        match self {
            Self::Off => "disable",
            Self::Verified => "require",
        }
    }
}

/// Reads libpq's `sslmode` (PostgreSQL documentation, section "SSL Support") for a server at `host`.
/// `prefer`, the default, is no encryption on this machine and verified TLS everywhere else or when the operator names an
/// authority; it never falls back. Spin verifies every certificate, so `require` and `verify-ca` are as strict as `verify-full`.
///
/// # Errors
/// If the mode is none of libpq's.
pub fn tls(sslmode: &str, host: &str, names_authority: bool) -> Result<Tls, String> {
    match sslmode {
        "disable" => Ok(Tls::Off),
        "require" | "verify-ca" | "verify-full" => Ok(Tls::Verified),
        "" | "allow" | "prefer" if is_local(host) && !names_authority => Ok(Tls::Off),
        "" | "allow" | "prefer" => Ok(Tls::Verified),
        other => Err(format!(
            "sslmode is `{other}`; use disable, prefer, require, verify-ca or verify-full"
        )),
    }
}

/// Whether a connection to `host` stays on this machine: a Unix socket, `localhost` (RFC 6761), or a loopback address.
#[must_use]
pub fn is_local(host: &str) -> bool {
    let name = bare(host).trim_end_matches('.').to_ascii_lowercase();
    let address = name.parse::<std::net::IpAddr>();
    name.starts_with(['/', '@'])
        || name == "localhost"
        || name.ends_with(".localhost")
        || address.is_ok_and(|it| it.to_canonical().is_loopback())
}

/// A host without the brackets of an IPv6 literal.
#[must_use]
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(host)
}

/// Whether the words of a failed connection mean that it fails until somebody changes the deployment: a wrong password,
/// name or certificate. Hosts hand on words and no codes; words that are not known count as passing.
#[must_use]
pub fn is_permanent(failure: &str) -> bool {
    const PERMANENT: [&str; 16] = [
        "password authentication failed",
        "invalid password",
        "password missing",
        "authentication failed",
        "no pg_hba.conf entry",
        "is not permitted to log in",
        "does not exist",
        "permission denied for database",
        "does not support TLS",
        "certificate",
        "is not permitted",
        "invalid value for option",
        "invalid connection string",
        "unknown option",
        "unsupported authentication",
        "Unix sockets are not supported",
    ];
    let failure = failure.to_lowercase();
    PERMANENT
        .iter()
        .any(|it| failure.contains(&it.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_of_libpq_is_plain_or_verified() {
        let check = |mode: &str, host: &str, authority: bool, expected: Option<Tls>| {
            assert_eq!(
                tls(mode, host, authority).ok(),
                expected,
                "{mode} {host} {authority}"
            );
        };
        for local in [
            "127.0.0.1",
            "127.8.0.1",
            "::1",
            "[::1]",
            "localhost",
            "db.localhost",
            "/run/postgresql",
            "::ffff:127.0.0.1",
        ] {
            check("", local, false, Some(Tls::Off));
            check("prefer", local, false, Some(Tls::Off));
            check("allow", local, false, Some(Tls::Off));
            check("prefer", local, true, Some(Tls::Verified));
            check("require", local, false, Some(Tls::Verified));
        }
        for remote in [
            "db.example.com",
            "10.0.0.1",
            "fd00::1",
            "localhost.example.com",
            "128.0.0.1",
        ] {
            check("", remote, false, Some(Tls::Verified));
            check("prefer", remote, false, Some(Tls::Verified));
            check("disable", remote, true, Some(Tls::Off));
            check("require", remote, false, Some(Tls::Verified));
            check("verify-ca", remote, false, Some(Tls::Verified));
            check("verify-full", remote, true, Some(Tls::Verified));
        }
        check("verify_full", "db", false, None);
        check("REQUIRE", "db", false, None);
    }

    #[test]
    fn failures_that_no_retry_mends_are_known() {
        for failure in [
            "db error: FATAL: password authentication failed for user \"app\"",
            "FATAL: database \"shop\" does not exist",
            "FATAL: role \"app\" does not exist",
            "FATAL: no pg_hba.conf entry for host \"10.0.0.1\", user \"app\", database \"shop\", no encryption",
            "FATAL: role \"app\" is not permitted to log in",
            "error performing TLS handshake: server does not support TLS",
            "error performing TLS handshake: invalid peer certificate: UnknownIssuer",
            "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed",
            "address postgres://db:5432 is not permitted",
        ] {
            assert!(is_permanent(failure), "{failure}");
        }
        for failure in [
            "error connecting to server: Connection refused (os error 111)",
            "error connecting to server: connection timed out",
            "FATAL: the database system is starting up",
            "FATAL: sorry, too many clients already",
            "FATAL: remaining connection slots are reserved",
            "connection closed",
            "failed to lookup address information: Temporary failure in name resolution",
        ] {
            assert!(!is_permanent(failure), "{failure}");
        }
    }
}
