use process_chunks::source::sealed::{is_sealed, open};
use serde_json::{Value, json};

use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::pages::{Pages, Trouble};
use crate::support::until;

/// The token of the source, which nothing may show.
const TOKEN: &str = "open-sesame-4711";
/// Another one.
const NEW_TOKEN: &str = "close-sesame-0815";

/// Runs commands on one database, and holds every output against the secrets.
struct Operator {
    db: Db,
    home: Home,
}

impl Operator {
    async fn new() -> anyhow::Result<Operator> {
        Ok(Operator {
            db: Db::new().await?,
            home: Home::new()?,
        })
    }

    /// `baton ARGS`: exit code, standard output, standard error.
    async fn run(&self, args: &[&str]) -> anyhow::Result<(i32, String, String)> {
        self.run_with(args, None).await
    }

    /// The same with a token in the environment.
    async fn run_with(
        &self,
        args: &[&str],
        token: Option<&str>,
    ) -> anyhow::Result<(i32, String, String)> {
        let mut command = self.home.command(&self.db, args)?;
        if let Some(token) = token {
            command.env("BATON_SYNC_SECRET", token);
        }
        let out = command.output().await?;
        let [shown, said] =
            [out.stdout, out.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        for secret in [TOKEN, NEW_TOKEN] {
            assert!(
                !format!("{shown}{said}").contains(secret),
                "{args:?}: {shown}{said}"
            );
        }
        Ok((out.status.code().unwrap_or(-1), shown, said))
    }

    /// Runs what must succeed; its standard output.
    async fn ok(&self, args: &[&str]) -> anyhow::Result<String> {
        let (code, shown, said) = self.run(args).await?;
        assert_eq!(code, 0, "{args:?}: {shown}{said}");
        Ok(shown)
    }

    /// Runs what must succeed with `--json`.
    async fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        let shown = self.ok(&[&["--json"], args].concat()).await?;
        Ok(serde_json::from_str(&shown)?)
    }

    /// Adds the source `people` with a token in a file.
    async fn add_people(&self, source: &Pages) -> anyhow::Result<()> {
        std::fs::write(self.home.path().join("token"), format!("{TOKEN}\n"))?;
        let url = source.url();
        let args = [
            "sync",
            "add",
            "people",
            "--json-pages",
            &url,
            "--token",
            "--secret-file",
            "token",
        ];
        let pages = [
            "--records",
            "/records",
            "--page-param",
            "page",
            "--pages",
            "/pages",
        ];
        let said = self.ok(&[&args[..], &pages].concat()).await?;
        assert!(said.contains("`baton sync run people --watch`"), "{said}");
        Ok(())
    }

    /// Waits until no sync is under way.
    async fn until_ended(&self) -> anyhow::Result<()> {
        until("every sync has ended", async || {
            let active = "select count(*) from baton.sync_jobs where completed_at is null";
            Ok((self.db.count(active).await? == 0).then_some(()))
        })
        .await
    }

    /// As the database holds it.
    async fn stored(&self) -> anyhow::Result<Option<String>> {
        self.db
            .text("select secret from baton.source_secrets")
            .await
    }

    /// In clear, whether or not it is encrypted.
    async fn stored_token(&self) -> anyhow::Result<Option<String>> {
        let Some(stored) = self.stored().await? else {
            return Ok(None);
        };
        let file = self.home.path().join(".baton/source-key");
        let key = std::fs::read_to_string(file).unwrap_or_default();
        Ok(Some(open(&key, "people", &stored)?))
    }
}

