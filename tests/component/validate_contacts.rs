use std::collections::BTreeMap;

use futures::future::join_all;
use loopback_resolver::LoopbackResolver;
use serde_json::{Value, json};

use crate::support::app::{App, KEY, Setup};
use crate::support::bouncer::Bouncer;
use crate::support::db::{Db, cluster};
use crate::support::resolver::Resolver;
use crate::support::until;

#[tokio::test]
async fn real_dns_decides_what_an_address_is_worth() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let expected: BTreeMap<&str, &str> = [
        ("a@mx.test", "deliverable accepted"),
        ("a@alias.test", "deliverable accepted"),
        ("a@manymx.test", "deliverable accepted"),
        ("a@a-only.test", "deliverable accepted"),
        ("a@aaaa-only.test", "deliverable accepted"),
        ("a@nullmx.test", "undeliverable null_mx"),
        ("a@nomail.test", "undeliverable no_mail_host"),
        ("a@localmx.test", "undeliverable unusable_mail_host"),
        ("a@ipmx.test", "undeliverable unusable_mail_host"),
        ("a@private.test", "undeliverable unusable_mail_host"),
        ("Ann Lee <ann@mx.test>", "deliverable accepted"),
        ("a@mx.test; b@mx.test", "undeliverable several_addresses"),
        ("a@no-such-name.test", "undeliverable no_such_domain"),
        ("a@servfail.test", "unknown dns_failed"),
        ("info@mx.test", "risky role"),
        ("not an address", "undeliverable syntax"),
    ]
    .into();
    db.add_contacts(&expected.keys().copied().collect::<Vec<_>>())
        .await?;
    let dns = Resolver::start().await?;
    let app = App::start(&db, Setup::resolver(&dns.url())).await?;
    let (status, answer) = app.validate().await?;
    assert_eq!(
        (status, &answer["status"], &answer["settled"]),
        (200, &json!("ran"), &json!(16)),
        "{answer} {}",
        app.log("validate-contacts")
    );
    let rows = db
        .owner
        .query(
            "select email, email_validation_status || ' ' || email_validation_reason from contacts",
            &[],
        )
        .await?;
    let verdicts: BTreeMap<&str, &str> = rows.iter().map(|it| (it.get(0), it.get(1))).collect();
    assert_eq!(verdicts, expected);
    let hosts = "select email_validation_evidence #>> '{mx,hosts,0}' from contacts where email = 'a@mx.test'";
    assert_eq!(db.text(hosts).await?.as_deref(), Some("mail1.test"));
    let later =
        "select email_validation_retry_at > now() from contacts where email = 'a@servfail.test'";
    assert_eq!(db.text(later).await?.as_deref(), Some("true"));
    assert_eq!(
        db.text("select status from validation_sessions")
            .await?
            .as_deref(),
        Some("completed")
    );
    Ok(())
}

#[tokio::test]
async fn a_domain_is_asked_for_once_and_then_remembered() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let dns = LoopbackResolver::start().await?;
    let app = App::start(&db, Setup::resolver(&dns.url())).await?;
    db.add_many_contacts(40).await?;
    app.validate().await?;
    assert_eq!(
        dns.asked_in_all(),
        10,
        "forty contacts of ten domains are ten questions"
    );
    db.owner
        .batch_execute("update contacts set email_validation_status = null")
        .await?;
    let (_, answer) = app.validate().await?;
    assert_eq!(answer["settled"], 40);
    assert_eq!(dns.asked_in_all(), 10, "the next cycle asks nothing");
    let cached = "select count(*) from contacts where email_validation_evidence #>> '{mx,from_cache}' = 'true'";
    assert_eq!(db.count(cached).await?, 40);
    Ok(())
}

