use std::time::Duration;

use baton::{FetchError, fetch};
use bytes::Bytes;
use futures::future::join;
use spin_sdk::http::{FullBody, Method, Request};

use crate::doh::{
    self, DnsFailure, Lookup, Next, RecordKind, Route, route_from_addresses, route_step,
};

/// How long one resolver may take for one question.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest DNS message there is (RFC 1035, section 4.2.2), in bytes.
const LONGEST: usize = 65_535;

/// Finds the mail route of a domain: at most three questions to two resolvers, so at most 8 s.
pub(crate) async fn resolve(domain: &str, resolvers: &[String; 2]) -> Route {
    match route_step(&look_up(domain, RecordKind::Mx, resolvers).await) {
        Next::Done(route) => route,
        Next::AskAddresses => {
            let (a, aaaa) = join(
                look_up(domain, RecordKind::A, resolvers),
                look_up(domain, RecordKind::Aaaa, resolvers),
            )
            .await;
            route_from_addresses(&a, &aaaa)
        }
    }
}

async fn look_up(domain: &str, kind: RecordKind, resolvers: &[String; 2]) -> Lookup {
    let mut last = Lookup::Failed(DnsFailure::Unreachable);
    for resolver in resolvers {
        last = ask(domain, kind, resolver).await;
        if !matches!(last, Lookup::Failed(_)) {
            break;
        }
    }
    last
}

/// One question by POST (RFC 8484, section 4.1).
async fn ask(domain: &str, kind: RecordKind, resolver: &str) -> Lookup {
    let message = match doh::query(domain, kind) {
        Ok(it) => it,
        Err(it) => return it.into(),
    };
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{resolver}/dns-query"))
        .header("content-type", "application/dns-message")
        .header("accept", "application/dns-message")
        .body(FullBody::new(Bytes::from(message)));
    let Ok(request) = request else {
        return Lookup::Failed(DnsFailure::Unreachable);
    };
    match fetch(request, PATIENCE, LONGEST).await {
        Ok(it) if it.status == 200 => {
            doh::parse(domain, kind, &it.body).unwrap_or_else(Lookup::from)
        }
        Ok(_) => Lookup::Failed(DnsFailure::Unreachable),
        Err(FetchError::TimedOut) => Lookup::Failed(DnsFailure::Timeout),
        Err(
            FetchError::TooLong(_)
            | FetchError::Denied
            | FetchError::NotSent(_)
            | FetchError::Failed(_),
        ) => Lookup::Failed(DnsFailure::Unreachable),
    }
}
