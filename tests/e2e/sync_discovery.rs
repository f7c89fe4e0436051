//! Where `baton sync add` finds the API of a JMAP server, and what it does not follow.

use serde_json::json;

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::receiver::Receiver;

/// The token of the source, which nothing may show.
const TOKEN: &str = "open-sesame-4711";

#[tokio::test]
async fn the_origin_of_an_api_is_shown_and_stored() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let (given, other) = (Receiver::start().await?, Receiver::start().await?);
    let mail = "urn:ietf:params:jmap:mail";
    let session = json!({
        "apiUrl": format!("{}/api", other.url()),
        "capabilities": { mail: {} },
        "primaryAccounts": { mail: "a" },
    });
    given.answer_body(session.to_string());
    let url = format!("{}/jmap", given.url());
    let args = ["sync", "add", "mail", "--jmap", &url, "--token"];
    let (code, said) = run(&db, &home, &args, Some(TOKEN)).await?;
    assert_eq!(code, 0, "{said}");
    let shown = format!("The server has its API at {}.", other.url());
    assert!(said.contains(&shown), "{said}");
    let stored = "select settings->>'api_origin' from sources where name = 'mail'";
    assert_eq!(db.text(stored).await?, Some(other.url()));
    assert_eq!((given.received().len(), other.received().len()), (1, 0));

    // The stored token asks again; a session that moved to another server is for the operator to name.
    given.redirect_to(&format!("{}/session", other.url()));
    let (code, said) = run(&db, &home, &args, None).await?;
    assert_eq!(code, 1, "{said}");
    let named = format!("give `--jmap {}/session`", other.url());
    assert!(said.contains(&named), "{said}");
    assert_eq!((given.received().len(), other.received().len()), (2, 0));
    let asked = given.received();
    let with_token = asked
        .iter()
        .filter(|it| it.headers().contains_key("authorization"))
        .count();
    assert_eq!(with_token, 2);

    drop(given);
    let (code, said) = run(&db, &home, &args, None).await?;
    assert_eq!(code, 0, "a server that is away is saved: {said}");
    assert!(said.contains("The server did not name its API"), "{said}");
    assert_eq!(db.text(stored).await?, Some(other.url()));
    Ok(())
}

/// `baton ARGS`: exit code and standard error.
async fn run(
    db: &Db,
    home: &Home,
    args: &[&str],
    token: Option<&str>,
) -> anyhow::Result<(i32, String)> {
    let mut command = home.command(db, args)?;
    if let Some(token) = token {
        command.env("BATON_SYNC_SECRET", token);
    }
    let out = command.output().await?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!said.contains(TOKEN), "{said}");
    Ok((out.status.code().unwrap_or(-1), said))
}
