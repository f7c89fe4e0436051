//! Names and addresses that are set aside for special use, so that no public host answers there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use email_address::is_under;

/// Names that no mail can be received under: RFC 2606, RFC 6761, RFC 6762 (local), RFC 7686 (onion), RFC 8375 (home.arpa),
/// RFC 9476 (alt), and `internal`, set aside by ICANN in 2024; `localdomain` is what systems call a network without a
/// name. Whatever lies below them is reserved too.
const RESERVED: [&str; 14] = [
    "test",
    "example",
    "invalid",
    "localhost",
    "localdomain",
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

/// The reserved name that this domain is, or lies below.
pub(crate) fn reserved_name(domain: &str) -> Option<&'static str> {
    RESERVED.into_iter().find(|it| is_under(domain, it))
}

/// Whether the internet can reach this address: it is not private, loopback, link-local, unspecified, multicast or
/// reserved (RFC 6890). Addresses for documentation count as reachable here, because tests use them.
pub(crate) fn is_reachable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_reachable_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_reachable_v4(ip),
            None => is_reachable_v6(ip),
        },
    }
}

/// Whether this address is only for documentation (RFC 5737, RFC 3849).
pub(crate) fn is_documentation(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_documentation(),
        IpAddr::V6(ip) => ip.segments()[..2] == [0x2001, 0xdb8],
    }
}

fn is_reachable_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_reserved = a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && b & 0xfe == 18);
    !(is_reserved || ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast())
}

fn is_reachable_v6(ip: Ipv6Addr) -> bool {
    let is_discard_only = ip.segments()[..4] == [0x100, 0, 0, 0];
    !(is_discard_only
        || ip.is_unspecified()
        || ip.is_loopback()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reachable() {
        let check = |ip: &str, expected: bool| {
            let parsed = ip.parse().expect(ip);
            assert_eq!(is_reachable(parsed), expected, "{ip}");
        };
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.5",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.1.1",
            "172.31.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "100::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
        ] {
            check(ip, false);
        }
        for ip in ["8.8.8.8", "100.128.0.1", "192.0.2.1", "2a00:1450::1"] {
            check(ip, true);
        }
    }

    #[test]
    fn names_below_a_reserved_one_are_reserved() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(reserved_name(name), expected, "{name}");
        };
        check("mx.test", Some("test"));
        check("localhost.localdomain", Some("localdomain"));
        check("ms1.msv1.invalid", Some("invalid"));
        check("Example.COM", Some("example.com"));
        check("anexample.com", None);
        check("", None);
    }
}
