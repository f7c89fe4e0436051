//! The engine knows jobs by what they have registered, and by nothing else.

use std::path::Path;

use crate::support::db::Db;
use crate::support::home;

/// Arguments and result of the function for each hook, as `baton.register_job` describes them.
const HOOKS: &[(&str, &str, &str)] = &[
    (
        "state",
        "baton.jobs, baton_api.open_attempts, timestamptz",
        "jsonb",
    ),
    ("lost", "baton.attempts, text, timestamptz", "void"),
    ("clean_up", "int", "integer"),
    ("prune", "int, timestamptz", "integer"),
    ("count_due", "timestamptz, bigint", "bigint"),
    ("unreachable_rows", "", "jsonb"),
];

#[tokio::test]
async fn every_job_has_its_functions_with_the_right_arguments() -> anyhow::Result<()> {
    let db = Db::new().await?;
    assert_eq!(missing(&db).await?, Vec::<String>::new());
    db.owner
        .batch_execute("alter function baton_api.lose_contacts rename to lose_contact; delete from baton.job_functions where job = 'validate-contacts' and hook = 'state'")
        .await?;
    assert_eq!(
        missing(&db).await?,
        ["validate-contacts lost", "validate-contacts state"]
    );
    Ok(())
}

/// What custom jobs lack of functions, or have with other arguments.
async fn missing(db: &Db) -> anyhow::Result<Vec<String>> {
    let mut missing = db
        .list(
            "select j.name || ' ' || h from baton.jobs j, unnest('{state,lost}'::text[]) h
             where j.kind = 'custom' and not exists (select from baton.job_functions f where f.job = j.name and f.hook = h)",
            &[],
        )
        .await?;
    for (hook, arguments, result) in HOOKS {
        let sql = format!(
            "select f.job || ' ' || f.hook from baton.job_functions f
             left join pg_proc p on p.oid = to_regprocedure(f.function || '({arguments})')
             where f.hook = '{hook}' and pg_get_function_result(p.oid) is distinct from '{result}'"
        );
        missing.extend(db.list(&sql, &[]).await?);
    }
    missing.sort();
    Ok(missing)
}

/// Nor a table of the application, which is a job's.
#[tokio::test]
async fn the_engine_names_no_job() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let mut names = db.list("select name from baton.jobs", &[]).await?;
    assert_eq!(names.len(), 4);
    names.push("public.".to_owned());
    let mut files = Vec::new();
    for folder in ["engine", "views"] {
        collect(&home().join("migrations").join(folder), &mut files)?;
    }
    assert!(files.len() > 60, "{} files", files.len());
    for (file, text) in files {
        for name in &names {
            assert!(!text.contains(name), "{file} names {name}");
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<(String, String)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|it| it == "sql") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}
