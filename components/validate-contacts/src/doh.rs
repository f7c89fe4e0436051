//! DNS messages as RFC 8484 carries them (media type `application/dns-message`): what to send, and what an answer says.
//! Who sends them, where to and how long to wait is not decided here.

mod route;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use simple_dns::rdata::RData;
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, Question, RCODE, ResourceRecord, TYPE,
    header_buffer,
};

use crate::special::is_reachable;
pub use route::{Next, Route, route_from_addresses, route_step};

/// Shortest and longest time in seconds that an answer is believed, whatever it says itself.
const TTL_BOUNDS: (u32, u32) = (60, 86_400);
/// Longer chains of aliases are taken for loops.
const MAX_ALIASES: usize = 16;
/// Messages with more records are taken for attacks; forty mail hosts are the most that was ever seen.
const MAX_RECORDS: usize = 1000;
/// Smallest size in octets of a header, a question and a record (RFC 1035, section 4.1).
const MIN_SIZES: (usize, usize, usize) = (12, 5, 11);

/// A kind of record to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Mail hosts (RFC 1035, section 3.3.9).
    Mx,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses (RFC 3596).
    Aaaa,
}

/// What one answer says of a domain. Every `ttl` is in seconds and lies in 60..=86400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The mail hosts of the domain, the preferred ones first, never empty.
    Mail {
        /// Preference and host name; the root is an empty name.
        hosts: Vec<(u16, String)>,
        /// How long the answer holds.
        ttl: u32,
    },
    /// The domain has at least one address of the kind asked for that the internet can reach.
    Addresses {
        /// How long the answer holds.
        ttl: u32,
    },
    /// The domain has only addresses that the internet cannot reach.
    Unroutable {
        /// At least one.
        addresses: Vec<IpAddr>,
        /// How long the answer holds.
        ttl: u32,
    },
    /// The domain exists, but has no record of this kind (RFC 2308, section 2.2).
    NoData {
        /// How long the answer holds.
        ttl: u32,
    },
    /// The domain does not exist (RFC 2308, section 2.1).
    NoSuchDomain {
        /// How long the answer holds.
        ttl: u32,
    },
    /// Nothing was learned.
    Failed(DnsFailure),
}

/// Why nothing was learned from DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsFailure {
    /// No resolver answered in time.
    Timeout,
    /// No resolver could be reached, or it answered with an HTTP error.
    Unreachable,
    /// The resolver could not get an answer (SERVFAIL), or gave an unexpected code.
    ServerFailure,
    /// The resolver would not answer (REFUSED).
    Refused,
    /// The answer is no DNS message, or answers another question.
    Malformed,
}

/// Why a question cannot be asked or an answer not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DohError {
    /// The name cannot be asked for.
    #[error("not a host name that DNS can be asked for")]
    Name,
    /// The bytes are no DNS message, or one that contradicts itself.
    #[error("not a well-formed DNS message")]
    Malformed,
    /// The message is a question, or a reply to something else than a query.
    #[error("the DNS message is not a response to a query")]
    NotAResponse,
    /// The message was cut off.
    #[error("the DNS message is truncated")]
    Truncated,
    /// The message answers a question that was not asked.
    #[error("the DNS message answers another question")]
    WrongQuestion,
}

impl From<DohError> for Lookup {
    /// An answer that cannot be read teaches nothing.
    fn from(_: DohError) -> Self {
        Self::Failed(DnsFailure::Malformed)
    }
}

impl RecordKind {
    fn type_code(self) -> TYPE {
        match self {
            Self::Mx => TYPE::MX,
            Self::A => TYPE::A,
            Self::Aaaa => TYPE::AAAA,
        }
    }
}

/// The body of a POST to a resolver: a query with the ID 0 (RFC 8484, section 4.1) and recursion desired.
/// The domain is an ASCII host name without a dot at the end; [`DohError::Name`] if it is not.
pub fn query(domain: &str, kind: RecordKind) -> Result<Vec<u8>, DohError> {
    let name = host_name(domain)?;
    let mut packet = Packet::new_query(0);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let question = Question::new(name, kind.type_code().into(), CLASS::IN.into(), false);
    packet.questions.push(question);
    packet.build_bytes_vec().map_err(|_| DohError::Name)
}

/// Reads the answer to `query(domain, kind)`: any bytes up to 64 KiB, from anybody.
pub fn parse(domain: &str, kind: RecordKind, message: &[u8]) -> Result<Lookup, DohError> {
    let asked = host_name(domain)?;
    let packet = read(message)?;
    match packet.questions.as_slice() {
        [it] if it.qname == asked
            && it.qtype == kind.type_code().into()
            && it.qclass == QCLASS::CLASS(CLASS::IN) => {}
        _ => return Err(DohError::WrongQuestion),
    }
    match packet.rcode() {
        RCODE::NoError => {}
        RCODE::NameError => {
            let ttl = negative_ttl(&packet);
            return Ok(Lookup::NoSuchDomain { ttl });
        }
        RCODE::Refused => return Ok(Lookup::Failed(DnsFailure::Refused)),
        _ => return Ok(Lookup::Failed(DnsFailure::ServerFailure)),
    }

    let (name, alias_ttl) = follow_aliases(&asked, &packet.answers)?;
    let records: Vec<&ResourceRecord> = owned_by(name, &packet.answers)
        .filter(|it| it.rdata.type_code() == kind.type_code())
        .collect();
    let Some(ttl) = records.iter().map(|it| it.ttl).min() else {
        let ttl = negative_ttl(&packet);
        return Ok(Lookup::NoData { ttl });
    };
    let ttl = bounded(ttl.min(alias_ttl));
    match kind {
        RecordKind::Mx => Ok(Lookup::Mail {
            hosts: mail_hosts(&records)?,
            ttl,
        }),
        RecordKind::A | RecordKind::Aaaa => {
            let addresses: Vec<IpAddr> = records.iter().filter_map(|it| address(it)).collect();
            Ok(match addresses.iter().any(|it| is_reachable(*it)) {
                true => Lookup::Addresses { ttl },
                false => Lookup::Unroutable { addresses, ttl },
            })
        }
    }
}

