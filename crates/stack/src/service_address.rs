//! Addresses of services that components call: scheme, host and port, because a path would be no part of what may be called.

use url::Url;

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// It has a path, a query or a fragment.
    #[error("{text} has more than scheme, host and port; write it as {origin}")]
    More {
        /// What was given.
        text: String,
        /// The part that counts.
        origin: String,
    },
    /// It has a user or a password.
    #[error("it has a user name or a password; write it without them")]
    User,
    /// It is no address by http or https.
    #[error("{0} is not an address like https://host.example.com")]
    Malformed(String),
}

/// Reads the address of a service.
///
/// # Errors
/// When it is none, or has a path.
pub fn service(text: &str) -> Result<String, NotAnAddress> {
    read(text.trim(), "/")
}

/// Reads the address of a DNS-over-HTTPS resolver, also as its provider writes it, with the path /dns-query (RFC 8484).
///
/// # Errors
/// When it is none, or has another path.
pub fn resolver(text: &str) -> Result<String, NotAnAddress> {
    let text = text.trim();
    let plain = text.strip_suffix("{?dns}").unwrap_or(text);
    read(plain, "/dns-query")
}

fn read(text: &str, path: &str) -> Result<String, NotAnAddress> {
    let malformed = || NotAnAddress::Malformed(text.to_owned());
    let url = Url::parse(text).map_err(|_| malformed())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(malformed());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotAnAddress::User);
    }
    let origin = url.origin().ascii_serialization();
    let has_path = !["", path.trim_end_matches('/')].contains(&url.path().trim_end_matches('/'));
    if has_path || url.query().is_some() || url.fragment().is_some() {
        return Err(NotAnAddress::More {
            text: text.to_owned(),
            origin,
        });
    }
    Ok(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_is_read_with_and_without_its_path() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(resolver(text).ok().as_deref(), expected, "{text}");
        };
        let cloudflare = Some("https://cloudflare-dns.com");
        for text in [
            "https://cloudflare-dns.com",
            "https://cloudflare-dns.com/",
            "https://cloudflare-dns.com/dns-query",
            "https://cloudflare-dns.com/dns-query/",
            "https://cloudflare-dns.com/dns-query{?dns}",
            " https://cloudflare-dns.com:443/dns-query\n",
            "HTTPS://Cloudflare-DNS.com/dns-query",
        ] {
            check(text, cloudflare);
        }
        check(
            "http://127.0.0.1:8053/dns-query",
            Some("http://127.0.0.1:8053"),
        );
        check(
            "https://[2606:4700::1111]/dns-query",
            Some("https://[2606:4700::1111]"),
        );
        for text in [
            "",
            "cloudflare-dns.com",
            "1.1.1.1",
            "udp://1.1.1.1",
            "https://",
            "https://dns.example.com/other",
            "https://dns.example.com/dns-query?x",
            "https://me:pw@dns.example.com",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_service_has_no_path_and_the_error_says_what_to_write() {
        assert_eq!(
            service("https://api.twilio.com/"),
            Ok("https://api.twilio.com".to_owned())
        );
        let said = |text: &str| service(text).map_err(|it| it.to_string());
        let more = "https://api.twilio.com/2010-04-01 has more than scheme, host and port; write it as https://api.twilio.com";
        assert_eq!(
            said("https://api.twilio.com/2010-04-01"),
            Err(more.to_owned())
        );
        assert!(
            said("https://a.example/dns-query").is_err_and(|it| it.ends_with("https://a.example"))
        );
        assert!(said("https://u@a.example").is_err_and(|it| !it.contains("u@")));
        assert!(said("api.twilio.com").is_err_and(|it| it.contains("api.twilio.com is not")));
    }
}
