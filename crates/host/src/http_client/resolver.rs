//! Resolves the names of hosts, and leaves out the addresses that a request may not reach.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use crate::allowed_hosts::is_public;

/// The system's resolver.
#[derive(Clone)]
pub(super) struct Resolver {
    inner: GaiResolver,
    only_public: bool,
}

impl Resolver {
    /// For hosts that an operator named.
    pub(super) fn any() -> Self {
        Self {
            inner: GaiResolver::new(),
            only_public: false,
        }
    }

    /// For hosts that a pattern with `*` covers.
    pub(super) fn public() -> Self {
        Self {
            only_public: true,
            ..Self::any()
        }
    }
}

impl Service<Name> for Resolver {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<IntoIter<SocketAddr>>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.inner.call(name);
        let only_public = self.only_public;
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            if only_public {
                keep_public(found)
            } else {
                Ok(found)
            }
            .map(Vec::into_iter)
        })
    }
}

/// Fails if there are addresses and none of them is public.
fn keep_public(found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let n_found = found.len();
    let public: Vec<_> = found.into_iter().filter(|it| is_public(it.ip())).collect();
    if public.is_empty() && n_found > 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, Prohibited));
    }
    Ok(public)
}

/// A host has no public address, and was not named by an operator.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
pub(super) struct Prohibited;

impl Prohibited {
    /// Whether this is the reason of an error, or of one of its causes.
    pub(super) fn is_behind(error: &(dyn std::error::Error + 'static)) -> bool {
        std::iter::successors(Some(error), |it| it.source()).any(|cause| {
            // An error of I/O does not name the one inside it as its source, but hands it out.
            let inner = cause
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            inner.is_some_and(|it| it.is::<Self>())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_left_out() {
        let check = |found: &[&str], expected: Option<&[&str]>| {
            let parse = |it: &[&str]| -> Vec<SocketAddr> {
                it.iter()
                    .map(|it| it.parse().expect("an address"))
                    .collect()
            };
            let kept = keep_public(parse(found));
            if let Err(error) = &kept {
                assert!(Prohibited::is_behind(error), "{error}");
            }
            assert_eq!(kept.ok(), expected.map(parse));
        };
        check(&["1.1.1.1:443"], Some(&["1.1.1.1:443"]));
        check(
            &["127.0.0.1:443", "1.1.1.1:443", "[::1]:443"],
            Some(&["1.1.1.1:443"]),
        );
        check(&["127.0.0.1:443", "[fd00::1]:443"], None);
        check(&[], Some(&[]));
    }
}
