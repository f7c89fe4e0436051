use std::sync::OnceLock;

use email_address::is_under;

use crate::special;

const FREE: &str = include_str!("../../data/free.txt");
const ROLE: &str = include_str!("../../data/role.txt");
const LASTING: &str = include_str!("../../data/lasting.txt");
const SHARED: &str = include_str!("../../data/shared.txt");
/// Top-level domains that networks use inside (RFC 6762, appendix G) and that ICANN does not delegate.
const PRIVATE_TOPS: [&str; 6] = ["lan", "home", "corp", "mail", "intranet", "private"];
/// Hosts that domains name to say that they take no mail; both refuse every connection by design.
const FAKE_HOSTS: [&str; 2] = ["blackhole.mx", "fakemx.net"];

/// The reserved name that this domain is, or lies below, unless `allowed` names it or one above it.
pub(super) fn reserved(domain: &str, allowed: &[String]) -> Option<&'static str> {
    if is_allowed(domain, allowed) {
        return None;
    }
    special::reserved_name(domain)
}

/// Whether `allowed` names this domain or one above it.
pub(super) fn is_allowed(domain: &str, allowed: &[String]) -> bool {
    allowed
        .iter()
        .any(|it| is_under(domain, it.trim_start_matches('.')))
}

/// Whether mail can be sent to a host of this name, from what the name alone says.
pub(super) fn can_be_mail_host(host: &str, allowed: &[String]) -> bool {
    if is_allowed(host, allowed) {
        return true;
    }
    let top = host.rsplit('.').next().unwrap_or_default();
    // Some servers have an underscore in their names, against the rules, and are found all the same.
    let is_label = |it: &str| {
        let allowed = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
        !it.is_empty() && it.bytes().all(allowed)
    };
    host.contains('.')
        && host.split('.').all(is_label)
        && !top.bytes().all(|it| it.is_ascii_digit())
        && !PRIVATE_TOPS.contains(&top)
        && !FAKE_HOSTS.iter().any(|it| is_under(host, it))
        && special::reserved_name(host).is_none()
}

/// The listed domain of throw-away mailboxes that this domain is, or lies below. Not one whose mailboxes last, nor one
/// below which others have domains of their own.
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
        if let Ok(at) = list.binary_search(&name)
            && !(name != domain && entries(SHARED).any(|it| it == name))
        {
            // A lasting domain is the one that was hit, or lies between it and the one asked for.
            let lasts = |it: &str| it.len() >= name.len() && is_under(domain, it);
            return (!entries(LASTING).any(lasts)).then_some(list[at]);
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
