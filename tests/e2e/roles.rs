//! Roles and passwords belong to one database, and no command that looks changes them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

use crate::support::baton::Home;
use crate::support::db::{Db, roles};

/// Every role of the server that Baton made, with the verifier of its password.
const PASSWORDS: &str = "select r.rolname || ' ' || coalesce(r.rolpassword, '') from pg_authid r
    join baton.component_roles c on c.role_name = r.rolname order by 1";

/// A deployment elsewhere has set the passwords of this database's roles.
async fn deployed(db: &Db) -> anyhow::Result<(Home, BTreeMap<String, String>)> {
    let home = Home::new()?;
    let set = ["--json", "roles", "set-passwords"];
    let (code, out, err) = home.run(db, &set).await?;
    anyhow::ensure!(code == 0, "{err}");
    Ok((home, serde_json::from_str(&out)?))
}

async fn can_log_in(db: &Db, variables: &BTreeMap<String, String>) -> anyhow::Result<()> {
    for (component, role) in roles(&db.owner).await? {
        let variable = format!("pg_password_{}", component.replace('-', "_"));
        let Some(password) = variables.get(&variable) else {
            continue;
        };
        let login = format!(
            "host=127.0.0.1 port={} dbname={} user={role} password={password}",
            db.port, db.name
        );
        host::pg::connect(&login)
            .await
            .with_context(|| role.clone())?;
    }
    Ok(())
}

#[tokio::test]
async fn no_command_cuts_a_deployment_elsewhere_off() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let (_elsewhere, variables) = deployed(&db).await?;
    assert_eq!(variables.len(), 12, "{variables:?}");
    can_log_in(&db, &variables).await?;
    let before = db.list(PASSWORDS, &[]).await?;
    let home = Home::new()?;
    std::fs::write(home.path().join("in.csv"), "email\nann@example.com\n")?;
    for (args, expected) in [
        (&["doctor"][..], None),
        (&["status"], Some(0)),
        (&["logs"], Some(0)),
        (&["roles"], Some(0)),
        (&["migrate"], Some(0)),
        (
            &["validate", "in.csv", "--offline", "-o", "out.csv"],
            Some(0),
        ),
        (&["up", "--listen", "127.0.0.1:0"], Some(1)),
        (&["roles", "set-passwords"], Some(1)),
    ] {
        let (code, _, err) = home.run(&db, args).await?;
        assert!(
            expected.is_none_or(|it| it == code),
            "{args:?}: {code} {err}"
        );
        assert_eq!(db.list(PASSWORDS, &[]).await?, before, "{args:?}");
    }
    can_log_in(&db, &variables).await?;
    let (_, _, err) = home.run(&db, &["up", "--listen", "127.0.0.1:0"]).await?;
    assert!(
        err.contains("not those of this folder") && err.contains(".env"),
        "{err}"
    );
    Ok(())
}

#[tokio::test]
async fn a_second_host_finds_the_passwords_in_its_env_file() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let first = Home::new()?;
    let set = ["roles", "set-passwords", "--env-file", ".env"];
    let (code, _, err) = first.run(&db, &set).await?;
    assert_eq!(code, 0, "{err}");
    let second = Home::new()?;
    std::fs::copy(first.path().join(".env"), second.path().join(".env"))?;
    let up = second.up(&db, &[]).await?;
    assert_eq!(up.post("/jobs/validate-contacts").await?.0, 200);
    assert_eq!(up.interrupt().await?, Some(130));
    let (_, out, _) = second.run(&db, &["--json", "doctor"]).await?;
    let checks: Vec<Value> = serde_json::from_str(&out)?;
    let roles = checks
        .iter()
        .find(|it| it["what"] == "roles")
        .context("they are checked")?;
    assert_eq!(roles["verdict"], "ok", "{roles}");
    Ok(())
}

#[tokio::test]
async fn doctor_tells_which_component_cannot_log_in_and_which_rows_are_never_due()
-> anyhow::Result<()> {
    let db = Db::new().await?;
    let (home, _) = deployed(&db).await?;
    db.owner
        .batch_execute(
            "insert into contacts (email, email_validation_status) values ('a@x.test', 'unknown')",
        )
        .await?;
    let role = roles(&db.owner).await?["process-chunks"].clone();
    db.owner
        .batch_execute(&format!("alter role {role} nologin"))
        .await?;
    let (code, out, _) = home.run(&db, &["doctor"]).await?;
    assert_eq!(code, 1);
    let line = out
        .lines()
        .find(|it| it.contains(&role))
        .context(out.clone())?;
    assert!(
        line.contains("FAILED") && line.contains("process-chunks cannot log in"),
        "{line}"
    );
    assert_eq!(out.matches("cannot log in").count(), 1, "{out}");
    assert!(out.contains("1 of public.contacts are never due"), "{out}");
    assert!(out.contains("_functions, which is no superuser"), "{out}");
    db.owner
        .batch_execute("alter function baton_api.prune(int) owner to current_user")
        .await?;
    let (_, out, _) = home.run(&db, &["doctor"]).await?;
    assert!(out.contains("the rights of postgres, a superuser"), "{out}");
    Ok(())
}

#[tokio::test]
async fn replaced_passwords_are_new() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let (home, before) = deployed(&db).await?;
    let replace = ["--json", "roles", "set-passwords", "--replace"];
    let (code, out, err) = home.run(&db, &replace).await?;
    assert_eq!(code, 0, "{err}");
    let after: BTreeMap<String, String> = serde_json::from_str(&out)?;
    can_log_in(&db, &after).await?;
    assert!(can_log_in(&db, &before).await.is_err());
    let changed = after
        .iter()
        .filter(|(name, it)| before.get(*name) != Some(it))
        .count();
    assert_eq!(changed, 6, "a password for each component");
    Ok(())
}

#[tokio::test]
async fn a_run_on_a_scratch_database_leaves_no_role() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    std::fs::write(home.path().join("in.csv"), "email\nann@example.com\n")?;
    let validate = ["validate", "in.csv", "--offline", "-o", "out.csv"];
    let (code, _, err) = home.run(&db, &validate).await?;
    assert_eq!(code, 0, "{err}");
    // Other tests have scratch databases of their own at this moment; their roles go with those.
    let left = "select count(*) from pg_roles r, substring(r.rolname from '^baton_(baton_scratch_[0-9a-f]{16})_') as d
                where d is not null and not exists (select from pg_database where datname = d)";
    crate::support::until("the roles of scratch databases are gone", async || {
        Ok((db.count(left).await? == 0).then_some(()))
    })
    .await
}
