//! Callers may keep their connections, or not.

use std::collections::BTreeSet;

use anyhow::Context as _;

use super::{Check, Outcome, expect, seen, verify};
use crate::http::Request;
use crate::scene::{JOBS, Scene};

const REQUESTS: usize = 40;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "keep-alive",
        expects: "40 requests one after another are answered over one connection",
        run: |it| Box::pin(keep_alive(it)),
    },
    Check {
        name: "new-connections",
        expects: "40 requests over a new connection each are answered",
        run: |it| Box::pin(new_connections(it)),
    },
];

async fn keep_alive(scene: &Scene) -> Outcome {
    let mut connection = scene.http.connect().await?;
    for n in 0..REQUESTS {
        let answer = connection.send(&request(scene, n)).await;
        let answer = answer.with_context(|| format!("after {n} answers"))?;
        expect(&answer, 200, &[("status", "idle")])?;
    }
    seen(format!("{REQUESTS} answers over one connection"))
}

async fn new_connections(scene: &Scene) -> Outcome {
    let mut connections = BTreeSet::new();
    for n in 0..REQUESTS {
        let mut request = request(scene, n);
        request.alone = true;
        let answer = scene.http.send(&request).await?;
        expect(&answer, 200, &[("status", "idle")])?;
        connections.extend(answer.connection);
    }
    let text = format!("{REQUESTS} answers over {} connections", connections.len());
    verify(
        connections.len() == REQUESTS,
        &text,
        "a connection for each",
    )?;
    seen(text)
}

/// A request of each job in turn.
fn request(scene: &Scene, n: usize) -> Request<'static> {
    let (_, route) = JOBS[n % JOBS.len()];
    let mut request = Request::new("POST", route);
    let key = format!("Bearer {}", scene.secrets.service_key);
    request.headers = vec![("authorization", key)];
    request
}
