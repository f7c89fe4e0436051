//! What is refused, by which status, and that nothing comes of it.

use std::collections::BTreeSet;

use super::{Check, Outcome, expect, verify, without_a_trace};
use crate::http::Request;
use crate::scene::{ALIAS, JOBS, Scene, correction, correction_path};

/// One byte more than the longest body.
const TOO_LONG: usize = 16 * 1024 + 1;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "no-key",
        expects: "401 at every protected route for a request without a key, and nothing changes",
        run: |it| Box::pin(no_key(it)),
    },
    Check {
        name: "wrong-key",
        expects: "401 at every protected route for a wrong or misplaced key, with the same answer, and nothing changes",
        run: |it| Box::pin(wrong_key(it)),
    },
    Check {
        name: "wrong-method",
        expects: "405 at every protected route for another method, and nothing changes",
        run: |it| Box::pin(wrong_method(it)),
    },
    Check {
        name: "unknown-field",
        expects: "400 (422 for the correction) that names the field, and nothing changes",
        run: |it| Box::pin(unknown_field(it)),
    },
    Check {
        name: "body-not-an-object",
        expects: "400 for a body that is no JSON object, and nothing changes",
        run: |it| Box::pin(body_not_an_object(it)),
    },
    Check {
        name: "body-too-long",
        expects: "413 for a body over 16 KiB, and nothing changes",
        run: |it| Box::pin(body_too_long(it)),
    },
    Check {
        name: "invalid-date",
        expects: "422 for a correction with an invalid or future date, or without who or why, and nothing changes",
        run: |it| Box::pin(invalid_date(it)),
    },
    Check {
        name: "unknown-assignment",
        expects: "404 for the correction of an assignment that does not exist, and nothing changes",
        run: |it| Box::pin(unknown_assignment(it)),
    },
];

/// Method and path of every route that wants the service key; the last one is the correction.
async fn protected(scene: &Scene) -> anyhow::Result<Vec<(&'static str, String)>> {
    let assignment = scene.add_assignment(None, None).await?;
    let posts = ["/tick", ALIAS]
        .into_iter()
        .chain(JOBS.map(|(_, route)| route));
    let mut routes: Vec<_> = posts.map(|it| ("POST", it.to_owned())).collect();
    routes.push(("PATCH", correction_path(&assignment)));
    Ok(routes)
}

async fn no_key(scene: &Scene) -> Outcome {
    let routes = protected(scene).await?;
    without_a_trace(scene, async || {
        for (method, path) in &routes {
            let answer = scene.send(&Request::new(method, path)).await?;
            expect(&answer, 401, &[("code", "unauthorized")])?;
        }
        Ok(format!("401 at {} routes", routes.len()))
    })
    .await
}

async fn wrong_key(scene: &Scene) -> Outcome {
    let routes = protected(scene).await?;
    let key = &scene.secrets.service_key;
    let wrong = [
        "Bearer".to_owned(),
        "Bearer a-key-that-is-wrong".to_owned(),
        format!("Bearer {key}x"),
        format!("bearer {key}"),
        format!("Basic {key}"),
        key.clone(),
    ];
    without_a_trace(scene, async || {
        let mut answers = BTreeSet::new();
        for (method, path) in &routes {
            for authorization in &wrong {
                let answer = scene.call_as(authorization, method, path, "{}").await?;
                expect(&answer, 401, &[("code", "unauthorized")])?;
                // A key in an answer would be one more reason to fail, and must not be printed.
                answers.insert(answer.text.replace(key.as_str(), "(the key)"));
            }
        }
        let one = answers.len() == 1;
        verify(
            one,
            format!("401 with {answers:?}"),
            "the same answer for each",
        )?;
        Ok(format!(
            "401 for {} keys at {} routes, the same answer for each",
            wrong.len(),
            routes.len()
        ))
    })
    .await
}

async fn wrong_method(scene: &Scene) -> Outcome {
    let routes = protected(scene).await?;
    without_a_trace(scene, async || {
        for (method, path) in &routes {
            for other in ["GET", "PUT", "DELETE", "PATCH", "POST"] {
                if other != *method {
                    let answer = scene.call(other, path, "").await?;
                    expect(&answer, 405, &[("code", "method_not_allowed")])?;
                }
            }
        }
        Ok(format!("405 for 4 methods at {} routes", routes.len()))
    })
    .await
}

