//! `allowed_outbound_hosts`: what a component may connect to, in Spin's syntax `scheme://host[:port]`.
//! `*` stands for any scheme, any host or any port, `*.` before a domain for its subdomains; a port may be a range `8000..8010` (end excluded).

use std::ops::Range;

/// The parsed list of one component; empty means nothing is allowed.
#[derive(Debug, Default)]
pub(crate) struct AllowedHosts(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    /// None: any scheme.
    scheme: Option<String>,
    host: Host,
    /// None: any port.
    ports: Option<Range<u32>>,
}

#[derive(Debug)]
enum Host {
    Any,
    /// A suffix that starts with a dot.
    Subdomains(String),
    Exact(String),
}

impl AllowedHosts {
    pub(crate) fn parse(texts: &[String]) -> Result<Self, String> {
        let patterns = texts.iter().map(|text| {
            Pattern::parse(text.trim()).map_err(|err| format!("`{}`: {err}", text.trim()))
        });
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }

    /// True if one of the patterns covers this; without a `port` the scheme's own one counts.
    pub(crate) fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let host = host.to_ascii_lowercase();
        self.0.iter().any(|it| it.covers(scheme, &host, port))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("it has no scheme (such as `http://` or `*://`)")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err("it must not have a path".to_owned());
        }
        if scheme != "*" && (scheme.is_empty() || !scheme.chars().all(char::is_alphabetic)) {
            return Err("the scheme has other characters than letters".to_owned());
        }
        // The last colon of an IPv6 address in brackets belongs to the address.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (rest, ""),
        };
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Host::parse(host)?,
            ports: parse_ports(port, scheme)?,
        })
    }

    fn covers(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let scheme_is_covered = self.scheme.as_deref().is_none_or(|it| it == scheme);
        let host_is_covered = match &self.host {
            Host::Any => true,
            Host::Subdomains(suffix) => host.ends_with(suffix),
            Host::Exact(exact) => host == exact,
        };
        let port_is_covered = match &self.ports {
            None => true,
            Some(ports) => port
                .or_else(|| default_port(scheme))
                .is_some_and(|port| ports.contains(&port.into())),
        };
        scheme_is_covered && host_is_covered && port_is_covered
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, String> {
        let host = text.to_ascii_lowercase();
        if host == "*" {
            return Ok(Self::Any);
        }
        let domain = host.strip_prefix("*.").unwrap_or(&host);
        let in_brackets = domain.starts_with('[') && domain.ends_with(']');
        let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
        if domain.is_empty() || !(in_brackets || domain.chars().all(is_plain)) {
            return Err(format!("`{text}` is not a host that this host supports"));
        }
        Ok(match host.strip_prefix('*') {
            Some(suffix) => Self::Subdomains(suffix.to_owned()),
            None => Self::Exact(host),
        })
    }
}

fn parse_ports(text: &str, scheme: &str) -> Result<Option<Range<u32>>, String> {
    let number = |text: &str| {
        text.parse::<u16>()
            .map(u32::from)
            .map_err(|_| format!("`{text}` is not a port"))
    };
    match text {
        "*" => Ok(None),
        "" => match default_port(scheme) {
            Some(port) => Ok(Some(port.into()..u32::from(port) + 1)),
            None => Err("it has no port, and the scheme has none of its own".to_owned()),
        },
        _ => match text.split_once("..") {
            Some((start, end)) => Ok(Some(number(start)?..number(end)?)),
            None => number(text).map(|port| Some(port..port + 1)),
        },
    }
}

/// The port of a scheme where none is written.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, (scheme, host, port): (&str, &str, Option<u16>), expected: bool) {
        let hosts = AllowedHosts::parse(&[pattern.to_owned()]).expect("a valid pattern");
        assert_eq!(hosts.allows(scheme, host, port), expected, "{pattern}");
    }

    #[test]
    fn a_host_is_allowed_with_its_scheme_and_port_only() {
        check("https://example.com", ("https", "example.com", None), true);
        check(
            "https://example.com",
            ("https", "EXAMPLE.com", Some(443)),
            true,
        );
        check(
            "https://example.com",
            ("http", "example.com", Some(443)),
            false,
        );
        check(
            "https://example.com",
            ("https", "example.com", Some(8443)),
            false,
        );
        check(
            "https://example.com",
            ("https", "example.com.evil", None),
            false,
        );
        check("postgres://db:6432", ("postgres", "db", Some(6432)), true);
        check("postgres://db:6432", ("postgres", "db", None), false);
        check("http://[::1]:8080", ("http", "[::1]", Some(8080)), true);
        check(
            "http://127.0.0.1:8000..8002",
            ("http", "127.0.0.1", Some(8001)),
            true,
        );
        check(
            "http://127.0.0.1:8000..8002",
            ("http", "127.0.0.1", Some(8002)),
            false,
        );
    }

    #[test]
    fn wildcards_cover_what_they_stand_for() {
        check(
            "http://*.spin.internal",
            ("http", "a.spin.internal", None),
            true,
        );
        check(
            "http://*.spin.internal",
            ("http", "spin.internal", None),
            false,
        );
        check(
            "http://*.spin.internal",
            ("http", "evilspin.internal", None),
            false,
        );
        check("*://*:*", ("anything", "anywhere", Some(1)), true);
        check("http://*", ("http", "anywhere", Some(81)), false);
    }

    #[test]
    fn a_malformed_pattern_is_refused() {
        for pattern in [
            "example.com",
            "*",
            "http://example.com/path",
            "http://a*b",
            "http://*.*.com",
            "http://host:port",
            "ftp://host",
            "http://",
        ] {
            let err = AllowedHosts::parse(&[pattern.to_owned()]).expect_err(pattern);
            assert!(err.contains(pattern), "{err}");
        }
    }
}
