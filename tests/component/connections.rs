//! Connections to PostgreSQL: bounded, protected as the operator said, and whole again after an outage.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::process_chunks::near;
use crate::support::app::{App, Setup};
use crate::support::db::Db;
use crate::support::pages::Pages;
use crate::support::proxy::Proxy;
use crate::support::{tls, until};

/// What a call may take at most before its caller hears of a broken connection, in each of these tests.
const BOUND: Duration = Duration::from_secs(28);

/// A database, a proxy before it, and the application that reaches it through the proxy.
async fn behind_a_proxy() -> anyhow::Result<(Db, Proxy, App)> {
    let db = Db::new().await?;
    let proxy = Proxy::start(db.port).await?;
    let app = App::start(
        &db,
        Setup::offline().with("pg_port", proxy.port().to_string()),
    )
    .await?;
    Ok((db, proxy, app))
}

#[tokio::test]
async fn lost_connections_cost_one_request_each() -> anyhow::Result<()> {
    const POOLED: usize = 6;
    let (db, proxy, app) = behind_a_proxy().await?;
    // As many at once as connections are wanted in the pool.
    let held = db.session().await?;
    held.batch_execute("begin; lock table baton.attempts in access exclusive mode")
        .await?;
    let filling = join_all((0..POOLED).map(|_| app.validate()));
    let release = async {
        until("all wait for the lock", async || {
            let waiting = db.sessions("wait_event_type = 'Lock'").await?;
            Ok((waiting >= POOLED as i64).then_some(()))
        })
        .await?;
        anyhow::Ok(held.batch_execute("rollback").await?)
    };
    let (filled, released) = tokio::join!(filling, release);
    released?;
    assert!(
        filled
            .iter()
            .all(|it| it.as_ref().is_ok_and(|it| it.0 == 200)),
        "{filled:?}"
    );
    assert!(proxy.accepted() >= POOLED);

    proxy.lose_the_open_ones();
    let start = Instant::now();
    let answers = timeout(BOUND, join_all((0..POOLED).map(|_| app.validate()))).await?;
    let failed = answers
        .iter()
        .filter(|it| !it.as_ref().is_ok_and(|it| it.0 == 200))
        .count();
    assert!(failed <= POOLED, "{answers:?}");
    for _ in 0..3 {
        let (status, answer) = timeout(Duration::from_secs(10), app.validate()).await??;
        assert_eq!(
            status,
            200,
            "{:?} after the loss: {answer}",
            start.elapsed()
        );
    }
    Ok(())
}

