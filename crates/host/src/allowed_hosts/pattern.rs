//! One entry of `allowed_outbound_hosts`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use url::Host;

const ENTRY_HELP: &str =
    "write one pattern per entry, and add an entry to allowed_outbound_hosts for each other one";

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// None: any scheme.
    scheme: Option<String>,
    pub(super) host: HostPattern,
    /// None: any port.
    ports: Option<Range<u32>>,
}

#[derive(Clone, Debug)]
pub(super) enum HostPattern {
    Any,
    /// A suffix that starts with a dot.
    Subdomains(String),
    Literal(Host),
    Network(Network),
}

/// The addresses that begin with the same bits.
#[derive(Clone, Debug)]
pub(super) enum Network {
    V4 { first: u32, mask: u32 },
    V6 { first: u128, mask: u128 },
}

impl Pattern {
    /// The error names the pattern and the remedy.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let refusal = match Self::parse_one(text) {
            // Spin takes a comma for a part of a host's name, and no host has such a name.
            Ok(_) if text.contains(',') => "it holds several patterns",
            Ok(pattern) => return Ok(pattern),
            Err(_) if text.contains(|it: char| it.is_whitespace() || it == ',') => {
                "it holds several patterns"
            }
            Err(err) => return Err(format!("`{text}`: {err}")),
        };
        Err(format!("`{text}`: {refusal}; {ENTRY_HELP}"))
    }

    fn parse_one(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(
                "it has no scheme; write `scheme://host[:port]`, such as `https://example.com`, and `*://*:*` for everything"
                    .to_owned(),
            );
        };
        let (host, port) = split_port(rest)?;
        let ports = parse_ports(port, scheme)?;
        if scheme != "*" && !scheme.chars().all(char::is_alphabetic) {
            return Err(format!(
                "the scheme `{scheme}` has other characters than letters; write one scheme, or `*` for any"
            ));
        }
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: HostPattern::parse(host)?,
            ports,
        })
    }

    pub(super) fn with_host(self, host: HostPattern) -> Self {
        Self { host, ..self }
    }

    pub(super) fn covers(&self, scheme: &str, host: &Host, port: Option<u16>) -> bool {
        let scheme_is_covered = self.scheme.as_deref().is_none_or(|it| it == scheme);
        let port_is_covered = match &self.ports {
            None => true,
            Some(ports) => port
                .or_else(|| default_port(scheme))
                .is_some_and(|port| ports.contains(&port.into())),
        };
        scheme_is_covered && port_is_covered && self.host.covers(host)
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => {
                return Err(format!(
                    "the built-in host does not support `{text}`, requests of a component to its own application; Spin does; use `http://<component>.spin.internal`"
                ));
            }
            _ if text.starts_with('{') => {
                return Err(format!("lists in braces are not supported; {ENTRY_HELP}"));
            }
            _ => {}
        }
        if let Some(network) = Network::parse(text) {
            return Ok(Self::Network(network));
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.contains('/') {
            return Err(PATH_REFUSAL.to_owned());
        }
        match text.strip_prefix("*.") {
            Some(domain) => match Host::parse(domain) {
                Ok(Host::Domain(parsed)) if !domain.contains('*') => {
                    Ok(Self::Subdomains(format!(".{parsed}")))
                }
                _ => Err(format!(
                    "`*.` stands for subdomains, and `{domain}` is not a domain; write one such as `*.example.com`"
                )),
            },
            None if text.contains('*') => Err(format!(
                "`*` in `{text}` is neither the whole host nor its first label; write `*` or one such as `*.example.com`"
            )),
            None => Host::parse(text).map(Self::Literal).map_err(|err| {
                format!(
                    "`{text}` is not a host ({err}); write a name, an IPv4 address, an IPv6 address in brackets, or a network such as `10.0.0.0/8`"
                )
            }),
        }
    }

    fn covers(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Subdomains(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(network), Host::Ipv4(address)) => network.contains(IpAddr::V4(*address)),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(IpAddr::V6(*address)),
            (Self::Subdomains(_), Host::Ipv4(_) | Host::Ipv6(_))
            | (Self::Network(_), Host::Domain(_)) => false,
        }
    }
}

impl Network {
    /// Reads `address/bits`; none if it is something else.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let bits: u32 = bits.parse::<u8>().ok()?.into();
        match address.parse().ok()? {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(Ipv4Addr::BITS.checked_sub(bits)?);
                let mask = mask.unwrap_or(0);
                let first = address.to_bits() & mask;
                Some(Self::V4 { first, mask })
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(Ipv6Addr::BITS.checked_sub(bits)?);
                let mask = mask.unwrap_or(0);
                let first = address.to_bits() & mask;
                Some(Self::V6 { first, mask })
            }
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { first, mask }, IpAddr::V4(address)) => address.to_bits() & mask == *first,
            (Self::V6 { first, mask }, IpAddr::V6(address)) => address.to_bits() & mask == *first,
            (Self::V4 { .. }, IpAddr::V6(_)) | (Self::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }
}

const PATH_REFUSAL: &str = "it has a path; leave it out, a pattern ends with the host or the port";

/// Splits off what follows the last colon, unless that colon belongs to an IPv6 address or network.
fn split_port(rest: &str) -> Result<(&str, &str), String> {
    let Some((host, port)) = rest.rsplit_once(':') else {
        return Ok((rest, ""));
    };
    if port.is_empty() {
        return Ok((host, ""));
    }
    if HostPattern::parse(rest).is_ok() {
        return Ok((rest, ""));
    }
    match port.split_once('/') {
        Some((port, "")) => Ok((host, port)),
        Some(_) => Err(PATH_REFUSAL.to_owned()),
        None => Ok((host, port)),
    }
}

fn parse_ports(text: &str, scheme: &str) -> Result<Option<Range<u32>>, String> {
    let number = |it: &str| {
        it.parse::<u16>().map(u32::from).map_err(|_| {
            format!("`{text}` is not a port; write a number up to 65535, a range such as `8000..8010`, or `*`")
        })
    };
    match text {
        "*" => Ok(None),
        "" => match default_port(scheme) {
            Some(port) => Ok(Some(port.into()..u32::from(port) + 1)),
            None => Err(format!(
                "it has no port, and the scheme `{scheme}` has no default port; add one such as `:8080`, or `:*` for any"
            )),
        },
        _ if text.starts_with('{') => {
            Err(format!("lists in braces are not supported; {ENTRY_HELP}"))
        }
        _ => match text.split_once("..") {
            Some((start, end)) => Ok(Some(number(start)?..number(end)?)),
            None => number(text).map(|port| Some(port..port + 1)),
        },
    }
}

/// The port of a scheme where none is written.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}
