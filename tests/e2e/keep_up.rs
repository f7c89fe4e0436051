use std::process::Command;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::until;

#[tokio::test]
async fn a_killed_private_database_is_started_again() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let up = home.up_private(&db).await?;
    assert_eq!(up.post("/tick").await?.0, 200);
    let pid_file = home.path().join(".baton/postgres/data/postmaster.pid");
    let pid = || -> anyhow::Result<String> {
        let text = std::fs::read_to_string(&pid_file)?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    };
    let killed = pid()?;
    assert!(
        Command::new("kill")
            .args(["-9", &killed])
            .status()?
            .success()
    );
    until("requests are answered again", async || {
        // Connections that the pool still holds fail first.
        let is_another = pid().is_ok_and(|it| it != killed);
        let (status, _) = up.post("/tick").await?;
        Ok((is_another && status == 200).then_some(()))
    })
    .await?;
    assert_eq!(up.hang_up().await?, Some(130), "as after Ctrl-C");
    assert!(!pid_file.exists(), "the database ends with the host");
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_terminal_ends_everything() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let up = home.up(&db, &[]).await?;
    assert_eq!(up.hang_up().await?, Some(130), "as after Ctrl-C");
    assert!(!home.path().join(".baton/up.json").exists());
    Ok(())
}

#[tokio::test]
async fn a_short_service_key_starts_nothing() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let mut command = home.command(&db, &["up", "--listen", "127.0.0.1:0", "--no-tick"])?;
    let out = command
        .env("SPIN_VARIABLE_SERVICE_KEY", "x")
        .output()
        .await?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(
        said.contains("shorter than 16 bytes") && said.contains("help: "),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn listening_for_other_machines_is_warned_of() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    for (listen, warns) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let args = ["--json", "up", "--no-tick", "--listen", listen];
        let said = home.path().join("said");
        let mut command = home.command(&db, &args)?;
        command.stderr(std::fs::File::create(&said)?);
        let running = crate::support::baton::Running::start(command).await?;
        assert_eq!(running.interrupt().await?, Some(130));
        let said = std::fs::read_to_string(said)?;
        let warned = said.contains("not encrypted") && said.contains("reverse proxy");
        assert_eq!(warned, warns, "{listen}: {said}");
    }
    Ok(())
}