fn read(message: &[u8]) -> Result<Packet<'_>, DohError> {
    let count = |read: fn(&[u8]) -> simple_dns::Result<u16>| {
        read(message)
            .map(usize::from)
            .map_err(|_| DohError::Malformed)
    };
    if message.len() < MIN_SIZES.0 {
        return Err(DohError::Malformed);
    }
    let flags = |flag| header_buffer::has_flags(message, flag).unwrap_or(false);
    if !flags(PacketFlag::RESPONSE) {
        return Err(DohError::NotAResponse);
    }
    if flags(PacketFlag::TRUNCATION) {
        return Err(DohError::Truncated);
    }
    // The parser makes room for as many records as the header promises, before it looks whether they are there.
    let n_questions = count(header_buffer::questions)?;
    let n_records = count(header_buffer::answers)?
        + count(header_buffer::name_servers)?
        + count(header_buffer::additional_records)?;
    let least = MIN_SIZES.0 + n_questions * MIN_SIZES.1 + n_records * MIN_SIZES.2;
    if least > message.len() || n_records > MAX_RECORDS {
        return Err(DohError::Malformed);
    }
    let packet = Packet::parse(message).map_err(|_| DohError::Malformed)?;
    if packet.opcode() != OPCODE::StandardQuery {
        return Err(DohError::NotAResponse);
    }
    if packet.id() != 0 {
        return Err(DohError::WrongQuestion);
    }
    Ok(packet)
}

fn host_name(domain: &str) -> Result<Name<'_>, DohError> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
    };
    if domain.len() > 253 || !domain.split('.').all(is_label) {
        return Err(DohError::Name);
    }
    Name::new(domain).map_err(|_| DohError::Name)
}

/// The name at the end of the chain of aliases (RFC 1034, section 3.6.2), and the shortest TTL on the way.
fn follow_aliases<'p>(
    asked: &'p Name<'p>,
    answers: &'p [ResourceRecord<'p>],
) -> Result<(&'p Name<'p>, u32), DohError> {
    let mut name = asked;
    let mut ttl = u32::MAX;
    for _ in 0..MAX_ALIASES {
        let alias = owned_by(name, answers).find_map(|it| match &it.rdata {
            RData::CNAME(target) => Some((&target.0, it.ttl)),
            _ => None,
        });
        let Some((target, its_ttl)) = alias else {
            return Ok((name, ttl));
        };
        name = target;
        ttl = ttl.min(its_ttl);
    }
    Err(DohError::Malformed)
}

fn owned_by<'p>(
    name: &'p Name<'p>,
    records: &'p [ResourceRecord<'p>],
) -> impl Iterator<Item = &'p ResourceRecord<'p>> {
    records
        .iter()
        .filter(move |it| it.class == CLASS::IN && it.name == *name)
}

fn address(record: &ResourceRecord) -> Option<IpAddr> {
    match &record.rdata {
        RData::A(it) => Some(Ipv4Addr::from(it.address).into()),
        RData::AAAA(it) => Some(Ipv6Addr::from(it.address).into()),
        _ => None,
    }
}

fn mail_hosts(records: &[&ResourceRecord]) -> Result<Vec<(u16, String)>, DohError> {
    let mut hosts = Vec::with_capacity(records.len());
    for record in records {
        match &record.rdata {
            RData::MX(mx) => hosts.push((mx.preference, printable(&mx.exchange))),
            _ => return Err(DohError::Malformed),
        }
    }
    hosts.sort();
    hosts.dedup();
    Ok(hosts)
}

/// Labels may hold any octet, but PostgreSQL takes no NUL in a text, and one hostile zone must not spoil a whole batch.
fn printable(name: &Name) -> String {
    name.to_string()
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() {
                c.to_ascii_lowercase()
            } else {
                '?'
            }
        })
        .collect()
}

/// How long a negative answer holds: the lesser of the SOA record's own TTL and its minimum (RFC 2308, section 5).
/// Without an SOA record it should not be remembered at all, so the lower bound applies.
fn negative_ttl(packet: &Packet) -> u32 {
    let ttl = packet.name_servers.iter().find_map(|it| match &it.rdata {
        RData::SOA(soa) => Some(it.ttl.min(soa.minimum)),
        _ => None,
    });
    bounded(ttl.unwrap_or(0))
}

fn bounded(ttl: u32) -> u32 {
    ttl.clamp(TTL_BOUNDS.0, TTL_BOUNDS.1)
}
