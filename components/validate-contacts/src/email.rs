//! What an e-mail address is worth: from its text, from lists, from DNS and, where there is one, from a provider.
//!
//! The checks run in this order: the address in the text, its normal form and syntax, reserved names, typing errors,
//! disposable domains, roles, free providers, mail route, provider. Of what they find, the strongest decides:
//! 1. facts that make the address undeliverable: syntax, several addresses, reserved name, null MX, no such domain,
//!    no mail host, the provider's refusal;
//! 2. DNS that failed, unless the provider knows better: `unknown`, so that it is asked again;
//! 3. risks: address literal, likely typing error, disposable, nonstandard local part, role, the provider's doubts;
//! 4. a provider that could not find out: `unknown`;
//! 5. nothing against it: `deliverable`.
//!
//! A free provider is evidence only. With DNS off, syntax and lists decide alone and no provider is asked.

mod lists;
mod reason;
#[cfg(test)]
mod tests;
mod typo;

use email_address::{Domain, ascii_domain};
use serde::{Deserialize, Serialize};

use crate::doh::{DnsFailure, Route};
use crate::provider::{ProviderAnswer, ProviderResult};
use crate::special;
pub use reason::{Reason, Status};

/// How many mail hosts the evidence names.
const HOSTS_IN_EVIDENCE: usize = 5;

/// What the operator has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Whether DNS is asked; if not, syntax and lists decide alone.
    pub dns: bool,
    /// Domains and top-level domains, with all below them, that are not reserved here, such as `test`. None by default.
    pub allow_reserved: Vec<String>,
    /// Domains and top-level domains, with all below them, that are no typing errors, not disposable and not reserved.
    pub allow_domains: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            dns: true,
            allow_reserved: Vec::new(),
            allow_domains: Vec::new(),
        }
    }
}

/// The result for one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the address is worth; always the status of `reason`.
    pub status: Status,
    /// The finding that decided.
    pub reason: Reason,
    /// The address to store and send to; none if no address can be read from the text.
    pub normalized: Option<String>,
    /// The address that was probably meant, or that stands in a text which says more.
    pub suggestion: Option<String>,
    /// What each check found; a check that was not reached is absent.
    pub evidence: Evidence,
}

/// What each check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Whether the text is an address, and if not, where it breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syntax: Option<Check>,
    /// Absent, or what in the local part breaks RFC 5321, although the provider accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard: Option<Check>,
    /// Whether the domain is in public use, and if not, the reserved name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Check>,
    /// Whether the domain looks as meant, and if not, the one that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typo: Option<Check>,
    /// Whether the domain is off the list of throw-away mailboxes, and if not, the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposable: Option<Check>,
    /// Whether the address may be a person's, and if not, the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Check>,
    /// Whether anyone can get a mailbox there for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<bool>,
    /// The mail route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mx: Option<MxEvidence>,
    /// The provider's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderAnswer>,
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Whether the check has no objection.
    pub ok: bool,
    /// What it objects to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What DNS said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MxEvidence {
    /// The kind of route: `mx`, `null_mx`, `implicit`, `no_mail_host`, `no_such_domain` or `failed`.
    pub route: String,
    /// The first five mail hosts, the preferred ones first; or the addresses that can be none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// How long the answer held when it was given, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// How DNS failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<DnsFailure>,
    /// Whether the route was remembered, not asked for.
    pub from_cache: bool,
}

/// What can be said of an address before DNS is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Examination {
    /// Nothing that could be asked would change it.
    Decided(Verdict),
    /// DNS has to be asked.
    NeedsRoute {
        /// The domain to ask for: ASCII, lower case, without a dot at the end.
        domain: String,
        /// What was found so far.
        draft: Draft,
    },
}

/// An address without a fault of its own, on its way to a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    normalized: String,
    suggestion: Option<String>,
    evidence: Evidence,
    risk: Option<Reason>,
    /// Reserved names that are in use here.
    allowed: Vec<String>,
}

/// The key under which the mail route of an address is remembered: what follows the last @, in ASCII lower case.
/// It is computed from the text as it stands, exactly as SQL does, so a text that is no address may have one, too.
/// None without an @, or with nothing behind it.
pub fn cache_key(raw: &str) -> Option<String> {
    let (_, domain) = raw.trim_matches([' ', '\t', '\r', '\n']).rsplit_once('@')?;
    (!domain.is_empty()).then(|| domain.to_ascii_lowercase())
}

