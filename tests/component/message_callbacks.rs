use loopback_sms::{AUTH_TOKEN, Fault, LoopbackSms, Post};
use serde_json::{Value, json};

use crate::support::app::{KEY, Setup};
use crate::support::sms::{PUBLIC_URL, Scene, mentor, setup, tally};

/// Whatever a refused call could have changed.
const TRACES: &str = "select (select count(*) from messages where status <> 'submitted') + (select count(*) from opt_outs)";

async fn deliver(scene: &Scene, post: &Post) -> anyhow::Result<(u16, Value)> {
    scene
        .app
        .post_with(post.path(), &post.headers(), &post.body)
        .await
}

/// A scene in which so many reminders went out.
async fn reminded(n: i32, setup: impl FnOnce(&LoopbackSms) -> Setup) -> anyhow::Result<Scene> {
    let scene = Scene::with(n, setup).await?;
    scene.app.remind().await?;
    let submitted = scene.states().await?.get("submitted").copied();
    anyhow::ensure!(submitted == Some(n.into()), "{:?}", scene.states().await?);
    Ok(scene)
}

/// What the provider posts about the first message.
fn report(scene: &Scene, status: &str, error_code: Option<u32>) -> Post {
    let sid = scene.sms.messages()[0].sid.clone();
    let post = scene.sms.call_back(&sid, status, error_code);
    post.expect("the message asks for reports")
}

fn inbound(scene: &Scene, from: &str, body: &str) -> Post {
    let url = format!("{PUBLIC_URL}/messages/sms/inbound");
    scene.sms.reply(&url, from, body)
}

