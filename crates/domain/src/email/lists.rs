use std::net::IpAddr;
use std::sync::OnceLock;

/// Names that nobody can receive mail under: RFC 2606, RFC 6761, RFC 6762 (local), RFC 7686 (onion), RFC 8375 (home.arpa),
/// RFC 9476 (alt), and `internal`, set aside by ICANN in 2024. Whatever lies below them is reserved too.
const RESERVED: [&str; 13] = [
    "test",
    "example",
    "invalid",
    "localhost",
    "local",
    "onion",
    "alt",
    "internal",
    "home.arpa",
    "in-addr.arpa",
    "example.com",
    "example.net",
    "example.org",
];

const FREE: &str = include_str!("../../data/free.txt");
const ROLE: &str = include_str!("../../data/role.txt");

/// The reserved name that this domain is, or lies below, unless `allowed` names it or one above it.
pub(super) fn reserved(domain: &str, allowed: &[String]) -> Option<&'static str> {
    let exempt = allowed
        .iter()
        .any(|it| is_under(domain, it.trim_start_matches('.')));
    if exempt {
        return None;
    }
    RESERVED.into_iter().find(|it| is_under(domain, it))
}

/// Whether an address literal points to no public host: private, loopback, link-local, documentation and the like.
pub(super) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_documentation()
                || ip.is_broadcast()
                || ip.is_multicast()
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.segments()[..2] == [0x2001, 0xdb8]
        }
    }
}

/// The listed domain of throw-away mailboxes that this domain is, or lies below.
pub(super) fn disposable(domain: &str) -> Option<&'static str> {
    static LIST: OnceLock<Vec<&'static str>> = OnceLock::new();
    // The package hands its list out as a copy only, and does not promise that it is sorted.
    let list = LIST.get_or_init(|| {
        let mut list = mailchecker::blacklist();
        list.sort_unstable();
        list
    });
    let mut name = domain;
    loop {
        if let Ok(at) = list.binary_search(&name) {
            return Some(list[at]);
        }
        match name.split_once('.') {
            Some((_, parent)) if parent.contains('.') => name = parent,
            _ => return None,
        }
    }
}

/// The listed role that this local part names, whatever its case and its `+tag`.
pub(super) fn role(local: &str) -> Option<&'static str> {
    let name = local.split_once('+').map_or(local, |(name, _)| name);
    entries(ROLE).find(|it| it.eq_ignore_ascii_case(name))
}

/// Whether anyone can get a mailbox at this domain for nothing.
pub(super) fn is_free(domain: &str) -> bool {
    entries(FREE).any(|it| it == domain)
}

/// The free providers' domains, which are well known and never a typing error.
#[cfg(test)]
pub(super) fn free() -> impl Iterator<Item = &'static str> {
    entries(FREE)
}

fn entries(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines()
        .filter(|it| !it.is_empty() && !it.starts_with('#'))
}

fn is_under(domain: &str, name: &str) -> bool {
    let Some(at) = domain.len().checked_sub(name.len()) else {
        return false;
    };
    let (above, tail) = domain.as_bytes().split_at(at);
    !name.is_empty()
        && tail.eq_ignore_ascii_case(name.as_bytes())
        && (above.is_empty() || above.ends_with(b"."))
}
