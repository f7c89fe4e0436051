//! Every route answers.

use std::time::Duration;

use super::{Check, Outcome, expect, mismatch, seen, tick, verify};
use crate::http::Request;
use crate::scene::{ALIAS, JOBS, Scene, correction, correction_path};

/// What is left from before must be done by then.
const QUIET: Duration = Duration::from_secs(60);

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "healthz-get",
        expects: "GET /healthz answers 200 with status ok, without a key",
        run: |it| Box::pin(healthz_get(it)),
    },
    Check {
        name: "healthz-head",
        expects: "HEAD /healthz answers 200 without a body",
        run: |it| Box::pin(healthz_head(it)),
    },
    Check {
        name: "healthz-post",
        expects: "POST /healthz answers 405 with a header `allow` that names GET",
        run: |it| Box::pin(healthz_post(it)),
    },
    Check {
        name: "tick",
        expects: "POST /tick answers 200 with the state of all four jobs, and leaves nothing due",
        run: |it| Box::pin(tick_route(it)),
    },
    Check {
        name: "job-routes",
        expects: "each job answers 200 at its route, and writes its run to this database",
        run: |it| Box::pin(job_routes(it)),
    },
    Check {
        name: "correction",
        expects: "PATCH of a last contact date answers 200 with the date before and after, and records who and why",
        run: |it| Box::pin(correct(it)),
    },
    Check {
        name: "unknown-routes",
        expects: "a route that does not exist answers 404",
        run: |it| Box::pin(unknown_routes(it)),
    },
    Check {
        name: "json-answers",
        expects: "every answer with a body is JSON, and says so by its content-type",
        run: |it| Box::pin(json_answers(it)),
    },
];

async fn healthz_get(scene: &Scene) -> Outcome {
    let answer = scene.send(&Request::new("GET", "/healthz")).await?;
    expect(&answer, 200, &[("status", "ok")])?;
    seen(answer.to_string())
}

async fn healthz_head(scene: &Scene) -> Outcome {
    let answer = scene.send(&Request::new("HEAD", "/healthz")).await?;
    expect(&answer, 200, &[])?;
    seen(answer.to_string())
}

async fn healthz_post(scene: &Scene) -> Outcome {
    let answer = scene.send(&Request::new("POST", "/healthz")).await?;
    expect(&answer, 405, &[])?;
    let allow = answer.allow.clone().unwrap_or_default();
    let names_get = allow.split(',').any(|it| it.trim() == "GET");
    verify(
        names_get,
        format!("{answer} with allow {allow:?}"),
        "an `allow` that names GET",
    )?;
    seen(format!("405 with allow: {allow}"))
}

async fn tick_route(scene: &Scene) -> Outcome {
    let answer = scene
        .until(QUIET, async || {
            let answer = tick(scene).await?;
            let jobs = answer.json["jobs"].as_array().cloned().unwrap_or_default();
            let is_at_rest = |name: &str| {
                let mut of_job = jobs.iter().filter(|it| it["job"] == name);
                of_job
                    .next()
                    .is_some_and(|it| it["state"] != "due" && it["state"] != "busy")
            };
            let done =
                answer.json["status"] == "done" && JOBS.iter().all(|(job, _)| is_at_rest(job));
            Ok(match done {
                true => Ok(answer),
                false => Err(answer.to_string()),
            })
        })
        .await?;
    let answer = answer
        .map_err(|it| mismatch(it, "a tick that leaves none of the four jobs due or busy"))?;
    seen(format!(
        "200 done, {} calls, four jobs at rest",
        answer.number_of("calls")
    ))
}

