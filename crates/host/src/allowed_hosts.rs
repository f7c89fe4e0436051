//! `allowed_outbound_hosts`: what a component may connect to, in Spin's syntax `scheme://host[:port]`.
//! `*` stands for any scheme, any host or any port, `*.` before a domain for its subdomains;
//! a host may be a network such as `10.0.0.0/8`, a port a range `8000..8010` (end excluded).

mod pattern;

use pattern::{HostPattern, Pattern};
use url::{Host, Url};

/// Where the components of an application reach each other.
const CHAINING_SUFFIX: &str = ".spin.internal";

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
        let url = match Url::parse(address) {
            Ok(url) if url.has_host() => url,
            _ => match Url::parse(&format!("{scheme}://{address}")) {
                Ok(url) => url,
                Err(_) => return false,
            },
        };
        // The hosts of schemes such as `postgres` are text to the URL, so they are parsed again.
        let Some(Ok(host)) = url.host_str().map(Host::parse) else {
            return false;
        };
        let (scheme, port) = (url.scheme(), url.port());
        self.0.iter().any(|it| it.covers(scheme, &host, port))
    }
}

#[cfg(test)]
mod tests;
