//! What the documents state about the code is so.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::db::Db;
use crate::support::home;
use crate::support::settling::items::take;

#[test]
fn the_readme_lists_every_reason() {
    let readme = read("README.md");
    for reason in validate_contacts::email::Reason::ALL {
        let code = format!("`{}`", reason.as_str());
        assert!(readme.contains(&code), "{code} is missing");
    }
}

#[tokio::test]
async fn the_rows_that_the_readme_inserts_are_due() -> anyhow::Result<()> {
    let readme = read("README.md");
    let (_, after) = readme
        .split_once("```sql\ninsert into assignments")
        .expect("README.md has rows of reminders");
    let block = after.split("```").next().unwrap_or_default();
    let db = Db::new().await?;
    let insert = format!("insert into assignments{block}");
    db.owner.batch_execute(&insert).await?;
    for (count, why) in [
        (
            "select count(*) from baton_api.due_assignments(null, 10)",
            "the reminder",
        ),
        (
            "select count(*) from job_queue where status = 'pending'",
            "the auto-sync",
        ),
        ("select count(*) from crew_members", "the member"),
    ] {
        assert_eq!(db.count(count).await?, 1, "{why}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_readme_says_of_a_job_of_ones_own_works() -> anyhow::Result<()> {
    let readme = read("README.md");
    let section = readme
        .split("## A job of your own")
        .nth(1)
        .and_then(|it| it.split("\n## ").next())
        .expect("README.md tells of jobs of one's own");
    let blocks: Vec<&str> = section
        .split("```sql\n")
        .skip(1)
        .filter_map(|it| it.split("```").next())
        .collect();
    let [queue, rows] = blocks[..] else {
        panic!("{} blocks", blocks.len())
    };
    let db = Db::new().await?;
    // Its application's role is one that the tests have.
    let queue = queue.replace(" to app;", " to anon;");
    db.owner
        .batch_execute(&format!(
            "select baton.create_job('invoice-export'); {queue}"
        ))
        .await?;
    db.superuser()
        .await?
        .batch_execute("set role anon; select baton.enqueue('invoice-export', key => 'R-20')")
        .await?;
    let waiting =
        "select key from baton_board.items where status in ('ready', 'delayed') order by key";
    assert_eq!(db.list(waiting, &[]).await?, ["R-17", "R-19", "R-20"]);
    db.owner
        .batch_execute(&format!(
            "select baton.drop_job('invoice-export', discard => true);
             create schema app;
             create table app.invoices (id bigint generated always as identity primary key, number text, exported_at timestamptz);
             {rows}
             insert into app.invoices (number) values ('R-17')"
        ))
        .await?;
    let (_, items) = take(&db.worker().await?).await?;
    assert_eq!(items[0].data["number"], "R-17");
    Ok(())
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let architecture = read("ARCHITECTURE.md");
    let section = architecture
        .split("## Invariants")
        .nth(1)
        .and_then(|it| it.split("\n## ").next())
        .expect("ARCHITECTURE.md has a section of invariants");
    let mut sources = String::new();
    collect(&home().join("tests"), &mut sources);
    let names = section.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = names
        .filter(|it| it.matches('_').count() > 3 && !it.contains('…'))
        .collect();
    assert!(tests.len() > 20);
    for test in tests {
        assert!(
            sources.contains(&format!("fn {test}(")),
            "{test} does not exist"
        );
    }
}

#[test]
fn the_rules_for_sql_list_every_code() {
    let rules = read("migrations/README.md");
    for code in [
        baton::contract::codes::NO_SUCH_THING,
        baton::contract::codes::ILLEGAL_TRANSITION,
        baton::contract::codes::BAD_ARGUMENT,
        baton::contract::codes::UNACCEPTABLE,
    ] {
        assert!(rules.contains(&format!("`{code}`")), "{code} is missing");
    }
}

#[test]
fn the_diagrams_have_the_states_that_the_schema_allows() {
    let document = read("migrations/STATES.md");
    let check = |noun: &str, migration: &str, constraint: &str| {
        let diagram = document
            .split(&format!("\n## {noun}\n"))
            .nth(1)
            .and_then(|it| it.split("```").nth(1))
            .expect("each noun has a diagram");
        let drawn: BTreeSet<&str> = diagram
            .lines()
            .filter_map(|it| it.split(": ").next()?.split_once("-->"))
            .flat_map(|(from, to)| [from.trim(), to.trim()])
            .filter(|it| *it != "[*]")
            .collect();
        let migration = read(migration);
        let mut allowed = allowed(&migration, constraint);
        if noun == "Queued job" {
            // Allowed as in the first version, and set by nobody.
            allowed.remove("processing");
        }
        assert_eq!(drawn, allowed, "{noun}");
    };
    check(
        "Cycle",
        "migrations/0003_cycles_and_attempts.sql",
        "cycle_status_is_known",
    );
    check(
        "Item",
        "migrations/0015_jobs_of_applications.sql",
        "item_status_is_known",
    );
    check("Slot", "migrations/0002_jobs.sql", "slot_status_is_known");
    check("Wake", "migrations/0006_wakes.sql", "wake_is_known check");
    check(
        "Sync job",
        "migrations/0005_chunks.sql",
        "sync_job_status_is_known",
    );
    check(
        "Chunk",
        "migrations/0005_chunks.sql",
        "chunk_status_is_known",
    );
    check(
        "Message",
        "migrations/0007_messages.sql",
        "message_status_is_known",
    );
    check(
        "Queued job",
        "migrations/0007_messages.sql",
        "queued_job_status_is_known",
    );
}

#[test]
fn every_outcome_of_an_attempt_at_a_chunk_is_explained() {
    let document = read("migrations/STATES.md");
    let migration = read("migrations/0005_chunks.sql");
    for outcome in allowed(&migration, "chunk_attempt_outcome_is_known") {
        let row = format!("\n| `{outcome}` |");
        assert!(document.contains(&row), "{outcome} is missing");
    }
}

/// The values in the list of a constraint.
fn allowed<'a>(migration: &'a str, constraint: &str) -> BTreeSet<&'a str> {
    let list = migration
        .split(constraint)
        .nth(1)
        .and_then(|it| it.split(" in (").nth(1)?.split(')').next())
        .expect("the constraint has a list");
    list.split('\'').skip(1).step_by(2).collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(home().join(name)).expect("the document is there")
}

fn collect(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the folder of tests is there") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            collect(&path, text);
        } else if path.extension().is_some_and(|it| it == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a source is readable"));
        }
    }
}
