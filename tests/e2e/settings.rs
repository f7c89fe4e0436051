use serde_json::json;

use crate::support::baton::Home;
use crate::support::db::Db;

#[tokio::test]
async fn settings_and_profiles_go_round_and_change_nothing_by_themselves() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let first = home.shown(&db, &["settings"]).await?;
    assert_eq!(first["profile"], "production");
    let settings = first["settings"].as_array().expect("they are a list");
    for it in settings {
        assert_eq!(it["value"], it["default"], "{it}");
        assert!(it["meaning"].as_str().is_some_and(|it| it.ends_with('.')));
    }
    let columns = "select attname::text from pg_attribute where attrelid = 'baton.settings'::regclass and attnum > 0
        and attname not in ('only_row', 'wake', 'wake_url', 'wake_secret', 'server_history', 'hold_revision') order by 1";
    let mut names: Vec<&str> = settings
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        db.list(columns, &[]).await?,
        "every setting is shown"
    );

    let before = db.text("select to_jsonb(s) from baton.settings s").await?;
    for it in settings {
        let value = it["value"]
            .as_str()
            .map_or_else(|| it["value"].to_string(), str::to_owned);
        let value = if it["value"].is_null() {
            "none".to_owned()
        } else {
            value
        };
        let change = format!("{}={value}", it["name"].as_str().unwrap_or_default());
        home.shown(&db, &["settings", "set", &change]).await?;
    }
    let after = db.text("select to_jsonb(s) from baton.settings s").await?;
    assert_eq!(before, after, "what is shown can be set");

    let demo = home.shown(&db, &["settings", "profile", "demo"]).await?;
    assert_eq!(
        demo,
        json!({ "auto_sync_reminder_after": "5 mins", "auto_sync_pause_after": "10 mins" })
    );
    for (args, profile) in [
        (&["settings"][..], "demo"),
        (
            &["settings", "set", "auto_sync_reminder_after=7 minutes"],
            "own",
        ),
        (&["settings", "profile", "production"], "production"),
        (
            &[
                "settings",
                "set",
                "auto_sync_reminder_after=1 day",
                "daily_cap=5",
            ],
            "production",
        ),
    ] {
        home.shown(&db, args).await?;
        assert_eq!(
            home.shown(&db, &["settings"]).await?["profile"],
            profile,
            "{args:?}"
        );
    }
    let (_, out, err) = home.run(&db, &["settings"]).await?;
    for expected in [
        "the profile production",
        "daily_cap = 5  (default: 3)",
        "quiet_from = 21:00  (default)",
        "follow_up_after = 7 days  (default)",
    ] {
        assert!(out.contains(expected), "{expected}: {out}{err}");
    }
    assert_eq!(
        db.text(
            "select count(*) > 0 and bool_and(who <> '') from baton.events where noun = 'settings'"
        )
        .await?
        .as_deref(),
        Some("true")
    );
    Ok(())
}

#[tokio::test]
async fn a_setting_that_cannot_be_is_refused_by_name_and_nothing_changes() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let all = "select to_jsonb(s) from baton.settings s";
    let before = db.text(all).await?;
    for (change, expected) in [
        ("daily_cap=0", "daily cap within 1 and 1000"),
        ("daily_cap=many", "invalid input syntax for type integer"),
        ("quiet_from=25:00", "quiet from is a time of day"),
        (
            "follow_up_after=soon",
            "invalid input syntax for type interval",
        ),
        ("follow_up_after=0 days", "follow up after is positive"),
        (
            "auto_sync_pause_after=1 hour",
            "auto sync pause comes after the reminder",
        ),
        ("default_zone=Mars/Olympus", "no time zone"),
        ("default_region=ch", "default region is two capital letters"),
        ("follow_up_text=Hello {{ event_name }}", "names event_name"),
        ("auto_sync_text=Hello {{ name", "auto_sync_text"),
        ("auto_sync_subject=", "is empty"),
        ("wake_secret=whsec_x", "wake_secret is not a setting"),
        ("nonsense=1", "nonsense is not a setting"),
    ] {
        let args = ["settings", "set", "runs_kept_for=9 days", change];
        let (code, out, err) = home.run(&db, &args).await?;
        let name = change.split('=').next().unwrap_or_default();
        assert_eq!((code, out.as_str()), (1, ""), "{change}: {err}");
        for expected in [expected, name, "help:"] {
            assert!(err.contains(expected), "{change}: {err}");
        }
    }
    assert_eq!(db.text(all).await?, before);
    let (code, _, err) = home.run(&db, &["settings", "profile", "rigid"]).await?;
    assert!(code != 0 && err.contains("production"), "{err}");
    Ok(())
}

#[tokio::test]
async fn quiet_hours_that_leave_a_numbering_plan_no_hour_are_warned_of() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    for (changes, expected) in [
        (
            &["quiet_from=18:00", "quiet_until=10:00"][..],
            Some("time zones of +1"),
        ),
        (&["quiet_until=08:30"], Some("+1")),
        (&["daily_cap=4"], None),
        (&["quiet_from=23:00", "quiet_until=07:00"], None),
        (&["quiet_from=00:00", "quiet_until=00:00"], None),
    ] {
        let (code, _, err) = home
            .run(&db, &[&["settings", "set"], changes].concat())
            .await?;
        assert_eq!(code, 0, "{err}");
        match expected {
            Some(expected) => {
                assert!(
                    err.contains(expected) && err.contains("help:"),
                    "{changes:?}: {err}"
                );
                assert!(!err.contains("+41"), "{changes:?}: {err}");
            }
            None => assert!(!err.contains("warning"), "{changes:?}: {err}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_long_is_warned_of_or_refused_with_its_size() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    for (text, code, expected) in [
        ("Hello {{ name }}".to_owned(), 0, None),
        (
            "Hello {{ name }} 🙂 ".repeat(5),
            0,
            Some("segments in UCS-2"),
        ),
        (
            "🙂".repeat(1_817),
            1,
            Some("1817 characters, 55 segments in UCS-2"),
        ),
    ] {
        let change = format!("follow_up_text={text}");
        let (its_code, _, err) = home.run(&db, &["settings", "set", &change]).await?;
        assert_eq!(its_code, code, "{err}");
        assert_eq!(err.contains("segments"), expected.is_some(), "{err}");
        assert!(err.contains(expected.unwrap_or_default()), "{err}");
    }
    Ok(())
}
