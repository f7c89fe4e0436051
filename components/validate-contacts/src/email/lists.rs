use std::sync::LazyLock;

use email_address::is_under;

use crate::special;

static FREE: List = List::new(|| sorted(include_str!("../../data/free.txt")));
static ROLE: List = List::new(|| sorted(include_str!("../../data/role.txt")));
static LASTING: List = List::new(|| sorted(include_str!("../../data/lasting.txt")));
static SHARED: List = List::new(|| sorted(include_str!("../../data/shared.txt")));
static DISPOSABLE: List = List::new(|| {
    // The package hands its list out as a copy only, and does not promise that it is sorted.
    let mut list = mailchecker::blacklist();
    list.sort_unstable();
    list
});
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
    let mut name = domain;
    loop {
        if let Some(listed) = entry(&DISPOSABLE, name)
            && !(name != domain && entry(&SHARED, name).is_some())
        {
            // A lasting domain is the one that was hit, or lies between it and the one asked for.
            let lasts = |it: &&str| it.len() >= name.len() && is_under(domain, it);
            return (!LASTING.iter().any(lasts)).then_some(listed);
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
    entry(&ROLE, &name.to_ascii_lowercase())
}

/// Whether anyone can get a mailbox at this domain for nothing.
pub(super) fn is_free(domain: &str) -> bool {
    entry(&FREE, domain).is_some()
}

/// The free providers' domains, which are well known and never a typing error.
#[cfg(test)]
pub(super) fn free() -> impl Iterator<Item = &'static str> {
    FREE.iter().copied()
}

/// Sorted, because every contact is looked up.
type List = LazyLock<Vec<&'static str>>;

fn entry(list: &'static List, name: &str) -> Option<&'static str> {
    let at = list.binary_search(&name).ok()?;
    Some(list[at])
}

/// The entries of a file: one in a line, without its comments.
fn sorted(file: &'static str) -> Vec<&'static str> {
    let entries = file.lines();
    let mut entries: Vec<_> = entries
        .filter(|it| !it.is_empty() && !it.starts_with('#'))
        .collect();
    entries.sort_unstable();
    entries
}