async fn job_routes(scene: &Scene) -> Outcome {
    let mut found = Vec::new();
    for (job, route) in JOBS.into_iter().chain([("auto-sync-jobs", ALIAS)]) {
        let before = scene.db.last_run().await?;
        let answer = scene.post(route).await?;
        expect(&answer, 200, &[])?;
        let status = answer.text_of("status");
        verify(
            ["idle", "ran"].contains(&status),
            &answer,
            "200 with status idle or ran",
        )?;
        let sql = "select count(*) from baton.runs where id > $1 and job = $2";
        verify(
            scene.db.count(sql, &[&before, &job]).await? > 0,
            format!(
                "{answer}, and no run of {job} in the database `{}`",
                scene.db.name
            ),
            "the deployment to work on the database of DATABASE_URL",
        )?;
        found.push(format!("{route} {status}"));
    }
    seen(found.join(", "))
}

async fn correct(scene: &Scene) -> Outcome {
    let assignment = scene.add_assignment(None, None).await?;
    let answer = scene
        .correct(&assignment, &correction("2026-01-02T03:04:05Z"))
        .await?;
    expect(&answer, 200, &[("assignment_id", &assignment)])?;
    let holds =
        answer.json["from"].is_null() && answer.text_of("to").starts_with("2026-01-02T03:04:05");
    verify(holds, &answer, "from null, to 2026-01-02T03:04:05")?;
    let sql = "select concat_ws(' ', (a.last_contact_date = '2026-01-02T03:04:05Z')::text, e.who, e.why)
               from public.assignments a left join baton.events e on e.noun = 'assignment' and e.noun_id = a.id::text
               where a.id::text = $1";
    let stored = scene.db.text(sql, &[&assignment]).await?;
    verify(
        stored == "true check-deployment a check of the deployment",
        format!("{answer}, stored {stored:?}"),
        "the new date in the assignment, and an event with who and why",
    )?;
    seen("200, null to 2026-01-02T03:04:05Z, recorded with who and why")
}

async fn unknown_routes(scene: &Scene) -> Outcome {
    let paths = [
        "/",
        "/nothing",
        "/jobs/nothing",
        "/admin/assignments/1",
        "/messages/sms/nothing",
        "/functions/v1/nothing",
    ];
    for path in paths {
        for method in ["GET", "POST"] {
            let answer = scene.call(method, path, "").await?;
            expect(&answer, 404, &[("code", "not_found")])?;
        }
    }
    seen(format!("404 by GET and POST: {}", paths.join(" ")))
}

async fn json_answers(scene: &Scene) -> Outcome {
    let assignment = scene.add_assignment(None, None).await?;
    let path = correction_path(&assignment);
    let good = correction("2026-01-02T03:04:05Z");
    let (bad, big) = (correction("not a date"), " ".repeat(17 * 1024));
    let mut requests = vec![
        (200, "GET", "/healthz", true, ""),
        (404, "POST", "/nothing", true, ""),
        (200, "POST", "/tick", true, ""),
        (401, "POST", "/tick", false, ""),
        (200, "PATCH", &path, true, &good),
        (422, "PATCH", &path, true, &bad),
        (401, "PATCH", &path, false, &good),
        (401, "POST", "/messages/sms/status", false, ""),
        (401, "POST", "/messages/sms/inbound", false, ""),
    ];
    for (_, route) in JOBS {
        requests.extend([
            (200, "POST", route, true, ""),
            (401, "POST", route, false, ""),
            (400, "POST", route, true, "[]"),
            (413, "POST", route, true, &big),
            (405, "GET", route, true, ""),
        ]);
    }
    for (status, method, path, with_key, body) in &requests {
        let answer = match with_key {
            true => scene.call(method, path, body).await?,
            false => scene.call_as("", method, path, body).await?,
        };
        expect(&answer, *status, &[])?;
        let content_type = answer.content_type.clone().unwrap_or_default();
        let mut parts = content_type.split(';');
        let is_json = parts
            .next()
            .is_some_and(|it| it.trim() == "application/json");
        verify(
            is_json && answer.json.is_object(),
            format!("{answer} with content-type {content_type:?}"),
            "a JSON object with content-type application/json",
        )?;
    }
    seen(format!(
        "{} answers, 200 to 422, all application/json",
        requests.len()
    ))
}