/// The domain names of a list that people write: with commas, semicolons or white space between them, a dot or an @
/// before them, in any script.
pub fn domain_names(list: &str) -> Vec<String> {
    list.split([',', ';', ' ', '\t', '\r', '\n'])
        .map(|it| it.trim_matches(['.', '@']))
        .filter(|it| !it.is_empty())
        .map(ascii_domain)
        .collect()
}

/// Decides what can be decided from the text of an address and the lists.
pub fn examine(raw: &str, rules: &Rules) -> Examination {
    let reading = match email_address::read(raw) {
        Ok(reading) => reading,
        Err(refusal) => {
            let (reason, suggestion) = (refusal.flaw.into(), refusal.suggestion.clone());
            let evidence = Evidence {
                syntax: Some(objection(Some(refusal.to_string()))),
                ..Evidence::default()
            };
            let verdict = Verdict::new(reason, None, suggestion, evidence);
            return Examination::Decided(verdict);
        }
    };
    let address = reading.address;
    let normalized = address.normalized();
    let stray_dot = "before the @, a dot stands at the start, at the end or beside another";
    let mut draft = Draft {
        suggestion: reading.is_decorated.then(|| normalized.clone()),
        normalized,
        evidence: Evidence {
            syntax: Some(objection(None)),
            standard: (!address.is_standard).then(|| objection(Some(stray_dot.to_owned()))),
            ..Evidence::default()
        },
        risk: None,
        allowed: [&rules.allow_reserved[..], &rules.allow_domains[..]].concat(),
    };
    let domain = match address.domain {
        Domain::Name(domain) => domain,
        Domain::Literal(ip) => {
            let is_public = special::is_reachable(ip) && !special::is_documentation(ip);
            let private = (!is_public).then(|| ip.to_string());
            draft.evidence.reserved = Some(objection(private.clone()));
            return Examination::Decided(draft.decide(match private {
                Some(_) => Reason::ReservedDomain,
                None => Reason::AddressLiteral,
            }));
        }
    };

    let reserved = lists::reserved(&domain, &draft.allowed);
    draft.evidence.reserved = Some(objection(reserved.map(str::to_owned)));
    if reserved.is_some() {
        return Examination::Decided(draft.decide(Reason::ReservedDomain));
    }
    let is_exempt = lists::is_allowed(&domain, &rules.allow_domains);
    draft.consult_lists(&address.local, &domain, is_exempt);
    if rules.dns {
        Examination::NeedsRoute { domain, draft }
    } else {
        let reason = draft.risk.unwrap_or(Reason::NotChecked);
        Examination::Decided(draft.decide(reason))
    }
}

/// Completes an examination. `route` is what DNS said, none if it could not be asked; `provider` is none if there is no
/// provider or it was not worth asking. What is decided already stays as it is.
pub fn conclude(
    examination: Examination,
    route: Option<&Route>,
    provider: Option<&ProviderAnswer>,
) -> Verdict {
    let mut draft = match examination {
        Examination::Decided(verdict) => return verdict,
        Examination::NeedsRoute { draft, .. } => draft,
    };
    let by_route = draft.route_reason(route);
    draft.evidence.mx = route.map(mx_evidence);
    draft.evidence.provider = provider.cloned();
    if draft.suggestion.is_none() {
        draft.suggestion = provider.and_then(|it| it.suggestion.clone());
    }
    let found = provider.map(|it| it.result);
    let reason = match (by_route, found, draft.risk) {
        (reason, _, _) if reason.status() == Status::Undeliverable => reason,
        (_, Some(ProviderResult::Undeliverable), _) => Reason::ProviderRejected,
        (reason, None | Some(ProviderResult::Unknown), _) if reason.status() == Status::Unknown => {
            reason
        }
        (_, _, Some(risk)) => risk,
        (_, Some(ProviderResult::Risky), None) => Reason::ProviderRisky,
        (_, Some(ProviderResult::Unknown), None) => Reason::ProviderUnknown,
        (_, Some(ProviderResult::Deliverable), None) => Reason::ProviderAccepted,
        (reason, None, None) => reason,
    };
    draft.decide(reason)
}

