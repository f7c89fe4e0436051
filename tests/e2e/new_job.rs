use anyhow::ensure;
use tokio::process::Command;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::home;

/// The template compiles, its own test passes, its SQL makes the job, and a second one of its name is refused.
#[tokio::test]
async fn a_new_job_builds_and_is_made() -> anyhow::Result<()> {
    let (db, folder) = (Db::new().await?, Home::new()?);
    let sdk = home().join("crates/baton");
    let new = ["new", "job", "thumb-nails", "--baton-path"];
    let args = [&new[..], &[sdk.to_str().unwrap_or_default()]].concat();
    // A manifest of the test's own in place of the link to the project's.
    let manifest = folder.path().join("spin.toml");
    let before = std::fs::read_to_string(&manifest)?;
    std::fs::remove_file(&manifest)?;
    std::fs::write(&manifest, &before)?;
    let (code, out, err) = folder.run(&db, &args).await?;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("baton enqueue thumb-nails"), "{out}");
    let after = std::fs::read_to_string(&manifest)?;
    assert!(after.contains("/jobs/thumb-nails") && after.len() > before.len());

    let job = folder.path().join("thumb-nails");
    // The versions and what is built already are those of the example.
    let example = home().join("examples/own-job");
    std::fs::copy(example.join("Cargo.lock"), job.join("Cargo.lock"))?;
    let tested = Command::new("cargo")
        .args(["test", "--offline", "--target-dir"])
        .arg(example.join("target"))
        .current_dir(&job)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&tested.stdout);
    ensure!(
        tested.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&tested.stderr)
    );
    let made = std::fs::read_to_string(job.join("migrations/1_create_job.sql"))?;
    db.owner.batch_execute(&made).await?;
    let kind = "select kind from baton.jobs where name = 'thumb-nails'";
    assert_eq!(db.text(kind).await?.as_deref(), Some("queue"));

    let again = folder.run(&db, &args).await?;
    assert!(
        again.0 != 0 && again.2.contains("is there already"),
        "{again:?}"
    );
    let kept = std::fs::read_to_string(&manifest)?;
    assert_eq!(kept, after);
    Ok(())
}
