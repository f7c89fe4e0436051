use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::resolver::Resolver;

#[tokio::test]
async fn a_file_goes_in_and_every_verdict_comes_out() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let dns = Resolver::start().await?;
    std::fs::copy(
        crate::support::home().join("examples/contacts.csv"),
        home.path().join("contacts.csv"),
    )?;
    let args = [
        "validate",
        "contacts.csv",
        "-o",
        "results.csv",
        "--json",
        "--resolver",
        &dns.url(),
        "--variable",
        "allow_reserved=test",
    ];
    let (code, out, err) = home.run(&db, &args).await?;
    assert_eq!(code, 0, "{err}");
    let summary: Value = serde_json::from_str(&out)?;
    let results = std::fs::read_to_string(home.path().join("results.csv"))?;
    let header = results.lines().next().unwrap_or_default();
    assert!(header.starts_with("name,email,company,"), "{header}");
    for status in ["deliverable", "undeliverable", "risky", "unknown"] {
        assert!(
            results.contains(&format!(",{status},")),
            "no one is {status}: {summary}"
        );
    }
    let left = db
        .list(
            "select datname::text from pg_database where datname like 'baton_validate%'",
            &[],
        )
        .await?;
    assert_eq!(left, Vec::<String>::new(), "the scratch database is gone");
    Ok(())
}

#[tokio::test]
async fn files_as_people_have_them() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let csv = "\u{feff}Name;E-Mail;Note\r\n\"Doe; Ann\";ann@gmail.com;\"says \"\"hi\"\"\"\r\n\r\nBob;BOB@Gmail.com;x\r\nAnn again; ann@gmail.com ;y\r\nNobody;;z\r\nShort\r\nEve;not an address;w\r\n";
    std::fs::write(home.path().join("in.csv"), csv)?;
    let (code, out, err) = home.run(&db, &["validate", "in.csv", "--offline"]).await?;
    assert_eq!(code, 0, "{err}");
    let rows: Vec<&str> = out.lines().collect();
    assert_eq!(rows.len(), 7, "{out}");
    assert!(
        rows[1]
            .starts_with("\"Doe; Ann\";ann@gmail.com;\"says \"\"hi\"\"\";deliverable;not_checked"),
        "{out}"
    );
    assert!(
        rows[3].starts_with("Ann again; ann@gmail.com ;y;deliverable"),
        "{out}"
    );
    assert!(rows[4].starts_with("Nobody;;z;;no_address"), "{out}");
    assert!(rows[6].contains("undeliverable;syntax"), "{out}");
    let lengths: BTreeSet<usize> = rows[1..5]
        .iter()
        .map(|it| it.matches(';').count())
        .collect();
    assert!(lengths.len() <= 2, "{out}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_with_its_name() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    std::fs::write(home.path().join("no-mail.csv"), "a,b\n1,2\n")?;
    std::fs::write(home.path().join("empty.csv"), "")?;
    for (file, expected) in [
        ("absent.csv", "absent.csv"),
        ("no-mail.csv", "--column"),
        ("empty.csv", "empty.csv"),
    ] {
        let (code, out, err) = home.run(&db, &["validate", file]).await?;
        assert_eq!((code, out.as_str()), (1, ""), "{file}: {err}");
        assert!(
            err.contains(expected) && err.contains("help:"),
            "{file}: {err}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_operator_sees_pauses_sets_and_resumes() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    db.add_many_contacts(3).await?;
    let (code, _, err) = home
        .run(&db, &["pause", "validate-contacts", "--reason", "audit"])
        .await?;
    assert_eq!(code, 0, "{err}");
    let (_, out, err) = home.run(&db, &["status"]).await?;
    assert!(
        out.contains("paused") && out.contains("audit"),
        "{out}{err}"
    );
    home.run(&db, &["resume", "validate-contacts"]).await?;
    let (code, _, err) = home
        .run(
            &db,
            &[
                "set",
                "validate-contacts",
                "rate_per_minute=none",
                "batch_size=10",
            ],
        )
        .await?;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = home
        .run(&db, &["set", "validate-contacts", "batch_size=0"])
        .await?;
    assert!(code == 1 && err.contains("batch_size"), "{err}");
    let (code, _, err) = home
        .run(&db, &["schedule", "set", "process-chunks", "0 0 * * *"])
        .await?;
    for expected in [
        "it works whatever is due",
        "baton sync run --all",
        "validate-contacts and",
    ] {
        assert!(code == 1 && err.contains(expected), "{expected}: {err}");
    }
    let (code, _, err) = home
        .run(&db, &["schedule", "set", "validate-contacts", "61 * * * *"])
        .await?;
    assert!(code == 1 && err.contains("help:"), "{err}");
    assert_eq!(
        db.text("select batch_size || ' ' || (rate_per_minute is null) from baton.jobs where name = 'validate-contacts'")
            .await?
            .as_deref(),
        Some("10 true")
    );
    Ok(())
}