#[tokio::test]
async fn while_a_batch_is_under_way_fifty_callers_get_409_and_do_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.watch_verdicts().await?;
    db.add_many_contacts(50).await?;
    let dns = LoopbackResolver::start().await?;
    dns.hold();
    let app = App::start(&db, Setup::resolver(&dns.url())).await?;
    let (first, ()) = tokio::join!(app.validate(), async {
        dns.until_waiting(1).await;
        let answers = join_all((0..50).map(|_| app.validate())).await;
        for answer in answers {
            let (status, answer) = answer.expect("the host answers");
            assert_eq!(
                (status, &answer["reason"]),
                (409, &json!("busy")),
                "{answer}"
            );
        }
        dns.release();
    });
    assert_eq!(first?.1["settled"], 50);
    assert_eq!(
        db.runs().await?,
        [("ran".to_owned(), 1), ("skipped busy".to_owned(), 50)].into()
    );
    assert_eq!((db.settled_twice().await?, db.left_behind().await?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn fifty_at_once_on_an_idle_queue_start_one_cycle() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.watch_verdicts().await?;
    db.configure(json!({ "rate_per_minute": null })).await?;
    db.add_many_contacts(300).await?;
    let dns = LoopbackResolver::start().await?;
    let app = App::start(&db, Setup::resolver(&dns.url())).await?;
    for answer in join_all((0..50).map(|_| app.validate())).await {
        assert!([200, 409].contains(&answer?.0));
    }
    assert_eq!(
        db.count("select count(*) from validation_sessions").await?,
        1
    );
    assert_eq!(
        db.count("select sum(n) from (select count(*) as n from baton.runs) r")
            .await?,
        50,
        "every run is in the log"
    );
    assert_eq!(db.settled_twice().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_batch_that_outlasts_its_first_lease_keeps_it_by_heartbeat() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.configure(json!({ "lease_seconds": 4 })).await?;
    db.add_contacts(&["a@mx.test"]).await?;
    // The first resolver takes connections and never answers; the second is asked after two seconds, thrice in all.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", silent.local_addr()?);
    let app = App::start(&db, Setup::resolver(&url)).await?;
    let worker = db.worker().await?;
    let (run, ()) = tokio::join!(app.validate(), async {
        let extended = until("the lease was extended", async || {
            let n = db.count("select count(*) from baton.attempts where leased_until > claimed_at + interval '5 seconds'").await?;
            Ok((n > 0).then_some(()))
        });
        extended.await.expect("the heartbeat beats");
        let swept = baton::contract::native::call(
            &worker,
            baton::contract::scheduler::EndDeadAttempts { limit: 10 },
        )
        .await
        .expect("the sweep works");
        assert_eq!(swept.lost, 0);
    });
    assert_eq!(run?.1["status"], "ran");
    assert_eq!(
        db.text("select email_validation_reason from contacts")
            .await?
            .as_deref(),
        Some("dns_timeout")
    );
    Ok(())
}

#[tokio::test]
async fn without_any_resolver_all_is_unknown_and_the_cycle_ends() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(30).await?;
    let app = App::start(&db, Setup::resolver("http://127.0.0.1:9")).await?;
    let (status, answer) = app.validate().await?;
    assert_eq!((status, &answer["again"]), (200, &json!(false)), "{answer}");
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_reason = 'dns_failed'")
            .await?,
        30
    );
    assert_eq!(
        db.text("select status from validation_sessions")
            .await?
            .as_deref(),
        Some("completed")
    );
    assert_eq!(
        app.validate().await?.1["status"],
        "idle",
        "and no further one starts"
    );
    Ok(())
}

#[tokio::test]
async fn without_dns_syntax_and_lists_decide() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_contacts(&[
        "a@gmail.com",
        "a@gmial.com",
        "admin@some-company.com",
        "a@@b",
    ])
    .await?;
    let app = App::start(&db, Setup::offline()).await?;
    app.validate().await?;
    let reasons = db
        .list(
            "select email_validation_reason from contacts order by id",
            &[],
        )
        .await?;
    assert_eq!(reasons, ["not_checked", "likely_typo", "role", "syntax"]);
    assert_eq!(
        app.stats().outside_calls["validate-contacts"],
        3,
        "connect, claim, settle, and nothing else"
    );
    Ok(())
}

#[tokio::test]
async fn a_bad_body_is_refused_with_the_name_of_its_field() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(5).await?;
    let app = App::start(&db, Setup::offline()).await?;
    let huge = "x".repeat(17 * 1024);
    for (body, expected_status, expected) in [
        ("{", 400, "line 1"),
        ("[]", 400, "body"),
        ("{\"triger\": \"cron\"}", 400, "triger"),
        ("{\"trigger\": \"sunday\"}", 400, "sunday"),
        (huge.as_str(), 413, "16384"),
    ] {
        let (status, answer) = app.post("/jobs/validate-contacts", body).await?;
        assert_eq!(status, expected_status, "{answer}");
        assert!(
            answer["message"]
                .as_str()
                .is_some_and(|it| it.contains(expected)),
            "{expected} is not in {answer}"
        );
    }
    let (status, _) = app
        .send(
            "GET",
            "/jobs/validate-contacts",
            &format!("Bearer {KEY}"),
            "",
        )
        .await?;
    assert_eq!(status, 405);
    assert_eq!(db.count("select count(*) from baton.runs").await?, 0);
    Ok(())
}

