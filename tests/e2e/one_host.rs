//! One host for each folder, and what the other commands say about it.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::resolver::Resolver;
use crate::support::until;

const SECOND: [&str; 4] = ["up", "--listen", "127.0.0.1:0", "--no-tick"];

#[tokio::test]
async fn a_second_host_of_a_folder_is_refused_and_harms_nothing() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let first = home.up(&db, &[]).await?;
    let pid = first.pid().context("it runs")?.to_string();
    let (code, out, err) = home.run(&db, &SECOND).await?;
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    let stop = format!("kill {pid}");
    for expected in [
        "runs already",
        &first.url,
        &db.name,
        "help: stop it",
        &stop,
        "--home",
    ] {
        assert!(err.contains(expected), "{expected}: {err}");
    }
    for (args, expected) in [
        (&["status"][..], format!("{} answers", first.url)),
        (&["tick"], "Everything that was due is done".to_owned()),
    ] {
        let (code, out, err) = home.run(&db, args).await?;
        assert_eq!(code, 0, "{args:?}: {err}");
        assert!(out.contains(&expected), "{args:?}: {out}");
    }
    assert_eq!(first.terminate().await?, Some(130));
    let (code, _, err) = home.run(&db, &["tick"]).await?;
    assert!(code == 1 && err.contains("no host is running"), "{err}");

    // A host that was killed leaves its file, which stops no other host.
    home.up(&db, &[]).await?.kill().await?;
    assert!(home.path().join(".baton/up.json").exists());
    let (_, out, err) = home.run(&db, &["status"]).await?;
    assert!(
        out.contains("No `baton up` runs in this folder"),
        "{out}{err}"
    );
    let next = home.up(&db, &[]).await?;
    assert_eq!(next.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn status_of_another_database_says_nothing_about_the_host() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let up = home.up(&db, &[]).await?;
    let name = "another_of_one_host";
    let admin = db.superuser().await?;
    let url = db
        .url
        .replace(&format!("/{}", db.name), &format!("/{name}"));
    let drop = format!("drop database if exists {name} with (force)");
    admin.batch_execute(&drop).await?;
    admin
        .batch_execute(&format!("create database {name}"))
        .await?;
    let run = async |args: &[&str]| -> anyhow::Result<String> {
        let out = home
            .command(&db, args)?
            .env("DATABASE_URL", &url)
            .output()
            .await?;
        Ok(String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    };
    run(&["migrate"]).await?;
    for args in [&["status"][..], &["doctor"]] {
        let said = run(args).await?;
        let started_with = format!("was started with the database {}", db.name);
        let started_with = if args == ["status"] {
            started_with.replace("the database ", "")
        } else {
            started_with
        };
        assert!(said.contains(&started_with), "{args:?}: {said}");
        assert!(!said.contains("answers"), "{args:?}: {said}");
    }
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn doctor_checks_the_resolvers_of_the_running_host() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let dns = Resolver::start().await?;
    for (args, expected, not) in [
        (
            &["--resolver", &dns.url()][..],
            format!("{} answers", dns.url()),
            "cloudflare",
        ),
        (
            &["--dns", "off"],
            "every component can log in".to_owned(),
            "\n resolver",
        ),
    ] {
        let up = home.up(&db, args).await?;
        let (_, out, err) = home.run(&db, &["doctor"]).await?;
        assert!(
            out.contains(&expected) && !out.contains(not),
            "{args:?}: {out}{err}"
        );
        assert_eq!(up.interrupt().await?, Some(130));
    }
    Ok(())
}

#[tokio::test]
async fn a_database_that_a_killed_host_left_is_ended_by_the_next_command() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    home.up_private(&db).await?.kill().await?;
    assert!(home.has_postgres(), "the kill left it");
    let up = home.up_private(&db).await?;
    // Beside the host, a short command leaves the database to it.
    let status = home.command_private(&db, &["status"])?.output().await?;
    assert!(status.status.success() && home.has_postgres(), "{status:?}");
    assert_eq!(up.terminate().await?, Some(130));
    assert!(!home.has_postgres());

    home.up_private(&db).await?.kill().await?;
    let status = home.command_private(&db, &["status"])?.output().await?;
    assert!(status.status.success(), "{status:?}");
    assert!(!home.has_postgres());
    Ok(())
}

/// While it starts, and at its work: it waits for a resolver that never answers.
#[tokio::test]
async fn a_signal_ends_a_validation_with_everything_that_it_started() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    std::fs::write(home.path().join("one.csv"), "email\nann@firma.de\n")?;
    for (signal, at_work) in [
        ("-HUP", true),
        ("-TERM", true),
        ("-INT", true),
        ("-HUP", false),
    ] {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let resolver = format!("http://{}", silent.local_addr()?);
        let args = [
            "validate",
            "one.csv",
            "-o",
            "out.csv",
            "--resolver",
            &resolver,
        ];
        let mut child = home
            .command_private(&db, &args)?
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        match at_work {
            true => drop(silent.accept().await?),
            false => {
                until("the database runs", async || {
                    Ok(home.has_postgres().then_some(()))
                })
                .await?;
            }
        }
        let pid = child.id().context("it runs")?.to_string();
        // The terminal goes away with its signal.
        let stderr = child.stderr.take();
        if signal == "-HUP" {
            drop(stderr);
        } else {
            let mut stderr = stderr.context("it is piped")?;
            tokio::spawn(async move { stderr.read_to_end(&mut Vec::new()).await });
        }
        let sent = Command::new("kill").args([signal, &pid]).status().await?;
        assert!(sent.success());
        assert_eq!(child.wait().await?.code(), Some(130), "{signal}");
        assert!(!home.has_postgres(), "{signal}");
    }
    Ok(())
}

#[tokio::test]
async fn a_resolver_is_taken_with_its_path_and_a_service_is_not() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let dns = Resolver::start().await?;
    let with_path = format!("{}/dns-query", dns.url());
    std::fs::write(home.path().join("one.csv"), "email\nann@firma.de\n")?;
    for (args, code, expected) in [
        (&["--resolver", &with_path][..], 0, "1 address of"),
        (
            &["--resolver", "https://dns.example.com/other"],
            2,
            "write it as https://dns.example.com",
        ),
        (&["--resolver", "dns.example.com"], 2, "is not an address"),
        (
            &["--variable", "sms_url=https://api.twilio.com/2010"],
            1,
            "write it as https://api.twilio.com",
        ),
        (
            &["--variable", "resolver1=https://dns.example.com/x"],
            1,
            "the variable resolver1",
        ),
    ] {
        let args = [&["validate", "one.csv", "-o", "out.csv"], args].concat();
        let (its_code, out, err) = home.run(&db, &args).await?;
        assert_eq!(its_code, code, "{args:?}: {err}");
        let said = format!("{out}{err}");
        assert!(said.contains(expected), "{args:?}: {said}");
        assert!(!said.contains("allowed_outbound_hosts"), "{args:?}: {said}");
    }
    Ok(())
}