async fn unknown_field(scene: &Scene) -> Outcome {
    let routes = protected(scene).await?;
    without_a_trace(scene, async || {
        for (method, path) in &routes {
            let (status, body) = match *method {
                "PATCH" => (
                    422,
                    correction("2026-01-02T03:04:05Z").replace('}', r#","speed":1}"#),
                ),
                _ => (400, r#"{"trigger":"manual","speed":1}"#.to_owned()),
            };
            let answer = scene.call(method, path, &body).await?;
            expect(&answer, status, &[])?;
            let names_it = answer.text_of("message").contains("speed");
            verify(names_it, &answer, "a message that names the field `speed`")?;
        }
        for (_, route) in JOBS {
            let answer = scene.call("POST", route, r#"{"trigger":"sunday"}"#).await?;
            expect(&answer, 400, &[("code", "bad_request")])?;
        }
        Ok(format!(
            "400 and 422 at {} routes, with the name of the field",
            routes.len()
        ))
    })
    .await
}

async fn body_not_an_object(scene: &Scene) -> Outcome {
    let routes = protected(scene).await?;
    let bodies = ["[]", "7", "null", "\"x\"", "{", "trigger=manual"];
    without_a_trace(scene, async || {
        for (method, path) in &routes {
            for body in bodies {
                let answer = scene.call(method, path, body).await?;
                expect(&answer, 400, &[("code", "bad_request")])?;
            }
        }
        Ok(format!(
            "400 for {} bodies at {} routes",
            bodies.len(),
            routes.len()
        ))
    })
    .await
}

async fn body_too_long(scene: &Scene) -> Outcome {
    let routes = protected(scene).await?;
    let body = format!("{{{}}}", " ".repeat(TOO_LONG - 2));
    without_a_trace(scene, async || {
        for (method, path) in &routes {
            let answer = scene.call(method, path, &body).await?;
            expect(&answer, 413, &[("code", "too_large")])?;
        }
        Ok(format!(
            "413 for {TOO_LONG} bytes at {} routes",
            routes.len()
        ))
    })
    .await
}

async fn invalid_date(scene: &Scene) -> Outcome {
    let assignment = scene.add_assignment(None, None).await?;
    let future = scene.db.text(
        "select to_char(now() + interval '1 day', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
        &[],
    );
    let future = future.await?;
    let no_who = correction("2026-01-02T03:04:05Z").replace("check-deployment", " ");
    let no_why = correction("2026-01-02T03:04:05Z").replace("a check of the deployment", "");
    let missing = r#"{"last_contact_date":null,"who":"check-deployment"}"#.to_owned();
    let bodies = [
        (
            "a day that does not exist",
            correction("2026-02-30T10:00:00Z"),
        ),
        ("a word", correction("yesterday")),
        ("a date without a time", correction("2026-01-02")),
        ("tomorrow", correction(&future)),
        ("before 1970", correction("1969-12-31T23:59:59Z")),
        ("an empty who", no_who),
        ("an empty why", no_why),
        ("no why", missing),
    ];
    without_a_trace(scene, async || {
        for (_, body) in &bodies {
            let answer = scene.correct(&assignment, body).await?;
            expect(&answer, 422, &[("code", "unacceptable")])?;
        }
        let what = bodies.each_ref().map(|(what, _)| *what).join(", ");
        Ok(format!("422 for {what}"))
    })
    .await
}

async fn unknown_assignment(scene: &Scene) -> Outcome {
    let ids = ["00000000-0000-4000-8000-000000000000", "no-key", "%C3%BC"];
    without_a_trace(scene, async || {
        for id in ids {
            let answer = scene
                .correct(id, &correction("2026-01-02T03:04:05Z"))
                .await?;
            expect(&answer, 404, &[("code", "no_such_thing")])?;
        }
        Ok(format!("404 for {}", ids.join(", ")))
    })
    .await
}
