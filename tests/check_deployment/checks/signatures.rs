//! Requests that are signed in place of a key: by Standard Webhooks for jobs, by Twilio for its callbacks.

use baton::webhook::{ID, SIGNATURE, Secret, TIMESTAMP, TOLERANCE, secret_text, secrets, sign};
use loopback_sms::Post;

use super::{Check, Outcome, expect, seen, verify, without_a_trace};
use crate::http::{Answer, Request};
use crate::scene::{ALIAS, JOBS, Scene, correction, correction_path};

const WAKE: &str = r#"{"trigger":"wake"}"#;
const INBOUND: &str = "/messages/sms/inbound";

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "webhook-valid",
        expects: "200 at every route for a POST signed by Standard Webhooks, with its trigger in the log of runs",
        run: |it| Box::pin(webhook_valid(it)),
    },
    Check {
        name: "webhook-wrong-secret",
        expects: "401 for a signature by another secret, and nothing changes",
        run: |it| Box::pin(webhook_wrong_secret(it)),
    },
    Check {
        name: "webhook-altered-body",
        expects: "401 for a body other than the signed one, and nothing changes",
        run: |it| Box::pin(webhook_altered_body(it)),
    },
    Check {
        name: "webhook-old-timestamp",
        expects: "401 for a signature more than 5 minutes old or ahead, and nothing changes",
        run: |it| Box::pin(webhook_old_timestamp(it)),
    },
    Check {
        name: "webhook-correction",
        expects: "401 for a correction that is signed in place of the key, and nothing changes",
        run: |it| Box::pin(webhook_correction(it)),
    },
    Check {
        name: "twilio-valid",
        expects: "204 for a reply that Twilio signed",
        run: |it| Box::pin(twilio_valid(it)),
    },
    Check {
        name: "twilio-wrong",
        expects: "401 that speaks of Twilio's signature for a wrong one, and nothing changes",
        run: |it| Box::pin(twilio_wrong(it)),
    },
    Check {
        name: "twilio-altered",
        expects: "401 for fields or a path other than the signed ones, and nothing changes",
        run: |it| Box::pin(twilio_altered(it)),
    },
    Check {
        name: "twilio-by-key",
        expects: "401 for a callback with the service key in place of Twilio's signature, and nothing changes",
        run: |it| Box::pin(twilio_by_key(it)),
    },
];

/// Sends `sent` with a signature over `signed`.
async fn send_signed(
    scene: &Scene,
    (method, path): (&str, &str),
    secrets: &[Secret],
    at: u64,
    (signed, sent): (&str, &str),
) -> anyhow::Result<Answer> {
    let id = format!("msg_{}", scene.next());
    let signature = sign(secrets, &id, at, signed.as_bytes());
    let mut request = Request::new(method, path);
    request.headers = vec![
        ("content-type", "application/json".to_owned()),
        (ID, id),
        (TIMESTAMP, at.to_string()),
        (SIGNATURE, signature),
    ];
    request.body = sent.to_owned();
    scene.send(&request).await
}

/// The same as a POST to each route of a job; how many.
async fn refused(
    scene: &Scene,
    secrets: &[Secret],
    at: u64,
    bodies: (&str, &str),
) -> anyhow::Result<usize> {
    let routes = all_posts();
    for path in routes {
        let answer = send_signed(scene, ("POST", path), secrets, at, bodies).await?;
        expect(&answer, 401, &[("code", "unauthorized")])?;
    }
    Ok(routes.len())
}

fn all_posts() -> [&'static str; 6] {
    let [(_, one), (_, two), (_, three), (_, four)] = JOBS;
    ["/tick", ALIAS, one, two, three, four]
}

async fn webhook_valid(scene: &Scene) -> Outcome {
    let now = scene.db.now().await?;
    for path in all_posts() {
        let before = scene.db.last_run().await?;
        let secrets = &scene.secrets.webhook;
        let answer = send_signed(scene, ("POST", path), secrets, now, (WAKE, WAKE)).await?;
        expect(&answer, 200, &[])?;
        if path != "/tick" {
            let sql = "select count(*) from baton.runs where id > $1 and trigger = 'wake'";
            let logged = scene.db.count(sql, &[&before]).await?;
            verify(
                logged > 0,
                format!("{answer}, not in the log as a wake"),
                "a run with the trigger wake",
            )?;
        }
    }
    seen("200 at 6 routes, logged with the trigger wake")
}

async fn webhook_wrong_secret(scene: &Scene) -> Outcome {
    let now = scene.db.now().await?;
    let other = secrets(&secret_text(&[7; 32]))?;
    without_a_trace(scene, async || {
        let n = refused(scene, &other, now, (WAKE, WAKE)).await?;
        Ok(format!("401 at {n} routes"))
    })
    .await
}

