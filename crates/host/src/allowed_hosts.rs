//! `allowed_outbound_hosts`: what a component may connect to, in Spin's syntax `scheme://host[:port]`.
//! `*` stands for any scheme, any host or any port, `*.` before a domain for its subdomains;
//! a host may be a network such as `10.0.0.0/8`, a port a range `8000..8010` (end excluded).
//!
//! Over HTTP, a pattern with `*` in its host reaches public addresses only; see [`Reach`].

mod pattern;
mod public;

use std::net::IpAddr;

use pattern::{HostPattern, Pattern};
pub(crate) use public::is_public;
use url::{Host, Url};

/// Where the components of an application reach each other.
const CHAINING_SUFFIX: &str = ".spin.internal";

/// Where a request may go. The order is from less to more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Nowhere.
    Nowhere,
    /// To those of the host's addresses that are public. Patterns with `*` come to this, because the hosts that they
    /// cover are chosen by others than the operator.
    Public,
    /// To any address: the operator named this host, or its network.
    Anywhere,
}

/// The parsed list of one component; empty means nothing is allowed.
#[derive(Debug, Default)]
pub(crate) struct AllowedHosts(Vec<Pattern>);

impl AllowedHosts {
    /// Reads one pattern per text; `components` are the ids that `*.spin.internal` stands for.
    pub(crate) fn parse(texts: &[String], components: &[&str]) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for text in texts {
            let pattern = Pattern::parse(text)?;
            match &pattern.host {
                HostPattern::Subdomains(suffix) if suffix == CHAINING_SUFFIX => {
                    patterns.extend(components.iter().map(|it| {
                        let host = Host::Domain(format!("{it}{CHAINING_SUFFIX}"));
                        pattern.clone().with_host(HostPattern::Literal(host))
                    }));
                }
                _ => patterns.push(pattern),
            }
        }
        Ok(Self(patterns))
    }

    /// Checks one pattern.
    pub(crate) fn check(text: &str) -> Result<(), String> {
        Pattern::parse(text).map(drop)
    }

    /// True if a pattern covers this address, which is a URL or, of the given scheme, `host[:port]`.
    /// Without a port the default port of the scheme counts. An address that is not a URL is never covered.
    pub(crate) fn allows(&self, address: &str, scheme: &str) -> bool {
        self.covering(address, scheme)
            .is_some_and(|(_, patterns)| !patterns.is_empty())
    }

    /// How far a request to this address may go; like [`Self::allows`], but a pattern with `*` in its host covers
    /// neither addresses that are not public, nor other components.
    pub(crate) fn reach(&self, address: &str, scheme: &str) -> Reach {
        let Some((host, patterns)) = self.covering(address, scheme) else {
            return Reach::Nowhere;
        };
        let is_private = match &host {
            Host::Domain(name) => name.trim_end_matches('.').ends_with(CHAINING_SUFFIX),
            Host::Ipv4(address) => !is_public(IpAddr::V4(*address)),
            Host::Ipv6(address) => !is_public(IpAddr::V6(*address)),
        };
        let reach = |pattern: &&Pattern| match pattern.host {
            HostPattern::Literal(_) | HostPattern::Network(_) => Reach::Anywhere,
            HostPattern::Any | HostPattern::Subdomains(_) if is_private => Reach::Nowhere,
            HostPattern::Any | HostPattern::Subdomains(_) => Reach::Public,
        };
        patterns.iter().map(reach).max().unwrap_or(Reach::Nowhere)
    }

    /// The host of an address, and the patterns that cover it; none when the address is not a URL.
    fn covering(&self, address: &str, scheme: &str) -> Option<(Host, Vec<&Pattern>)> {
        let url = match Url::parse(address) {
            Ok(url) if url.has_host() => url,
            _ => match Url::parse(&format!("{scheme}://{address}")) {
                Ok(url) => url,
                Err(_) => return None,
            },
        };
        // The hosts of schemes such as `postgres` are text to the URL, so they are parsed again.
        let host = url.host_str().and_then(|it| Host::parse(it).ok())?;
        let (scheme, port) = (url.scheme(), url.port());
        let covers = |it: &&Pattern| it.covers(scheme, &host, port);
        let patterns = self.0.iter().filter(covers).collect();
        Some((host, patterns))
    }
}

#[cfg(test)]
mod tests;
