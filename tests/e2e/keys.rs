use std::path::PathBuf;

use baton::webhook;
use serde_json::{Value, json};

use crate::support::app::post_with;
use crate::support::baton::Home;
use crate::support::db::Db;
use crate::support::http::Http;
use crate::support::until;

/// A sound secret, and no deployment's.
const OTHER_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct Keys {
    db: Db,
    home: Home,
}

impl Keys {
    async fn new() -> anyhow::Result<Keys> {
        Ok(Keys {
            db: Db::new().await?,
            home: Home::new()?,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(".baton").join(name)
    }

    /// The live values in a file.
    fn live(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let text = std::fs::read_to_string(self.file(name))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// `baton --json keys ARGS`: exit code, document and all that was said, which must show no key of a file.
    async fn run(&self, args: &[&str]) -> anyhow::Result<(i32, Value, String)> {
        let known: Vec<String> = ["service-key", "webhook-secret"]
            .iter()
            .flat_map(|it| self.live(it).unwrap_or_default())
            .collect();
        let (code, out, err) = self
            .home
            .run(&self.db, &[&["--json", "keys"], args].concat())
            .await?;
        let now = ["service-key", "webhook-secret"]
            .iter()
            .flat_map(|it| self.live(it).unwrap_or_default());
        for key in now.chain(known) {
            assert!(
                !format!("{out}{err}").contains(&key),
                "{args:?}: {out}{err}"
            );
        }
        Ok((code, serde_json::from_str(&out).unwrap_or(Value::Null), err))
    }
}

/// The status of a request with this key.
async fn with_key(url: &str, key: &str) -> anyhow::Result<u16> {
    let url = format!("{url}/jobs/process-chunks");
    Ok(Http::new()
        .send("POST", &url, &format!("Bearer {key}"), "")
        .await?
        .0)
}

/// The status of a request that this secret signs.
async fn signed(url: &str, secret: &str) -> anyhow::Result<u16> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a signature has the time of its sender"
    )]
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs();
    let signature = webhook::sign(&webhook::secrets(secret)?, "msg_1", now, b"");
    let (at, url) = (now.to_string(), format!("{url}/jobs/process-chunks"));
    let headers = [
        (webhook::ID, "msg_1"),
        (webhook::TIMESTAMP, at.as_str()),
        (webhook::SIGNATURE, signature.as_str()),
    ];
    Ok(post_with(&url, &headers, "").await?.0)
}