#[tokio::test]
async fn what_the_provider_reports_is_recorded_once() -> anyhow::Result<()> {
    for (reports, expected) in [
        (&[("sent", None), ("delivered", None)][..], "delivered"),
        (
            &[
                ("delivered", None),
                ("sent", None),
                ("undelivered", Some(30003)),
            ],
            "delivered",
        ),
        (&[("undelivered", Some(30006))], "undelivered landline"),
        (
            &[("undelivered", Some(30003)), ("delivered", None)],
            "delivered",
        ),
        (
            &[("failed", Some(30007)), ("delivered", None)],
            "failed filtered",
        ),
        (&[("a word of next year", None)], "submitted"),
    ] {
        let scene = reminded(1, setup).await?;
        for (status, error_code) in reports {
            let post = report(&scene, status, *error_code);
            for _ in 0..2 {
                let (status, answer) = deliver(&scene, &post).await?;
                assert_eq!((status, answer), (204, Value::Null), "{reports:?}");
            }
        }
        assert_eq!(scene.states().await?, tally([(expected, 1)]), "{reports:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_signed_as_it_came_is_refused_and_changes_nothing() -> anyhow::Result<()> {
    let scene = reminded(2, setup).await?;
    let delivered = report(&scene, "delivered", None);
    let stop = inbound(&scene, &mentor(1), "STOP");
    let other = scene.sms.messages()[1].status_callback.clone();
    let other = other.unwrap_or_default().replace(PUBLIC_URL, "");
    let signature = delivered.signature.as_str();
    for (what, path, signature, body) in [
        ("no signature", delivered.path(), "", delivered.body.clone()),
        ("no base64", delivered.path(), "?", delivered.body.clone()),
        (
            "another's signature",
            delivered.path(),
            &stop.signature,
            delivered.body.clone(),
        ),
        (
            "about another message",
            &other,
            signature,
            delivered.body.clone(),
        ),
        (
            "with more in its address",
            &format!("{}&x=y", delivered.path()),
            signature,
            delivered.body.clone(),
        ),
        (
            "with another status",
            delivered.path(),
            signature,
            delivered.body.replace("=delivered", "=failed"),
        ),
        (
            "with one more field",
            delivered.path(),
            signature,
            format!("{}&x=y", delivered.body),
        ),
        (
            "without its fields",
            delivered.path(),
            signature,
            String::new(),
        ),
        (
            "of another sender",
            stop.path(),
            &stop.signature,
            stop.body.replace("1000001", "1000002"),
        ),
        (
            "too long",
            delivered.path(),
            signature,
            format!("{}&x={}", delivered.body, "y".repeat(17_000)),
        ),
    ] {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature),
        ];
        let (status, answer) = scene.app.post_with(path, &headers, &body).await?;
        assert_eq!(
            (status, &answer["code"]),
            (401, &json!("unauthorized")),
            "{what}: {answer}"
        );
    }
    for path in [delivered.path(), stop.path()] {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (status, _) = scene.app.post_with(path, &headers, &delivered.body).await?;
        assert_eq!(status, 401, "{path} without a header");
        let (status, _) = scene.app.post(path, &delivered.body).await?;
        assert_eq!(status, 401, "{path} by the service key");
    }
    assert_eq!(scene.db.count(TRACES).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_callback_is_accepted_with_and_without_the_port_of_its_address() -> anyhow::Result<()> {
    for (public_url, signed) in [
        ("https://baton.example:8443", "https://baton.example"),
        ("https://baton.example:8443", "https://baton.example:8443"),
        ("https://baton.example", "https://baton.example:443"),
        ("https://baton.example:443", "https://baton.example"),
        ("http://baton.example", "http://baton.example:80"),
        ("http://baton.example:80/", "http://baton.example"),
    ] {
        let there = |sms: &LoopbackSms| setup(sms).with("public_url", public_url);
        let scene = reminded(1, there).await?;
        let url = format!("{signed}/messages/sms/inbound");
        let stop = scene.sms.reply(&url, &mentor(1), "STOP");
        let (status, answer) = deliver(&scene, &stop).await?;
        assert_eq!(status, 204, "{public_url} {signed}: {answer}");
        assert_eq!(scene.db.count(TRACES).await?, 1, "{public_url} {signed}");
    }
    Ok(())
}

#[tokio::test]
async fn refused_callbacks_are_counted_once_a_second_until_one_is_right() -> anyhow::Result<()> {
    let scene = reminded(1, setup).await?;
    let counts = "select route || ' ' || refused from refused_callbacks order by 1";
    let any = "select count(*) from refused_callbacks";
    let delivered = report(&scene, "delivered", None);
    let refuse = async |path: &str| -> anyhow::Result<Value> {
        let headers = [("x-twilio-signature", "AAAA")];
        let (status, answer) = scene.app.post_with(path, &headers, "a=b").await?;
        assert_eq!(status, 401, "{answer}");
        Ok(answer["message"].clone())
    };
    for (wait, expected) in [("0 s", 1), ("0.5 s", 1), ("0.5 s", 2), ("23 hours", 3)] {
        scene.advance(wait).await?;
        refuse(delivered.path()).await?;
        let expected = [format!("status {expected}")];
        assert_eq!(scene.db.list(counts, &[]).await?, expected, "after {wait}");
    }
    let said = refuse("/messages/sms/inbound").await?.to_string();
    for expected in ["public_url", "sorted by name", "auth token", "sms_key"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(
        !said.contains("Bearer") && !said.contains("Webhooks"),
        "{said}"
    );
    let long = "x".repeat(17_000);
    let (status, answer) = scene.app.post_with(delivered.path(), &[], &long).await?;
    assert_eq!((status, &answer["message"].to_string()), (401, &said));

    assert_eq!(deliver(&scene, &delivered).await?.0, 204);
    assert_eq!(scene.db.list(counts, &[]).await?, ["inbound 1"]);
    deliver(&scene, &inbound(&scene, &mentor(1), "STOP")).await?;
    assert_eq!(scene.db.count(any).await?, 0);

    refuse(delivered.path()).await?;
    scene.advance("1 day").await?;
    assert_eq!(scene.db.count(any).await?, 0);
    refuse(delivered.path()).await?;
    assert_eq!(scene.db.list(counts, &[]).await?, ["status 1"]);
    Ok(())
}

#[tokio::test]
async fn a_report_about_no_message_of_ours_is_not_found() -> anyhow::Result<()> {
    let scene = reminded(1, setup).await?;
    let post = report(&scene, "delivered", None);
    scene.db.owner.execute("delete from messages", &[]).await?;
    let (status, answer) = deliver(&scene, &post).await?;
    assert_eq!(
        (status, &answer["code"]),
        (404, &json!("no_such_thing")),
        "{answer}"
    );
    for url in ["/messages/sms/status?message=7", "/messages/sms/status"] {
        let post = scene
            .sms
            .reply(&format!("{PUBLIC_URL}{url}"), &mentor(1), "");
        let (status, answer) = deliver(&scene, &post).await?;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!("bad_request")),
            "{url}"
        );
    }
    let other = scene.sms.reply(
        &format!("{PUBLIC_URL}/messages/sms/other"),
        &mentor(1),
        "STOP",
    );
    assert_eq!(deliver(&scene, &other).await?.0, 404);
    assert_eq!(scene.db.count(TRACES).await?, 0);
    Ok(())
}

#[tokio::test]
async fn who_says_stop_gets_nothing_until_they_say_start() -> anyhow::Result<()> {
    let scene = reminded(2, setup).await?;
    let opted_out = "select channel || ' ' || address from opt_outs order by 1";
    let nobody: [String; 0] = [];
    let one = [format!("sms {}", mentor(1))];
    for (from, body, expected) in [
        (mentor(1), "When does it stop?", &nobody[..]),
        (mentor(1), " Stop. ", &one),
        (mentor(1), "STOPALL", &one),
        (mentor(1), "What?", &one),
        ("79100".to_owned(), "STOP", &one),
        (mentor(1), "unstop", &nobody),
        (mentor(1), "Unsubscribe", &one),
    ] {
        let post = inbound(&scene, &from, body);
        assert_eq!(deliver(&scene, &post).await?, (204, Value::Null), "{body}");
        assert_eq!(scene.db.list(opted_out, &[]).await?, expected, "{body}");
    }
    scene.advance("7 days").await?;
    scene.app.remind().await?;
    assert_eq!(
        scene.states().await?,
        tally([("failed opted_out", 1), ("submitted", 3)])
    );
    let start = inbound(&scene, &mentor(1), "START");
    assert_eq!(deliver(&scene, &start).await?.0, 204);
    deliver(&scene, &inbound(&scene, &mentor(1), "Stop please")).await?;
    deliver(&scene, &start).await?;
    assert_eq!(
        scene.db.list(opted_out, &[]).await?,
        one,
        "a signed request that is replayed changes nothing"
    );
    deliver(&scene, &inbound(&scene, &mentor(1), "start")).await?;
    scene.advance("7 days").await?;
    scene.app.remind().await?;
    assert_eq!(
        scene.states().await?,
        tally([("failed opted_out", 1), ("submitted", 5)])
    );
    Ok(())
}

#[tokio::test]
async fn while_tokens_are_rotated_both_sign_and_the_first_one_sends() -> anyhow::Result<()> {
    let rotated =
        |sms: &LoopbackSms| setup(sms).with("sms_key", format!("{AUTH_TOKEN} an-old-token"));
    let scene = reminded(1, rotated).await?;
    let with_newer =
        |sms: &LoopbackSms| setup(sms).with("sms_key", format!("a-new-token {AUTH_TOKEN}"));
    let scene = scene.restart(with_newer).await?;
    let post = report(&scene, "delivered", None);
    assert_eq!(deliver(&scene, &post).await?.0, 204);
    assert_eq!(scene.states().await?, tally([("delivered", 1)]));

    let retired = |sms: &LoopbackSms| setup(sms).with("sms_key", "a-new-token");
    let scene = scene.restart(retired).await?;
    let post = inbound(&scene, &mentor(1), "STOP");
    assert_eq!(deliver(&scene, &post).await?.0, 401);
    Ok(())
}

#[tokio::test]
async fn without_a_public_url_or_a_provider_there_is_nothing_to_call() -> anyhow::Result<()> {
    let without = |sms: &LoopbackSms| setup(sms).with("public_url", "");
    let scene = reminded(1, without).await?;
    assert_eq!(scene.sms.messages()[0].status_callback, None);
    let mut scene = scene;
    for name in ["public_url", "sms_provider"] {
        scene = scene
            .restart(|sms| setup(sms).with(name, if name == "public_url" { "" } else { "none" }))
            .await?;
        let post = inbound(&scene, &mentor(1), "STOP");
        let (status, answer) = deliver(&scene, &post).await?;
        assert_eq!(
            (status, &answer["code"]),
            (404, &json!("not_found")),
            "{name}"
        );
    }
    assert_eq!(scene.db.count(TRACES).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_report_settles_what_nobody_knew() -> anyhow::Result<()> {
    let scene = Scene::new(1).await?;
    scene.sms.misbehave(None, Fault::AcceptThenBreak);
    scene.app.remind().await?;
    assert_eq!(
        scene.states().await?,
        tally([("unknown provider_trouble", 1)])
    );
    let post = report(&scene, "delivered", None);
    assert_eq!(deliver(&scene, &post).await?.0, 204);
    assert_eq!(scene.states().await?, tally([("delivered", 1)]));
    scene.advance("1 hour").await?;
    scene.tick().await?;
    assert_eq!((scene.sms.asked().posts, scene.sms.asked().lists), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_report_that_comes_before_the_answer_counts() -> anyhow::Result<()> {
    let scene = Scene::new(1).await?;
    scene.sms.hold();
    let (run, reported) = tokio::join!(scene.app.remind(), async {
        scene.sms.until_waiting(1).await;
        let reported = deliver(&scene, &report(&scene, "delivered", None)).await;
        scene.sms.release();
        reported
    });
    assert_eq!(reported?.0, 204);
    assert_eq!(run?.0, 200);
    assert_eq!(scene.states().await?, tally([("delivered", 1)]));
    Ok(())
}

#[tokio::test]
async fn only_signed_posts_are_served() -> anyhow::Result<()> {
    let scene = reminded(1, setup).await?;
    let post = report(&scene, "delivered", None);
    for (headers, expected) in [
        (&post.headers()[..], 405),
        (&[("authorization", &format!("Bearer {KEY}"))], 401),
    ] {
        let (status, answer) = scene
            .app
            .send_with("PUT", post.path(), headers, &post.body)
            .await?;
        assert_eq!(status, expected, "{answer}");
    }
    assert_eq!(scene.db.count(TRACES).await?, 0);
    Ok(())
}
