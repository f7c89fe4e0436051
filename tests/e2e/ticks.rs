//! `tick`, `status` and `doctor` of any deployment.

use crate::support::baton::Home;
use crate::support::daemon::free_ports;
use crate::support::db::Db;

#[tokio::test]
async fn a_tick_that_reaches_nothing_fails_and_names_the_address() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(5).await?;
    let home = Home::new()?;
    let [nobody] = free_ports()?;
    let variable = format!("components_url=http://127.0.0.1:{nobody}");
    let up = home
        .up(&db, &["--no-wakes", "--variable", &variable])
        .await?;
    let (code, out, err) = home.run(&db, &["tick"]).await?;
    assert_eq!(code, 1, "{out} {err}");
    let address = format!("http://127.0.0.1:{nobody}/jobs/validate-contacts");
    assert!(
        err.contains("error:") && err.contains(&address) && err.contains("components_url"),
        "{err}"
    );
    assert!(!out.contains("Everything that was due is done"), "{out}");
    let (code, out, err) = home.run(&db, &["status"]).await?;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("It could NOT reach validate-contacts") && out.contains(&address),
        "{out}"
    );
    up.interrupt().await?;
    Ok(())
}

#[tokio::test]
async fn status_and_doctor_ask_the_deployment_at_an_address() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let elsewhere = Home::new()?;
    let up = elsewhere.up(&db, &[]).await?;
    let home = Home::new()?;
    let key_file = elsewhere.path().join(".baton/service-key");
    let key_file = key_file.to_str().expect("a temporary path is UTF-8");
    let (code, out, err) = home
        .run(&db, &["tick", "--url", &up.url, "--key-file", key_file])
        .await?;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Everything that was due is done."), "{out}");
    let (_, out, _) = home.run(&db, &["status", "--url", &up.url]).await?;
    assert!(
        out.contains(&format!("The deployment at {} answers.", up.url)),
        "{out}"
    );
    assert!(out.contains("The last tick was"), "{out}");
    let (_, out, _) = home
        .run(&db, &["doctor", "--url", &up.url, "--key-file", key_file])
        .await?;
    assert!(
        out.contains("answers, and accepts the service key"),
        "{out}"
    );
    let wrong = home.path().join("wrong");
    std::fs::write(&wrong, "0123456789abcdef0123456789abcdef")?;
    let wrong = wrong.to_str().expect("a temporary path is UTF-8");
    let (code, out, _) = home
        .run(&db, &["doctor", "--url", &up.url, "--key-file", wrong])
        .await?;
    assert!(
        code == 1 && out.contains("refuses the service key"),
        "{out}"
    );
    let url = up.url.clone();
    up.interrupt().await?;
    let (_, out, _) = home.run(&db, &["status", "--url", &url]).await?;
    assert!(
        out.contains(&format!("The deployment at {url} does NOT answer")),
        "{out}"
    );
    let (_, out, _) = home.run(&db, &["status"]).await?;
    assert!(out.contains("No `baton up` runs in this folder"), "{out}");
    Ok(())
}

#[tokio::test]
async fn logs_show_the_runs_of_any_host() -> anyhow::Result<()> {
    let db = Db::new().await?;
    db.add_many_contacts(5).await?;
    let home = Home::new()?;
    let up = home.up(&db, &["--no-wakes", "--dns", "off"]).await?;
    assert_eq!(up.post("/jobs/validate-contacts").await?.0, 200);
    up.interrupt().await?;
    let (code, out, err) = home
        .run(
            &db,
            &["logs", "--job", "validate-contacts", "--status", "ran"],
        )
        .await?;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("validate-contacts") && out.contains("manual"),
        "{out}"
    );
    let (_, out, _) = home.run(&db, &["logs", "--status", "failed"]).await?;
    assert!(out.contains("No run is in the log."), "{out}");
    Ok(())
}