#[tokio::test]
async fn keys_rotate_while_the_host_runs_and_no_caller_is_refused() -> anyhow::Result<()> {
    let keys = Keys::new().await?;
    let up = keys.home.up(&keys.db, &["--dns", "off"]).await?;
    let [key, secret] = ["service-key", "webhook-secret"].map(|it| keys.live(it));
    let (key, secret) = (key?.remove(0), secret?.remove(0));

    // Whoever reads the file presents its first line.
    let calling = async {
        loop {
            let key = keys.live("service-key")?.remove(0);
            let secret = keys.live("webhook-secret")?.remove(0);
            assert_ne!(with_key(&up.url, &key).await?, 401);
            assert_ne!(signed(&up.url, &secret).await?, 401);
        }
    };
    let (code, rotated, err) = tokio::select! {
        rotated = keys.run(&["rotate"]) => rotated?,
        failed = calling => return failed,
    };
    assert_eq!(code, 0, "{err}");
    for (at, name) in ["service", "webhook"].into_iter().enumerate() {
        assert_eq!(
            (
                &rotated[at]["key"],
                &rotated[at]["live"],
                &rotated[at]["accepted_by"]
            ),
            (&json!(name), &json!(2), &json!(up.url)),
            "{rotated}"
        );
    }
    let [new_keys, new_secrets] = ["service-key", "webhook-secret"].map(|it| keys.live(it));
    let (new_keys, new_secrets) = (new_keys?, new_secrets?);
    assert_eq!((&new_keys[1], &new_secrets[1]), (&key, &secret));
    for (key, secret) in new_keys.iter().zip(&new_secrets) {
        assert_eq!(with_key(&up.url, key).await?, 200);
        assert_eq!(signed(&up.url, secret).await?, 200);
    }

    let (code, _, err) = keys.run(&["rotate", "service"]).await?;
    assert!(
        code == 1 && err.contains("live already") && err.contains("retire"),
        "{err}"
    );
    assert_eq!(keys.live("service-key")?, new_keys);

    let (code, retired, err) = keys.run(&["retire"]).await?;
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        (&retired[0]["refused_by"], &retired[1]["refused_by"]),
        (&json!(up.url), &json!(up.url))
    );
    assert_eq!(with_key(&up.url, &key).await?, 401);
    assert_eq!(signed(&up.url, &secret).await?, 401);
    assert_eq!(with_key(&up.url, &new_keys[0]).await?, 200);
    assert_eq!(signed(&up.url, &new_secrets[0]).await?, 200);

    // The host's own wakes present the new key.
    keys.db.add_many_contacts(5).await?;
    until("a wake has validated all", async || {
        let left = "select count(*) from contacts where email_validation_status is null";
        Ok((keys.db.count(left).await? == 0).then_some(()))
    })
    .await?;
    let (code, again, err) = keys.run(&["retire"]).await?;
    assert_eq!((code, &again[0]["retired"]), (0, &json!(false)), "{err}");
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn ticks_of_the_host_present_the_new_key_too() -> anyhow::Result<()> {
    let keys = Keys::new().await?;
    let args = ["--tick-every", "1", "--no-wakes", "--dns", "off"];
    let up = keys.home.up_ticking(&keys.db, &args).await?;
    for args in [&["rotate", "service"], &["retire", "service"]] {
        let (code, _, err) = keys.run(args).await?;
        assert_eq!(code, 0, "{err}");
    }
    keys.db.add_many_contacts(5).await?;
    until("a tick has validated all", async || {
        let left = "select count(*) from contacts where email_validation_status is null";
        Ok((keys.db.count(left).await? == 0).then_some(()))
    })
    .await?;
    let (code, out, err) = keys.home.run(&keys.db, &["tick"]).await?;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn without_a_host_keys_change_in_their_files() -> anyhow::Result<()> {
    let keys = Keys::new().await?;
    let (_, listed, err) = keys.run(&["list"]).await?;
    assert_eq!(
        (&listed[0]["live"], &listed[1]["live"]),
        (&json!(0), &json!(0)),
        "{err}"
    );
    for live in [1, 2] {
        let (code, rotated, err) = keys.run(&["rotate", "service"]).await?;
        assert_eq!((code, &rotated[0]["live"]), (0, &json!(live)), "{err}");
        assert_eq!(keys.live("service-key")?.len(), live);
    }
    let (_, listed, _) = keys.run(&["list"]).await?;
    assert_eq!(listed[0]["live"], 2);
    assert!(listed[0]["made_at"].is_string() && listed[0]["file"].is_string());
    let newest = keys.live("service-key")?.remove(0);
    assert_eq!(keys.run(&["retire", "service"]).await?.0, 0);
    assert_eq!(keys.live("service-key")?, [newest]);

    std::fs::write(keys.file("service-key"), "a tiny key\n")?;
    let (code, _, err) = keys.run(&["rotate", "service"]).await?;
    assert!(code == 1 && err.contains("shorter than 16 bytes"), "{err}");
    assert_eq!(keys.live("service-key")?, ["a tiny key"]);
    Ok(())
}

#[tokio::test]
async fn a_key_that_the_environment_gives_is_made_for_it_and_written_nowhere() -> anyhow::Result<()>
{
    let keys = Keys::new().await?;
    let given = "0123456789abcdef0123456789abcdef";
    let mut command = keys
        .home
        .command(&keys.db, &["--json", "keys", "rotate", "service"])?;
    let out = command
        .env("SPIN_VARIABLE_SERVICE_KEY", given)
        .output()
        .await?;
    let said = String::from_utf8(out.stdout)?;
    let new = serde_json::from_str::<Value>(&said)?[0]["new"].clone();
    assert!(
        new.as_str().is_some_and(|it| it.len() == 64) && !said.contains(given),
        "{said}"
    );
    assert!(!keys.file("service-key").exists());

    // Given to the host alone, which says so.
    std::fs::write(keys.file("service-key"), "a key of another time\n")?;
    let variable = format!("service_key={given}");
    let up = keys.home.up(&keys.db, &["--variable", &variable]).await?;
    assert_eq!(with_key(&up.url, given).await?, 200);
    let (_, listed, _) = keys.run(&["list"]).await?;
    assert_eq!(
        (&listed[0]["file"], &listed[0]["live"]),
        (&Value::Null, &Value::Null)
    );
    let (code, rotated, err) = keys.run(&["rotate", "service"]).await?;
    assert!(code == 0 && rotated[0]["new"].is_string(), "{err}");
    assert_eq!(keys.live("service-key")?, ["a key of another time"]);
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}

#[tokio::test]
async fn the_database_signs_with_the_new_secret_once_the_deployment_takes_it() -> anyhow::Result<()>
{
    let keys = Keys::new().await?;
    keys.db
        .owner
        .batch_execute(
            "create schema net; grant usage on schema net to public;
             create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
               timeout_milliseconds int default 5000) returns bigint language sql as 'select 1::bigint'",
        )
        .await?;
    let up = keys.home.up(&keys.db, &["--no-wakes"]).await?;
    let wake_by = async |url: &str| -> anyhow::Result<()> {
        let (code, _, err) = keys
            .home
            .run(&keys.db, &["wake", "pg_net", "--url", url])
            .await?;
        assert_eq!(code, 0, "{err}");
        Ok(())
    };
    let signs_with = || keys.db.text("select wake_secret from baton.settings");
    wake_by(&up.url).await?;
    let (code, rotated, err) = keys.run(&["rotate", "webhook"]).await?;
    assert_eq!(
        (code, &rotated[0]["wakes"]["status"]),
        (0, &json!("signed")),
        "{err}"
    );
    assert_eq!(
        signs_with().await?,
        keys.live("webhook-secret")?.first().cloned()
    );
    assert_eq!(keys.run(&["retire", "webhook"]).await?.0, 0);

    // A deployment elsewhere gets its variable from a person.
    wake_by("http://127.0.0.1:1").await?;
    let before = signs_with().await?;
    let (code, rotated, err) = keys.run(&["rotate", "webhook"]).await?;
    assert_eq!(
        (code, &rotated[0]["wakes"]["status"]),
        (0, &json!("waiting")),
        "{err}"
    );
    assert_eq!(signs_with().await?, before);
    let (code, _, err) = keys.run(&["retire", "webhook"]).await?;
    assert!(
        code == 1 && err.contains("signs its wakes with the old secret"),
        "{err}"
    );
    assert_eq!(keys.live("webhook-secret")?.len(), 2);
    wake_by("http://127.0.0.1:1").await?;
    assert_eq!(
        signs_with().await?,
        keys.live("webhook-secret")?.first().cloned()
    );
    assert_eq!(keys.run(&["retire", "webhook"]).await?.0, 0);

    // And where the database cannot be asked, nothing keeps the key from rotating.
    let mut command = keys
        .home
        .command(&keys.db, &["--json", "keys", "rotate", "webhook"])?;
    let unreachable = "postgres://nobody@127.0.0.1:1/nowhere";
    let out = command.env("DATABASE_URL", unreachable).output().await?;
    let rotated: Value = serde_json::from_slice(&out.stdout)?;
    assert_eq!(rotated[0]["wakes"]["status"], "unseen");
    assert_eq!(keys.live("webhook-secret")?.len(), 2);
    assert_eq!(signed(&up.url, OTHER_SECRET).await?, 401);
    assert_eq!(up.interrupt().await?, Some(130));
    Ok(())
}
