use serde_json::Value;

use crate::support::baton::Home;
use crate::support::db::Db;

/// A message of each kind; the number at the end of its key is that of its line.
const MESSAGES: &str = "insert into baton.messages (id, job, purpose, subject_id, recipient_id, period_start, channel, recipient, address, body,
    status, reason, due_at, submitting_at, ended_at)
  select ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'follow-up-reminders', 'follow_up', n::text, 'mentor', now(), 'sms',
         '079 000 00 0' || n, '+4179000000' || n, 'Hello ' || n, status, reason, now() + due,
         case when status not in ('reserved', 'failed') then now() end, case when status in ('delivered', 'failed') then now() end
  from (values (1, 'reserved', 'quiet_hours', interval '3 hours'), (2, 'reserved', 'no_provider', interval '1 hour'),
               (3, 'unknown', 'worker_died', null), (4, 'delivered', null, null), (5, 'failed', 'invalid_number', null)) m(n, status, reason, due)";

fn id(n: u8) -> String {
    format!("00000000-0000-7000-8000-00000000000{n}")
}

/// The last digits of the keys of the messages that `baton messages ARGS` lists.
async fn listed(home: &Home, db: &Db, args: &[&str]) -> anyhow::Result<String> {
    let (code, out, err) = home
        .run(db, &[&["--json", "messages"], args].concat())
        .await?;
    assert_eq!(code, 0, "{args:?}: {err}");
    let shown: Value = serde_json::from_str(&out)?;
    let messages = shown["messages"].as_array().into_iter().flatten();
    let ids = messages.filter_map(|it| it["id"].as_str()?.chars().last());
    Ok(ids.collect())
}

#[tokio::test]
async fn an_operator_sees_why_messages_wait_and_decides_about_the_unknown() -> anyhow::Result<()> {
    let (db, home) = (Db::new().await?, Home::new()?);
    let (code, out, err) = home.run(&db, &["messages"]).await?;
    assert!(code == 0 && out.contains("no messages yet"), "{out}{err}");
    db.owner.batch_execute(MESSAGES).await?;
    for (args, expected) in [
        (&[][..], "54321"),
        (&["--limit", "2"], "54"),
        (&["--held"], "21"),
        (&["--unknown"], "3"),
        (&["--status", "delivered"], "4"),
        (&["--to", "+41790000005"], "5"),
        (&["--to", "079 000 00 01"], "1"),
        (&["--status", "submitted"], ""),
    ] {
        assert_eq!(listed(&home, &db, args).await?, expected, "{args:?}");
    }
    let (_, out, _) = home.run(&db, &["messages", "--held"]).await?;
    for expected in [
        "It is night where the recipient is.",
        "in 2 h",
        "No provider is set",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    let (_, out, err) = home.run(&db, &["status"]).await?;
    for expected in [
        "1 message: may have gone out or not",
        "1 message: wait in the outbox",
    ] {
        assert!(out.contains(expected), "{expected}: {out}{err}");
    }
    let (_, out, _) = home.run(&db, &["messages", "show", &id(3)]).await?;
    for expected in [
        "Hello 3",
        "+41790000003",
        "079 000 00 03",
        "Its sender died",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }

    for (n, resolution, code, expected) in [
        (3, "delivered", 0, "counts as delivered"),
        (5, "again", 0, "goes out once more"),
        (1, "failed", 0, "will not go out"),
        (
            4,
            "again",
            1,
            "is delivered and cannot be resolved as again",
        ),
        (9, "again", 1, "there is no message"),
        (4, "perhaps", 2, "possible values"),
    ] {
        let args = ["messages", "resolve", &id(n), resolution];
        let (its_code, out, err) = home.run(&db, &args).await?;
        assert_eq!(its_code, code, "{args:?}: {err}");
        assert!(
            format!("{out}{err}").contains(expected),
            "{args:?}: {out}{err}"
        );
    }
    assert_eq!(
        db.list("select status from baton.messages order by id", &[])
            .await?,
        ["failed", "reserved", "delivered", "delivered", "reserved"]
    );
    Ok(())
}
