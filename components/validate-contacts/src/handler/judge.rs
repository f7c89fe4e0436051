use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use baton::Deadline;
use futures::{FutureExt, StreamExt, stream};
use serde_json::json;
use spin_sdk::time::sleep;

use super::{resolve::resolve, settings::Settings, verify};
use crate::calls::{Attempt, Contact, Outcome, Resolved, Throttle};
use crate::doh::Route;
use crate::email::{Examination, Verdict, cache_key, conclude, examine, worth_asking};
use crate::provider::ProviderAnswer;

/// How many domains are resolved at once.
const RESOLVING: usize = 50;
/// How many addresses the provider is asked about at once.
const VERIFYING: usize = 10;

/// What came of a batch; a contact without an outcome stays due.
pub(crate) struct Judged {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) routes: Vec<Resolved>,
    pub(crate) throttle: Option<Throttle>,
}

/// A contact on its way to a verdict.
struct Case {
    contact: Contact,
    examination: Examination,
    route: Option<Route>,
    remembered: bool,
}

/// Checks a batch concurrently, until the deadline.
pub(crate) async fn judge(attempt: Attempt, settings: &Settings, deadline: Deadline) -> Judged {
    let deadline = sleep(deadline.left()).shared();
    let mut cases: Vec<Case> = attempt
        .contacts
        .into_iter()
        .map(|contact| {
            let examination = examine(&contact.email, &settings.rules);
            let remembered =
                cache_key(&contact.email).and_then(|it| attempt.routes.get(&it).cloned());
            Case {
                contact,
                examination,
                remembered: remembered.is_some(),
                route: remembered,
            }
        })
        .collect();

    let unknown: BTreeSet<String> = cases
        .iter()
        .filter_map(unresolved_domain)
        .map(str::to_owned)
        .collect();
    let found: BTreeMap<String, Route> = stream::iter(unknown)
        .map(|domain| async move {
            let route = resolve(&domain, &settings.resolvers).await;
            (domain, route)
        })
        .buffer_unordered(RESOLVING)
        .take_until(deadline.clone())
        .collect()
        .await;
    let mut routes = BTreeMap::new();
    for case in &mut cases {
        let Some(route) = unresolved_domain(case).and_then(|it| found.get(it)) else {
            continue;
        };
        if let (Some(domain), Some(ttl)) = (cache_key(&case.contact.email), route.ttl()) {
            routes.insert(
                domain.clone(),
                Resolved {
                    domain,
                    route: route.clone(),
                    ttl,
                },
            );
        }
        case.route = Some(route.clone());
    }
    cases.retain(|it| unresolved_domain(it).is_none());

    let (outcomes, throttle) = match &settings.provider {
        None => (
            cases.into_iter().map(|it| outcome(it, None)).collect(),
            None,
        ),
        Some(provider) => ask_provider(cases, provider, deadline).await,
    };
    Judged {
        outcomes,
        routes: routes.into_values().collect(),
        throttle,
    }
}

async fn ask_provider(
    cases: Vec<Case>,
    provider: &super::settings::Provider,
    deadline: impl Future<Output = ()>,
) -> (Vec<Outcome>, Option<Throttle>) {
    let mut outcomes = Vec::new();
    let answers = stream::iter(cases)
        .map(|case| async move {
            let answer = match worth_asking(&case.examination, case.route.as_ref()) {
                Some(email) => Some(verify::ask(provider, email).await),
                None => None,
            };
            (case, answer)
        })
        .buffer_unordered(VERIFYING)
        .take_until(deadline);
    let mut answers = pin!(answers);
    while let Some((case, answer)) = answers.next().await {
        match answer.transpose() {
            Ok(answer) => outcomes.push(outcome(case, answer.as_ref())),
            Err(throttle) => {
                // Nobody else is asked in this batch; who has no answer yet stays due.
                return (outcomes, Some(throttle));
            }
        }
    }
    (outcomes, None)
}

fn unresolved_domain(case: &Case) -> Option<&str> {
    match &case.examination {
        Examination::NeedsRoute { domain, .. } if case.route.is_none() => Some(domain),
        Examination::NeedsRoute { .. } | Examination::Decided(_) => None,
    }
}

fn outcome(case: Case, answer: Option<&ProviderAnswer>) -> Outcome {
    let mut verdict = conclude(case.examination, case.route.as_ref(), answer);
    if case.remembered {
        verdict = verdict.with_remembered_route();
    }
    let Verdict {
        status,
        reason,
        normalized,
        suggestion,
        evidence,
    } = verdict;
    let mut evidence = json!(evidence);
    evidence["normalized"] = json!(normalized);
    evidence["suggestion"] = json!(suggestion);
    Outcome {
        id: case.contact.id,
        email: case.contact.email,
        status,
        reason,
        evidence,
    }
}