#[tokio::test]
async fn it_all_works_through_a_pooler_in_transaction_mode() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.watch_verdicts().await?;
    db.configure(json!({ "rate_per_minute": null })).await?;
    db.add_many_contacts(200).await?;
    let dns = LoopbackResolver::start().await?;
    let pooler = Bouncer::start(cluster().await?.port(), &db.logins().await?, 2).await?;
    let mut setup = Setup::resolver(&dns.url());
    setup.bouncer = Some(pooler.port());
    let app = App::start(&db, setup).await?;
    let (status, answer) = app.tick().await?;
    assert_eq!(status, 200, "{answer} {}", app.log("scheduler"));
    for answer in join_all((0..20).map(|_| app.validate())).await {
        assert!([200, 409].contains(&answer?.0));
    }
    assert_eq!(
        db.count("select count(*) from contacts where email_validation_status = 'deliverable'")
            .await?,
        200
    );
    assert_eq!((db.settled_twice().await?, db.left_behind().await?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_not_in_the_manifest_cannot_be_reached() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_contacts(&["a@mx.test"]).await?;
    let dns = LoopbackResolver::start().await?;
    let mut setup = Setup::resolver(&dns.url());
    // What allows the resolvers, not what names them.
    setup.without = Some(", \"{{ resolver1 }}\", \"{{ resolver2 }}\"");
    let app = App::start(&db, setup).await?;
    let (status, answer) = app.validate().await?;
    assert_eq!((status, &answer["settled"]), (200, &json!(1)), "{answer}");
    assert_eq!(
        db.text("select email_validation_reason from contacts")
            .await?
            .as_deref(),
        Some("dns_failed")
    );
    assert_eq!(dns.asked_in_all(), 0, "not even the resolver that works");
    Ok(())
}

#[tokio::test]
async fn a_provider_is_asked_and_when_it_wants_a_pause_all_wait() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let dns = LoopbackResolver::start().await?;
    let provider = StandIn::start().await?;
    let setup = Setup::resolver(&dns.url())
        .with("provider", "kickbox")
        .with("provider_url", provider.url.clone())
        .with("provider_key", "secret-key");
    let app = App::start(&db, setup).await?;
    db.add_contacts(&["good@d1.test", "bad@d1.test", "a@nx1.test"])
        .await?;
    app.validate().await?;
    let verdicts = db
        .list(
            "select concat_ws(' ', email, email_validation_reason) from contacts order by id",
            &[],
        )
        .await?;
    assert_eq!(
        verdicts,
        [
            "good@d1.test provider_accepted",
            "bad@d1.test provider_rejected",
            "a@nx1.test no_such_domain"
        ]
    );

    db.add_contacts(&["wait@d1.test"]).await?;
    let (status, answer) = app.validate().await?;
    assert_eq!((status, &answer["left"]), (200, &json!(1)), "{answer}");
    let (status, answer) = app.validate().await?;
    assert_eq!(
        (status, &answer["reason"]),
        (409, &json!("provider_throttled"))
    );
    let seconds = "select extract(epoch from blocked_until - baton.clock()) between 100 and 120 from baton.limiters where job = 'validate-contacts'";
    assert_eq!(
        db.text(seconds).await?.as_deref(),
        Some("true"),
        "Retry-After was 120 s"
    );
    assert!(!app.log("validate-contacts").contains("secret-key"));
    Ok(())
}

/// A stand-in for Kickbox (a paid service), after its published API: `GET /v2/verify?email=…&apikey=…`.
struct StandIn {
    url: String,
}

impl StandIn {
    async fn start() -> anyhow::Result<StandIn> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let n = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..n]).into_owned();
                let (head, body) = match &request {
                    it if !it.contains("apikey=secret-key") => (
                        "403 Forbidden",
                        json!({ "success": false, "message": "Invalid API key" }),
                    ),
                    it if it.contains("email=wait") => {
                        ("429 Too Many Requests\r\nretry-after: 120", Value::Null)
                    }
                    it if it.contains("email=bad") => (
                        "200 OK",
                        json!({ "success": true, "result": "undeliverable", "reason": "rejected_email" }),
                    ),
                    _ => (
                        "200 OK",
                        json!({ "success": true, "result": "deliverable", "reason": "accepted_email" }),
                    ),
                };
                let body = body.to_string();
                let answer = format!(
                    "HTTP/1.1 {head}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                // A client that went away is the test's to notice.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Ok(StandIn { url })
    }
}
