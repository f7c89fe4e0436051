//! A database that was dumped and restored, or renamed.

use anyhow::Context as _;
use baton::contract::Trigger;
use baton::contract::native::call;
use tokio::process::Command;
use tokio_postgres::Client;
use validate_contacts::calls::ClaimContacts;

use crate::support::db::{Db, roles};
use crate::support::home;

const LOST: &str = "select unnest(baton_api.lost_by_moving())";
const SEARCH_PATH: &str = "public, baton_board, baton_api, baton";

/// The same server, another database of the owner.
fn url_of(db: &Db, name: &str) -> String {
    db.url
        .replace(&format!("/{}", db.name), &format!("/{name}"))
}

/// A session of the owner in another database.
async fn session(db: &Db, name: &str) -> anyhow::Result<Client> {
    Ok(host::pg::connect(&url_of(db, name)).await?)
}

async fn run(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program)
        .args(args)
        .output()
        .await
        .with_context(|| format!("running {program}; the package postgresql-client has it"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{program}: {said}");
    Ok(())
}

async fn text(client: &Client, sql: &str) -> anyhow::Result<Vec<String>> {
    let rows = client.query(sql, &[]).await?;
    Ok(rows.iter().map(|it| it.get(0)).collect())
}

/// The statements for operators in README.md, without the one that names a sync job of the reader's.
fn statements_of_the_readme() -> anyhow::Result<String> {
    let readme = std::fs::read_to_string(home().join("README.md"))?;
    let (_, after) = readme
        .split_once("```sql\nselect * from validation_sessions")
        .context("README.md has statements for operators")?;
    let (block, _) = after.split_once("```").context("the block ends")?;
    let lines = block.lines().filter(|it| !it.contains("'your-"));
    Ok(format!(
        "select * from validation_sessions{}",
        lines.collect::<Vec<_>>().join("\n")
    ))
}

#[tokio::test]
async fn a_restored_database_gets_back_what_a_dump_leaves_out() -> anyhow::Result<()> {
    for (name, flags) in [
        ("moved_whole", &[][..]),
        ("moved_bare", &["--no-owner", "--no-privileges"]),
    ] {
        let db = Db::new().await?;
        schema::migrate(&mut db.session().await?).await?;
        db.add_contacts(&["ann@firma.de"]).await?;
        let admin = db.superuser().await?;
        admin
            .batch_execute(&format!("drop database if exists {name} with (force)"))
            .await?;
        let owner: String = db
            .owner
            .query_one("select current_user::text", &[])
            .await?
            .get(0);
        admin
            .batch_execute(&format!(
                "create database {name} owner {owner} template template0"
            ))
            .await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("dump.sql");
        let file = file.to_str().context("a temporary path is UTF-8")?;
        run("pg_dump", &[flags, &["-f", file, "-d", &db.url]].concat()).await?;
        let moved = url_of(&db, name);
        run("psql", &["-q", "-X", "-f", file, "-d", &moved]).await?;

        let mut client = session(&db, name).await?;
        let sessions = "select count(*)::text from validation_sessions";
        assert!(text(&client, sessions).await.is_err(), "{flags:?}");
        let lost = text(&client, LOST).await?.join("\n");
        for expected in [
            format!("the search path {SEARCH_PATH}"),
            format!("baton_{name}_scheduler"),
        ] {
            assert!(lost.contains(&expected), "{flags:?}: {lost}");
        }
        let rights = lost.contains("rights on functions") && lost.contains("baton.woken");
        assert_eq!(rights, !flags.is_empty(), "{flags:?}: {lost}");

        schema::migrate(&mut client).await?;
        let client = session(&db, name).await?;
        assert_eq!(
            text(&client, LOST).await?,
            Vec::<String>::new(),
            "{flags:?}"
        );
        client.batch_execute(&statements_of_the_readme()?).await?;
        let role = &roles(&client).await?["validate-contacts"];
        assert!(role.contains(name), "{role}");
        let grant = format!("grant {role} to current_user");
        client.batch_execute(&grant).await?;
        let worker = session(&db, name).await?;
        worker.batch_execute(&format!("set role {role}")).await?;
        let claim = ClaimContacts {
            trigger: Trigger::Manual,
            worker: "test".to_owned(),
        };
        call(&worker, claim).await?;

        // What an operator changes afterwards stays.
        let reset = format!("alter database {name} reset search_path");
        client.batch_execute(&reset).await?;
        schema::migrate(&mut session(&db, name).await?).await?;
        let client = session(&db, name).await?;
        assert!(text(&client, sessions).await.is_err(), "{flags:?}");
        assert_eq!(text(&client, LOST).await?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test]
async fn a_search_path_that_baton_did_not_set_is_not_restored() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let path = "select count(*) from pg_db_role_setting s where s.setdatabase = (select oid from pg_database where datname = current_database()) and s.setrole = 0";
    let foreign = format!(
        "alter database {} reset search_path; update baton.known_database set sets_search_path = false, database_oid = 1",
        db.name
    );
    db.owner.batch_execute(&foreign).await?;
    schema::migrate(&mut db.session().await?).await?;
    assert_eq!(db.count(path).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_renamed_database_gets_roles_of_its_new_name() -> anyhow::Result<()> {
    let db = Db::new().await?;
    schema::migrate(&mut db.session().await?).await?;
    let name = "renamed_by_a_test";
    let admin = db.superuser().await?;
    let admin = match admin
        .query_one("select current_database()::text", &[])
        .await?
        .get::<_, String>(0)
    {
        it if it == db.name => session(&db, "postgres").await?,
        _ => admin,
    };
    admin
        .batch_execute(&format!("drop database if exists {name} with (force)"))
        .await?;
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1";
    admin.execute(end, &[&db.name]).await?;
    let rename = format!("alter database {} rename to {name}", db.name);
    admin.batch_execute(&rename).await?;
    let mut client = session(&db, name).await?;
    let lost = text(&client, LOST).await?;
    assert!(
        lost.len() == 1 && lost[0].contains(&format!("baton_{name}_viewer")),
        "{lost:?}"
    );
    text(&client, "select count(*)::text from validation_sessions").await?;
    schema::migrate(&mut client).await?;
    assert_eq!(text(&client, LOST).await?, Vec::<String>::new());
    Ok(())
}

/// The database that this one was copied from may still send.
#[tokio::test]
async fn messages_of_a_copy_are_held_until_an_operator_looked() -> anyhow::Result<()> {
    let db = Db::new().await?;
    schema::migrate(&mut db.session().await?).await?;
    let claim = "select baton_api.claim_reminders('manual', 'test')->>'reason'";
    for (moved, expected) in [
        ("select", "nothing_due"),
        ("update baton.known_database set database_oid = 1", "paused"),
    ] {
        assert_eq!(db.text(claim).await?.as_deref(), Some("nothing_due"));
        db.owner.batch_execute(moved).await?;
        schema::migrate(&mut db.session().await?).await?;
        assert_eq!(db.text(claim).await?.as_deref(), Some(expected));
    }
    Ok(())
}

/// A role that this server lacked has no password, whatever the dump says.
#[tokio::test]
async fn a_role_that_was_made_again_counts_as_without_password() -> anyhow::Result<()> {
    let db = Db::new().await?;
    schema::migrate(&mut db.session().await?).await?;
    let role = roles(&db.owner).await?["scheduler"].clone();
    let set = "update baton.component_roles set password_set_at = now(), password_set_by = 'ann'";
    db.owner.batch_execute(set).await?;
    let drop = format!("drop owned by {role}; drop role {role}");
    db.superuser().await?.batch_execute(&drop).await?;
    schema::migrate(&mut db.session().await?).await?;
    let unset = "select component from baton.component_roles where password_set_at is null";
    assert_eq!(db.list(unset, &[]).await?, ["scheduler"]);
    Ok(())
}

/// An operator who dropped the queue keeps it out, wherever the database goes.
#[tokio::test]
async fn a_moved_database_without_the_queue_is_migrated() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.owner
        .batch_execute(
            "drop table job_queue cascade; update baton.known_database set database_oid = 1",
        )
        .await?;
    schema::migrate(&mut db.session().await?).await?;
    assert_eq!(text(&db.owner, LOST).await?, Vec::<String>::new());
    Ok(())
}