/// The address to ask a provider about, unless the verdict is beyond its help: a provider's answers cost money.
pub fn worth_asking<'a>(examination: &'a Examination, route: Option<&Route>) -> Option<&'a str> {
    match examination {
        Examination::NeedsRoute { draft, .. }
            if draft.route_reason(route).status() != Status::Undeliverable =>
        {
            Some(&draft.normalized)
        }
        Examination::NeedsRoute { .. } | Examination::Decided(_) => None,
    }
}

impl Verdict {
    fn new(
        reason: Reason,
        normalized: Option<String>,
        suggestion: Option<String>,
        evidence: Evidence,
    ) -> Self {
        Self {
            status: reason.status(),
            reason,
            normalized,
            suggestion,
            evidence,
        }
    }

    /// The same verdict, with the note that its mail route was remembered.
    pub fn with_remembered_route(mut self) -> Self {
        if let Some(mx) = &mut self.evidence.mx {
            mx.from_cache = true;
        }
        self
    }
}

impl Draft {
    fn consult_lists(&mut self, local: &str, domain: &str, is_exempt: bool) {
        let meant = typo::meant(domain).filter(|_| !is_exempt);
        let disposable = lists::disposable(domain).filter(|_| !is_exempt);
        let role = lists::role(local);
        if let Some(it) = &meant {
            self.suggestion = Some(format!("{local}@{it}"));
        }
        // Throw-away lists hold many misspellings of popular domains, and there the suggestion is what helps.
        self.risk = if meant.is_some() {
            Some(Reason::LikelyTypo)
        } else if disposable.is_some() {
            Some(Reason::Disposable)
        } else if self.evidence.standard.is_some() {
            Some(Reason::NonstandardLocalPart)
        } else {
            role.map(|_| Reason::Role)
        };
        self.evidence.typo = Some(objection(meant));
        self.evidence.disposable = Some(objection(disposable.map(str::to_owned)));
        self.evidence.role = Some(objection(role.map(str::to_owned)));
        self.evidence.free = Some(lists::is_free(domain));
    }

    fn route_reason(&self, route: Option<&Route>) -> Reason {
        match route {
            Some(Route::Mx { hosts, .. })
                if !hosts
                    .iter()
                    .any(|it| lists::can_be_mail_host(it, &self.allowed)) =>
            {
                Reason::UnusableMailHost
            }
            Some(Route::Mx { .. } | Route::Implicit { .. }) => Reason::Accepted,
            Some(Route::NullMx { .. }) => Reason::NullMx,
            Some(Route::NoMailHost { unusable, .. }) if !unusable.is_empty() => {
                Reason::UnusableMailHost
            }
            Some(Route::NoMailHost { .. }) => Reason::NoMailHost,
            Some(Route::NoSuchDomain { .. }) => Reason::NoSuchDomain,
            Some(Route::Failed {
                reason: DnsFailure::Timeout,
            }) => Reason::DnsTimeout,
            Some(Route::Failed { .. }) | None => Reason::DnsFailed,
        }
    }

    fn decide(self, reason: Reason) -> Verdict {
        Verdict::new(
            reason,
            Some(self.normalized),
            self.suggestion,
            self.evidence,
        )
    }
}

fn objection(detail: Option<String>) -> Check {
    Check {
        ok: detail.is_none(),
        detail,
    }
}

fn mx_evidence(route: &Route) -> MxEvidence {
    let (hosts, failure) = match route {
        Route::Mx { hosts, .. }
        | Route::NoMailHost {
            unusable: hosts, ..
        } => (
            hosts.iter().take(HOSTS_IN_EVIDENCE).cloned().collect(),
            None,
        ),
        Route::Failed { reason } => (Vec::new(), Some(*reason)),
        Route::NullMx { .. } | Route::Implicit { .. } | Route::NoSuchDomain { .. } => {
            (Vec::new(), None)
        }
    };
    MxEvidence {
        route: route.kind().to_owned(),
        hosts,
        ttl: route.ttl(),
        failure,
        from_cache: false,
    }
}