#[tokio::test]
async fn stored_passwords_are_encrypted_where_there_is_a_key() -> anyhow::Result<()> {
    let operator = Operator::new().await?;
    let source = Pages::start(2).await?;
    operator.add_people(&source).await?;
    assert_eq!(operator.stored().await?.as_deref(), Some(TOKEN));
    let (code, _, said) = operator.run(&["sync", "encrypt"]).await?;
    assert!(
        code == 1 && said.contains("SPIN_VARIABLE_SOURCE_KEY"),
        "{said}"
    );
    let allowed = format!("sync_hosts=http://127.0.0.1:{}", source.port());
    let up = operator
        .home
        .up(&operator.db, &["--variable", &allowed])
        .await?;
    operator.ok(&["sync", "run", "people", "--watch"]).await?;
    operator.ok(&["sync", "encrypt"]).await?;
    let encrypted = operator.stored().await?.unwrap_or_default();
    assert!(is_sealed(&encrypted), "{encrypted}");
    assert_eq!(operator.stored_token().await?.as_deref(), Some(TOKEN));
    let watched = operator
        .ok(&["sync", "run", "people", "--full", "--watch"])
        .await?;
    assert!(watched.contains("people: completed"), "{watched}");

    operator.add_people(&source).await?;
    let again = operator.stored().await?.unwrap_or_default();
    assert!(is_sealed(&again) && again != encrypted, "{again}");
    let key = operator.home.path().join(".baton/source-key");
    let old = std::fs::read_to_string(&key)?;
    let new = "a-new-key-of-more-than-16-bytes";
    std::fs::write(&key, format!("{new} {old}"))?;
    operator.ok(&["sync", "encrypt"]).await?;
    let stored = operator.stored().await?.unwrap_or_default();
    assert_eq!(open(new, "people", &stored)?, TOKEN);
    drop(up);
    Ok(())
}

