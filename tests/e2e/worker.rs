use anyhow::Context as _;
use tokio::process::Command;

use crate::support::db::{Db, roles};
use crate::support::home;
use crate::support::settling::items::{JOB, create};

/// The example in Python, by the page of reference and with the rights of the job's role alone, works the same queue.
#[tokio::test]
async fn a_worker_in_another_language_works_the_same_queue() -> anyhow::Result<()> {
    let db = Db::new().await?;
    create(&db, "batch_size => 2, max_attempts => 1").await?;
    db.owner
        .batch_execute(&format!(
            "select baton.enqueue('{JOB}', jsonb_build_object('name', n)) from unnest('{{Ada,Bob,Eve}}'::text[]) n;
             select baton.enqueue('{JOB}', '{{\"nameless\": true}}')"
        ))
        .await?;
    let role = roles(&db.owner).await?.remove(JOB).context("it has one")?;
    db.superuser()
        .await?
        .batch_execute(&format!("alter role {role} login password 'trial'"))
        .await?;
    let url = format!("postgres://{role}:trial@127.0.0.1:{}/{}", db.port, db.name);
    let output = Command::new(python()?)
        .arg(home().join("examples/worker.py"))
        .args([JOB, "--until-idle"])
        .env("DATABASE_URL", url)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(said, "hello Ada\nhello Bob\nhello Eve\n");
    let states = "select concat_ws(' ', status, error) from baton_board.items order by 1";
    assert_eq!(
        db.list(states, &[]).await?,
        [
            "completed",
            "completed",
            "completed",
            "failed KeyError('name')"
        ]
    );
    Ok(())
}

/// A Python that has the driver; scripts/setup installs it for the system's.
fn python() -> anyhow::Result<&'static str> {
    let has_driver = |python: &&str| {
        std::process::Command::new(python)
            .args(["-c", "import psycopg2"])
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|it| it.success())
    };
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(has_driver)
        .context("no Python has psycopg2; scripts/setup --tests installs it")
}
