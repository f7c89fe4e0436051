use serde::{Deserialize, Serialize};

use super::{DnsFailure, Lookup};

/// How mail finds a domain (RFC 5321, section 5.1). Every `ttl` is in seconds and lies in 60..=86400.
/// As JSON it is an object with `route` as its tag, and so it is remembered in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "route", rename_all = "snake_case")]
pub enum Route {
    /// By MX records.
    Mx {
        /// The mail hosts, the preferred ones first; at least one, at most forty.
        hosts: Vec<String>,
        /// How long this holds.
        ttl: u32,
    },
    /// Not at all: the domain says so (RFC 7505).
    NullMx {
        /// How long this holds.
        ttl: u32,
    },
    /// By the domain's own address, as it has no MX record.
    Implicit {
        /// How long this holds.
        ttl: u32,
    },
    /// Not at all: the domain exists, but leads to no host.
    NoMailHost {
        /// How long this holds.
        ttl: u32,
        /// Addresses of the domain that no host on the internet can have; at most forty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unusable: Vec<String>,
    },
    /// Not at all: there is no such domain.
    NoSuchDomain {
        /// How long this holds.
        ttl: u32,
    },
    /// It could not be found out. Not to be remembered.
    Failed {
        /// Why not.
        reason: DnsFailure,
    },
}

/// What to do after the MX records were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: this is the route.
    Done(Route),
    /// Ask for the A and AAAA records, and give both answers to [`route_from_addresses`].
    AskAddresses,
}

/// How many mail hosts of a domain are remembered.
const MAX_HOSTS: usize = 40;

impl Route {
    /// The word that is this route's tag.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mx { .. } => "mx",
            Self::NullMx { .. } => "null_mx",
            Self::Implicit { .. } => "implicit",
            Self::NoMailHost { .. } => "no_mail_host",
            Self::NoSuchDomain { .. } => "no_such_domain",
            Self::Failed { .. } => "failed",
        }
    }

    /// How long to remember the route, in seconds; none if it is not to be remembered.
    pub fn ttl(&self) -> Option<u32> {
        match self {
            Self::Mx { ttl, .. }
            | Self::NullMx { ttl }
            | Self::Implicit { ttl }
            | Self::NoMailHost { ttl, .. }
            | Self::NoSuchDomain { ttl } => Some(*ttl),
            Self::Failed { .. } => None,
        }
    }
}

/// What the answer about MX records means.
pub fn route_step(mx: &Lookup) -> Next {
    match mx {
        Lookup::Mail { hosts, ttl } => Next::Done(route_by_hosts(hosts, *ttl)),
        Lookup::NoData { .. } => Next::AskAddresses,
        Lookup::NoSuchDomain { ttl } => Next::Done(Route::NoSuchDomain { ttl: *ttl }),
        Lookup::Failed(reason) => Next::Done(Route::Failed { reason: *reason }),
        Lookup::Addresses { .. } | Lookup::Unroutable { .. } => Next::Done(Route::Failed {
            reason: DnsFailure::Malformed,
        }),
    }
}

/// What the answers about the addresses of a domain without MX records mean.
/// One address is enough; that there is none takes both answers.
pub fn route_from_addresses(a: &Lookup, aaaa: &Lookup) -> Route {
    use Lookup::{Addresses, Failed, Mail, NoData, NoSuchDomain, Unroutable};
    match (a, aaaa) {
        (Addresses { ttl: a }, Addresses { ttl: b }) => Route::Implicit { ttl: *a.min(b) },
        (Addresses { ttl }, _) | (_, Addresses { ttl }) => Route::Implicit { ttl: *ttl },
        (Failed(reason), _) | (_, Failed(reason)) => Route::Failed { reason: *reason },
        (Mail { .. }, _) | (_, Mail { .. }) => Route::Failed {
            reason: DnsFailure::Malformed,
        },
        (Unroutable { addresses, ttl }, _) | (_, Unroutable { addresses, ttl }) => {
            let addresses = addresses.iter().take(MAX_HOSTS);
            Route::NoMailHost {
                ttl: *ttl,
                unusable: addresses.map(ToString::to_string).collect(),
            }
        }
        (NoSuchDomain { ttl }, _) | (_, NoSuchDomain { ttl }) => Route::NoSuchDomain { ttl: *ttl },
        (NoData { ttl: a }, NoData { ttl: b }) => Route::NoMailHost {
            ttl: *a.min(b),
            unusable: Vec::new(),
        },
    }
}

/// The root as the only host is a null MX. Beside others it means nothing (RFC 7505, section 3).
fn route_by_hosts(hosts: &[(u16, String)], ttl: u32) -> Route {
    if hosts.iter().all(|(_, host)| host.is_empty()) {
        return Route::NullMx { ttl };
    }
    let hosts: Vec<String> = hosts
        .iter()
        .map(|(_, host)| host.clone())
        .filter(|it| !it.is_empty())
        .take(MAX_HOSTS)
        .collect();
    Route::Mx { hosts, ttl }
}