#[tokio::test]
async fn a_source_is_added_synced_repaired_and_removed() -> anyhow::Result<()> {
    let operator = Operator::new().await?;
    let source = Pages::start(12).await?;
    operator.add_people(&source).await?;
    assert_eq!(operator.stored_token().await?.as_deref(), Some(TOKEN));
    let allowed = format!("sync_hosts=http://127.0.0.1:{}", source.port());
    let up = operator
        .home
        .up(&operator.db, &["--variable", &allowed])
        .await?;

    let watched = operator.ok(&["sync", "run", "people", "--watch"]).await?;
    assert!(
        watched.contains("people: completed, 12 of 12 chunks, 100.0 %, 60 items"),
        "{watched}"
    );
    let listed = operator.json(&["sync", "list"]).await?;
    assert_eq!(
        (
            &listed[0]["source"],
            &listed[0]["overall_status"],
            &listed[0]["synced_items"]
        ),
        (&json!("people"), &json!("completed"), &json!(60))
    );

    assert!(listed[0]["last_synced_at"].is_string(), "{listed}");
    let table = operator.ok(&["sync", "list"]).await?;
    let table: Vec<&str> = table.split_whitespace().collect();
    assert!(
        table.windows(3).any(|it| it == ["ITEMS", "LAST", "SYNCED"]) && table.contains(&"60"),
        "{table:?}"
    );

    let once = json!({ "max_attempts": 1 });
    operator.db.configure_job("process-chunks", once).await?;
    source.break_page(7, Trouble::Broken);
    let (code, _, said) = operator.run(&["sync", "run", "people", "--watch"]).await?;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("did not complete: the source is in trouble (500)")
            && said.contains("baton sync retry people"),
        "{said}"
    );
    let listed = operator.ok(&["sync", "list"]).await?;
    assert!(
        listed.contains("people: the source is in trouble (500)"),
        "{listed}"
    );
    let failed = operator.ok(&["sync", "list", "people", "--failed"]).await?;
    assert!(
        failed.contains("\"number\":7") && failed.contains("(500)"),
        "{failed}"
    );
    let failed = operator.json(&["sync", "list", "--failed"]).await?;
    assert_eq!(failed.as_array().map(Vec::len), Some(1), "{failed}");

    source.heal();
    assert_eq!(
        operator.json(&["sync", "retry", "people"]).await?["chunks"],
        1
    );
    operator.until_ended().await?;
    let one = operator.json(&["sync", "list", "people"]).await?;
    let statuses: Vec<&Value> = one["sync_jobs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| &it["overall_status"])
        .collect();
    assert_eq!(statuses, ["completed", "completed"], "{one}");

    source.break_page(3, Trouble::Broken);
    operator.run(&["sync", "run", "people", "--watch"]).await?;
    assert_eq!(
        operator.json(&["sync", "drop", "people"]).await?["chunks"],
        1
    );
    let listed = operator.json(&["sync", "list"]).await?;
    assert_eq!(listed[0]["overall_status"], "completed");
    source.heal();

    source.hold();
    let started = operator.json(&["sync", "run", "people"]).await?;
    assert_eq!(started[0]["started"], true, "{started}");
    until("the source is asked", async || {
        Ok((source.under_way() == 1).then_some(()))
    })
    .await?;
    assert_eq!(
        operator.json(&["sync", "cancel", "people"]).await?["status"],
        "cancelled"
    );
    source.release();
    until("the call under way has ended", async || {
        let open = "select count(*) from baton.attempts where finished_at is null";
        Ok((operator.db.count(open).await? == 0).then_some(()))
    })
    .await?;
    let listed = operator.json(&["sync", "list"]).await?;
    assert_eq!(listed[0]["overall_status"], "cancelled");

    let removed = operator.ok(&["sync", "remove", "people"]).await?;
    assert!(removed.contains("synced_emails"), "{removed}");
    assert_eq!(operator.json(&["sync", "list"]).await?, json!([]));
    assert_eq!(
        operator
            .db
            .count("select count(*) from baton.source_secrets")
            .await?,
        0
    );
    assert_eq!(
        operator
            .db
            .count("select count(*) from synced_emails")
            .await?,
        60
    );
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn a_token_comes_from_the_environment_too_and_goes_to_its_own_place_alone()
-> anyhow::Result<()> {
    let operator = Operator::new().await?;
    let source = Pages::start(2).await?;
    operator.add_people(&source).await?;
    let url = source.url();
    let add = |url| {
        [
            "--json",
            "sync",
            "add",
            "people",
            "--json-pages",
            url,
            "--records",
            "/records",
        ]
    };
    let with_token = |url| [&add(url)[..], &["--token"]].concat();

    let (code, changed, said) = operator
        .run_with(&with_token(&url), Some(NEW_TOKEN))
        .await?;
    assert_eq!(code, 0, "{said}");
    assert_eq!(serde_json::from_str::<Value>(&changed)?["created"], false);
    assert_eq!(operator.stored_token().await?.as_deref(), Some(NEW_TOKEN));
    operator.ok(&with_token(&url)).await?;
    assert_eq!(
        operator.stored_token().await?.as_deref(),
        Some(NEW_TOKEN),
        "it is kept"
    );
    for args in [
        &add("https://b.example")[..],
        &with_token("https://b.example"),
    ] {
        let (code, _, said) = operator.run(args).await?;
        assert!(code == 1 && said.contains("help:"), "{args:?}: {said}");
    }
    assert_eq!(operator.stored_token().await?.as_deref(), Some(NEW_TOKEN));

    let allowed = format!("sync_hosts=http://127.0.0.1:{}", source.port());
    let up = operator
        .home
        .up(&operator.db, &["--variable", &allowed])
        .await?;
    source.break_page(0, Trouble::Refused);
    let (code, _, said) = operator.run(&["sync", "run", "--all", "--watch"]).await?;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("refuses the credentials (401)") && said.contains("takes a new password"),
        "{said}"
    );
    for args in [
        &["status"][..],
        &["sync", "list"],
        &["sync", "list", "people"],
        &["sync", "list", "--attempts"],
        &["sync", "list", "--failed"],
    ] {
        operator.ok(args).await?;
        operator.ok(&[&["--json"], args].concat()).await?;
    }
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn bad_input_is_refused_with_what_to_do() -> anyhow::Result<()> {
    let operator = Operator::new().await?;
    let source = Pages::start(1).await?;
    operator.add_people(&source).await?;
    let known = "`baton sync list`";
    for (args, expected) in [
        (&["sync", "run", "nobody"][..], known),
        (&["sync", "run", "people", "nobody"], known),
        (&["sync", "list", "nobody"], known),
        (&["sync", "retry", "nobody"], known),
        (&["sync", "retry", "people"], known),
        (&["sync", "drop", "nobody"], known),
        (&["sync", "cancel", "nobody"], known),
        (&["sync", "cancel", "people"], known),
        (&["sync", "remove", "nobody"], known),
        (&["sync", "run"], "<NAME>"),
        (
            &["sync", "add", "x", "--json-pages", "example.com"],
            "https://",
        ),
        (
            &["sync", "add", "a name", "--json-pages", "https://a.example"],
            "letters from a to z",
        ),
        (
            &[
                "sync",
                "add",
                "x",
                "--json-pages",
                "https://a.example",
                "--records",
                "items",
            ],
            "begins with a slash",
        ),
        (
            &[
                "sync",
                "add",
                "x",
                "--json-pages",
                "https://a.example",
                "--token",
                "--secret-file",
                "absent",
            ],
            "absent",
        ),
        (
            &[
                "sync",
                "add",
                "--jmap",
                "https://a.example",
                "--user",
                "alice",
            ],
            "BATON_SYNC_SECRET",
        ),
        (&["wake", "pg_net"], "help:"),
        (&["wake", "listen", "--url", "https://a.example"], "pg_net"),
        (&["wake", "loudly"], "listen"),
    ] {
        let (code, shown, said) = operator.run(args).await?;
        assert_ne!(code, 0, "{args:?}");
        assert!(
            shown.is_empty() && said.contains(expected),
            "{args:?}: {shown}{said}"
        );
    }
    let (code, _, said) = operator
        .run(&[
            "sync",
            "add",
            "x",
            "--json-pages",
            &format!("https://u:{TOKEN}@a.example"),
        ])
        .await?;
    assert!(code == 1 && said.contains("BATON_SYNC_SECRET"), "{said}");
    assert_eq!(
        operator
            .db
            .count("select count(*) from baton.sync_jobs")
            .await?,
        0
    );
    assert_eq!(
        operator
            .db
            .count("select count(*) from baton.sources")
            .await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn the_way_of_waking_is_shown_and_set() -> anyhow::Result<()> {
    let operator = Operator::new().await?;
    assert_eq!(
        operator.json(&["wake"]).await?,
        json!({ "wake": "listen", "url": null })
    );
    for mode in ["none", "listen"] {
        assert_eq!(operator.json(&["wake", mode]).await?["wake"], mode);
        assert_eq!(operator.json(&["wake"]).await?["wake"], mode);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_travels_in_a_header_field_or_is_masked_in_the_address() -> anyhow::Result<()> {
    let operator = Operator::new().await?;
    let source = Pages::start(1).await?;
    let up = operator
        .home
        .up(
            &operator.db,
            &["--variable", "sync_hosts=http://127.0.0.1:*"],
        )
        .await?;
    let add = [
        "sync",
        "add",
        "people",
        "--records",
        "/records",
        "--page-param",
        "page",
        "--pages",
        "/pages",
        "--json-pages",
    ];
    let url = source.url();
    let line = format!("X-API-Key: {TOKEN}");
    let (code, shown, said) = {
        let mut command = operator.home.command(
            &operator.db,
            &[&add[..], &[&url, "--header", &line]].concat(),
        )?;
        let out = command.output().await?;
        (
            out.status.code(),
            String::from_utf8(out.stdout)?,
            String::from_utf8(out.stderr)?,
        )
    };
    assert!(code == Some(1) && shown.is_empty(), "{shown}");
    assert!(
        said.contains("give --header X-API-Key without a value") && !said.contains(TOKEN),
        "{said}"
    );

    let keyed = [
        &add[..],
        &[
            &url,
            "--header",
            "X-API-Key",
            "--header",
            "Accept-Language: en",
        ],
    ]
    .concat();
    let (code, _, said) = operator.run_with(&keyed, Some(TOKEN)).await?;
    assert_eq!(code, 0, "{said}");
    let stored = operator.stored().await?.unwrap_or_default();
    assert!(is_sealed(&stored), "{stored}");
    let settings = operator
        .db
        .text("select settings::text from baton.sources")
        .await?
        .unwrap_or_default();
    assert!(
        settings.contains("X-API-Key") && !settings.contains(TOKEN),
        "{settings}"
    );
    operator.ok(&["sync", "run", "people", "--watch"]).await?;

    let secret = format!("{url}?api_key={TOKEN}");
    let args = [
        "--json",
        "sync",
        "add",
        "others",
        "--records",
        "/records",
        "--ignore-total",
        "--json-pages",
        &secret,
    ];
    let (code, shown, said) = operator.run(&args).await?;
    assert_eq!(code, 0, "{said}");
    assert_eq!(serde_json::from_str::<Value>(&shown)?["created"], true);
    assert!(
        said.contains("holds a secret in api_key") && said.contains("--header"),
        "{said}"
    );
    // Every output is held against the token.
    let (code, _, said) = operator.run(&["sync", "run", "others", "--watch"]).await?;
    assert_eq!(code, 1, "{said}");
    for args in [
        &["sync", "list"][..],
        &["sync", "list", "others"],
        &["sync", "list", "--failed"],
        &["status"],
    ] {
        operator.ok(args).await?;
        operator.ok(&[&["--json"], args].concat()).await?;
    }
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}
