use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use super::figures::Corrected;
use super::people;
use crate::cmd::bench::child::Child;
use crate::cmd::bench::figures::Quantiles;
use crate::cmd::bench::meter::settle_down;
use crate::cmd::bench::{WHO, now};
use crate::cmd::validate::cycle::DEADLINE;
use crate::{home::Home, scratch::Scratch, stack};

/// The door for operators, over connections that are kept.
struct Door {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    authorization: String,
}

/// Corrects last contacts, one at a time and eight at once, each time of so many assignments.
pub(super) async fn all(
    home: &Home,
    scratch: &Scratch,
    assignments: u32,
    requests: u32,
) -> Result<Vec<Corrected>> {
    let client = &scratch.client;
    people::set_up(client).await?;
    people::add_assignments(client, assignments.max(requests)).await?;
    settle_down(client).await?;
    let child = Child::start(home, &scratch.address, &["--no-tick", "--no-wakes"]).await?;
    let rows = client
        .query(
            "select id::text from public.assignments limit $1",
            &[&i64::from(requests)],
        )
        .await?;
    let ids: Vec<String> = rows.iter().map(|it| it.get(0)).collect();
    let door = Door::new(&child, home)?;
    let corrected = vec![
        correct(&door, &ids, "2020-01-01T00:00:00Z", 1).await?,
        correct(&door, &ids, "2020-01-02T00:00:00Z", 8).await?,
    ];
    child.kill().await?;
    let noted: i64 = client
        .query_one(
            "select count(*) from baton.events where noun = 'assignment' and who = $1",
            &[&WHO],
        )
        .await?
        .get(0);
    ensure!(
        noted == 2 * i64::from(requests),
        "{noted} of {} corrections were written down",
        2 * i64::from(requests)
    );
    Ok(corrected)
}

/// Gives every assignment this date.
async fn correct(door: &Door, ids: &[String], date: &str, at_once: u32) -> Result<Corrected> {
    let start = now();
    let milliseconds: Vec<f64> = stream::iter(ids)
        .map(|id| async move {
            let took = door.correct(id, date).await?;
            anyhow::Ok(took.as_secs_f64() * 1_000.0)
        })
        .buffer_unordered(at_once as usize)
        .try_collect()
        .await?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Corrected {
        requests: u32::try_from(ids.len())?,
        at_once,
        requests_per_second: ids.len() as f64 / seconds,
        took: Quantiles::of(milliseconds),
    })
}

impl Door {
    fn new(child: &Child, home: &Home) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: child.url().to_owned(),
            authorization: format!("Bearer {}", stack::service_key(home)?),
        })
    }

    /// Corrects one date, and says how long that took.
    async fn correct(&self, id: &str, date: &str) -> Result<Duration> {
        let body = json!({ "last_contact_date": date, "who": WHO, "why": "measuring" });
        let url = format!("{}/admin/assignments/{id}/last-contact-date", self.url);
        let request = Request::patch(url)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))?;
        let start = now();
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, body))
        };
        let (status, body) = tokio::time::timeout(DEADLINE, exchange).await??;
        let took = start.elapsed();
        let text = String::from_utf8_lossy(&body);
        ensure!(status == 200, "a correction was answered {status}: {text}");
        Ok(took)
    }
}
