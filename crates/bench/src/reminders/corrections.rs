use std::time::Duration;

use anyhow::{Result, ensure};
use driver::http::Http;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use stack::{home::Home, scratch::Scratch};

use super::figures::Corrected;
use super::people;
use crate::child::Child;
use crate::figures::Quantiles;
use crate::measure::DEADLINE;
use crate::measure::{WHO, now};
use crate::meter::settle_down;

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
    let http = child.http(home)?;
    let corrected = vec![
        correct(&http, &ids, "2020-01-01T00:00:00Z", 1).await?,
        correct(&http, &ids, "2020-01-02T00:00:00Z", 8).await?,
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
async fn correct(http: &Http, ids: &[String], date: &str, at_once: u32) -> Result<Corrected> {
    let start = now();
    let milliseconds: Vec<f64> = stream::iter(ids)
        .map(|id| async move {
            let took = correct_one(http, id, date).await?;
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

/// Corrects one date, and says how long that took.
async fn correct_one(http: &Http, id: &str, date: &str) -> Result<Duration> {
    let body = json!({ "last_contact_date": date, "who": WHO, "why": "measuring" });
    let path = format!("/admin/assignments/{id}/last-contact-date");
    let start = now();
    let (status, answer) = http.patch(&path, &body, DEADLINE).await?;
    let took = start.elapsed();
    ensure!(
        status == 200,
        "a correction was answered {status}: {answer}"
    );
    Ok(took)
}