async fn webhook_altered_body(scene: &Scene) -> Outcome {
    let now = scene.db.now().await?;
    without_a_trace(scene, async || {
        let bodies = (WAKE, r#"{"trigger":"manual"}"#);
        let n = refused(scene, &scene.secrets.webhook, now, bodies).await?;
        Ok(format!("401 at {n} routes"))
    })
    .await
}

async fn webhook_old_timestamp(scene: &Scene) -> Outcome {
    let now = scene.db.now().await?;
    without_a_trace(scene, async || {
        let mut n = 0;
        for at in [now - TOLERANCE - 60, now + TOLERANCE + 60] {
            n = refused(scene, &scene.secrets.webhook, at, (WAKE, WAKE)).await?;
        }
        Ok(format!(
            "401 at {n} routes, 6 minutes late and 6 minutes early"
        ))
    })
    .await
}

async fn webhook_correction(scene: &Scene) -> Outcome {
    let now = scene.db.now().await?;
    let path = correction_path(&scene.add_assignment(None, None).await?);
    without_a_trace(scene, async || {
        let body = correction("2026-01-02T03:04:05Z");
        let secrets = &scene.secrets.webhook;
        let bodies = (body.as_str(), body.as_str());
        let answer = send_signed(scene, ("PATCH", &path), secrets, now, bodies).await?;
        expect(&answer, 401, &[("code", "unauthorized")])?;
        Ok("401".to_owned())
    })
    .await
}

impl Scene {
    /// What Twilio posts when somebody replies.
    pub(super) fn reply(&self, from: &str, body: &str) -> Post {
        let url = format!("{}{INBOUND}", self.url);
        self.stand_ins.sms.reply(&url, from, body)
    }

    /// Posts a form with this signature; without the header if it is empty.
    pub(super) async fn post_form(
        &self,
        path: &str,
        signature: &str,
        body: &str,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::new("POST", path);
        let form = "application/x-www-form-urlencoded".to_owned();
        request.headers.push(("content-type", form));
        if !signature.is_empty() {
            request
                .headers
                .push(("x-twilio-signature", signature.to_owned()));
        }
        request.body = body.to_owned();
        self.send(&request).await
    }

    /// Posts what Twilio posts, to the path below the base URL.
    pub(super) async fn deliver(&self, post: &Post) -> anyhow::Result<Answer> {
        let path = post.url.strip_prefix(&self.url);
        verify(
            path.is_some(),
            format!("a callback to {}", post.url),
            format!(
                "a callback below {}, as the variable public_url says",
                self.url
            ),
        )?;
        self.post_form(path.unwrap_or_default(), &post.signature, &post.body)
            .await
    }
}

async fn twilio_valid(scene: &Scene) -> Outcome {
    let post = scene.reply(&scene.number(), "What is this about?");
    let answer = scene.deliver(&post).await?;
    expect(&answer, 204, &[])?;
    seen(answer.to_string())
}

async fn twilio_wrong(scene: &Scene) -> Outcome {
    let post = scene.reply(&scene.number(), "STOP");
    let other = scene.reply(&scene.number(), "STOP");
    let status = "/messages/sms/status?message=00000000-0000-4000-8000-000000000000";
    without_a_trace(scene, async || {
        for path in [INBOUND, status] {
            for signature in ["", "?", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", &other.signature] {
                let answer = scene.post_form(path, signature, &post.body).await?;
                expect(&answer, 401, &[("code", "unauthorized")])?;
                let speaks_of_it = answer.text_of("message").contains("Twilio");
                verify(
                    speaks_of_it,
                    &answer,
                    "a message that speaks of Twilio's signature",
                )?;
            }
        }
        Ok("401 without a signature and for 3 wrong ones at 2 routes".to_owned())
    })
    .await
}

async fn twilio_altered(scene: &Scene) -> Outcome {
    let (number, other) = (scene.number(), scene.number());
    let post = scene.reply(&number, "STOP");
    let Post {
        body, signature, ..
    } = &post;
    let other_number = body.replace(&number[1..], &other[1..]);
    let longer = format!("{body}&x=y");
    let with_query = format!("{INBOUND}?x=y");
    without_a_trace(scene, async || {
        for (path, body) in [
            (INBOUND, other_number.as_str()),
            (INBOUND, &longer),
            (INBOUND, ""),
            (&with_query, body),
        ] {
            let answer = scene.post_form(path, signature, body).await?;
            expect(&answer, 401, &[("code", "unauthorized")])?;
        }
        Ok("401 for another number, one more field, no fields, and another path".to_owned())
    })
    .await
}

async fn twilio_by_key(scene: &Scene) -> Outcome {
    let post = scene.reply(&scene.number(), "STOP");
    without_a_trace(scene, async || {
        for path in [INBOUND, "/messages/sms/status"] {
            let answer = scene.call("POST", path, &post.body).await?;
            expect(&answer, 401, &[("code", "unauthorized")])?;
        }
        Ok("401 at 2 routes".to_owned())
    })
    .await
}