/// After a failover, the first caller of a deployment that was idle must not pay for its old connections.
#[tokio::test]
async fn idle_connections_that_were_lost_cost_no_request() -> anyhow::Result<()> {
    let (_db, proxy, app) = behind_a_proxy().await?;
    let filled = join_all((0..6).map(|_| app.validate())).await;
    assert!(filled.iter().all(Result::is_ok), "{filled:?}");
    // Idle is what no guest took for a second.
    let idle = Instant::now() + Duration::from_secs(2);
    proxy.lose_the_open_ones();
    tokio::time::sleep_until(idle).await;
    for _ in 0..6 {
        let (status, answer) = timeout(Duration::from_secs(10), app.validate()).await??;
        assert!([200, 409].contains(&status), "{status} {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_nothing_is_answered_with_503() -> anyhow::Result<()> {
    let (_db, proxy, app) = behind_a_proxy().await?;
    proxy.lose_all();
    for path in ["/tick", "/jobs/validate-contacts"] {
        let (status, answer) = timeout(BOUND, app.post(path, "")).await??;
        assert_eq!(
            (status, &answer["code"]),
            (503, &json!("unavailable")),
            "{path}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn ticks_that_wait_hold_no_connection() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let source = Pages::start(1).await?;
    source.hold();
    db.sync_pages("people", &source.url(), Pages::settings())
        .await?;
    let mut setup = near();
    setup.max_connections = 4;
    let app = App::start(&db, setup).await?;
    let ticks = join_all((0..20).map(|_| app.tick()));
    let meanwhile = async {
        until("a tick waits for the source", async || {
            Ok((source.under_way() > 0).then_some(()))
        })
        .await?;
        for _ in 0..5 {
            let (status, answer) = timeout(Duration::from_secs(10), app.validate()).await??;
            assert_eq!(status, 200, "{answer}");
        }
        source.release();
        anyhow::Ok(())
    };
    let (answers, meanwhile) = tokio::join!(ticks, meanwhile);
    meanwhile?;
    for answer in answers {
        let (status, answer) = answer?;
        assert_eq!(status, 200, "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn all_components_together_keep_to_the_limit_of_connections() -> anyhow::Result<()> {
    const LIMIT: i64 = 5;
    let db = Db::new().await?;
    let mut setup = Setup::offline();
    setup.max_connections = LIMIT as usize;
    let app = App::start(&db, setup).await?;
    for path in [
        "/jobs/validate-contacts",
        "/jobs/process-chunks",
        "/jobs/follow-up-reminders",
        "/jobs/auto-sync-jobs",
        "/tick",
    ] {
        for answer in join_all((0..30).map(|_| app.post(path, ""))).await {
            let (status, answer) = answer?;
            assert!([200, 409].contains(&status), "{path}: {answer}");
        }
        let open = db.sessions("usename like 'baton\\_%'").await?;
        assert!((1..=LIMIT).contains(&open), "{open} after {path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_the_operator_names_it() -> anyhow::Result<()> {
    let server = tls::Server::start().await?;
    let db = Db::on(&server.cluster).await?;
    let start = async |mode: &str, ca: &str, host: &str| {
        let setup = Setup::offline()
            .with("pg_sslmode", mode)
            .with("pg_ca", ca)
            .with("pg_host", host);
        let app = App::start(&db, setup).await?;
        let answer = app.validate().await?;
        let log = app.log("validate-contacts");
        app.stop().await;
        anyhow::Ok((answer.0, answer.1["code"].clone(), log))
    };
    for mode in ["require", "verify-ca", "verify-full", "prefer"] {
        assert_eq!(
            start(mode, &server.authority, "localhost").await?.0,
            200,
            "{mode}"
        );
    }
    let encrypted = "select bool_and(s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid)
                     where a.datname = current_database() and a.usename like 'baton\\_%'";
    let app = App::start(
        &db,
        Setup::offline()
            .with("pg_sslmode", "require")
            .with("pg_ca", &server.authority)
            .with("pg_host", "localhost"),
    )
    .await?;
    app.validate().await?;
    let encrypted = db.superuser().await?.query_one(encrypted, &[]).await?;
    assert_eq!(encrypted.get::<_, Option<bool>>(0), Some(true));
    app.stop().await;

    let (status, code, log) = start("require", "", "localhost").await?;
    assert_eq!(
        (status, code),
        (500, json!("misconfigured")),
        "no retry makes it trusted"
    );
    assert!(log.contains("certificate"), "{log}");
    assert!(!log.contains("backtrace"), "{log}");
    let (status, code, _) = start("require", &tls::authority()?, "localhost").await?;
    assert_eq!(
        (status, code),
        (500, json!("misconfigured")),
        "another authority"
    );
    let (status, _, _) = start("verify-full", &server.authority, "127.0.0.1").await?;
    assert_eq!(status, 500, "the certificate names another host");
    let (status, code, _) = start("verify_full", &server.authority, "localhost").await?;
    assert_eq!(
        (status, code),
        (500, json!("misconfigured")),
        "no such mode"
    );
    let both = format!("{}{}", server.authority, tls::authority()?);
    let (status, code, _) = start("require", &both, "localhost").await?;
    assert_eq!(
        (status, code),
        (500, json!("misconfigured")),
        "Spin reads one certificate"
    );
    Ok(())
}

#[tokio::test]
async fn what_no_retry_mends_is_not_called_unavailable() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for (name, value) in [
        ("pg_password_validate_contacts", "wrong"),
        ("pg_password_validate_contacts", "it's"),
        ("pg_role", "baton_other"),
        ("pg_database", "no_such_database"),
        ("pg_sslmode", "sometimes"),
        ("pg_ca", "no certificate"),
        ("pg_sslmode", "require"),
    ] {
        let app = App::start(&db, Setup::offline().with(name, value)).await?;
        let (status, answer) = app.validate().await?;
        assert_eq!(
            (status, &answer["code"]),
            (500, &json!("misconfigured")),
            "{name}={value}"
        );
        assert!(!answer.to_string().contains(value), "{answer}");
        let log = app.log("validate-contacts");
        assert!(
            !name.starts_with("pg_password") || !log.contains(value),
            "{log}"
        );
        app.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_component_needs_a_key_and_a_database_alone() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for optional in [
        r#"webhook_secret = "{{ webhook_secret }}", "#,
        r#", pg_ca = "{{ pg_ca }}""#,
    ] {
        let mut setup = Setup::offline();
        setup.without = Some(optional);
        let app = App::start(&db, setup).await?;
        let (status, answer) = app.validate().await?;
        let log = app.log("validate-contacts");
        assert_eq!(status, 200, "{optional}: {answer} {log}");
        app.stop().await;
    }
    Ok(())
}
