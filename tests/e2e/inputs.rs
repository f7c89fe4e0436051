use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::Context as _;
use loopback_resolver::LoopbackResolver;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::support::baton::Home;
use crate::support::db::Db;

/// Validates a file offline: standard output and standard error.
async fn validated(db: &Db, csv: &[u8], args: &[&str]) -> anyhow::Result<(String, String)> {
    let home = Home::new()?;
    std::fs::write(home.path().join("in.csv"), csv)?;
    let args = [&["validate", "in.csv", "--offline"], args].concat();
    let (code, out, err) = home.run(db, &args).await?;
    anyhow::ensure!(code == 0, "{err}");
    Ok((out, err))
}

#[tokio::test]
async fn exports_of_address_books_are_read_at_the_first_try() -> anyhow::Result<()> {
    let db = Db::new().await?;
    for (name, csv, expected) in [
        (
            "Google",
            "First Name,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value\nAnn,* Home,ann@firma.de,,\nBo,,,Work,bo@firma.de\n",
            vec!["E-mail 1 - Value", "E-mail 2 - Value"],
        ),
        (
            "Outlook",
            "Title,First Name,E-mail Address,E-mail Type,E-mail Display Name,E-mail 2 Address\n,Ann,ann@firma.de,SMTP,Ann (ann@firma.de),\n",
            vec!["E-mail Address"],
        ),
        (
            "Outlook in Spanish",
            "Nombre;Correo electr\u{f3}nico;Tipo de correo electr\u{f3}nico\nAna;ana@firma.es;SMTP\n",
            vec!["Correo electr\u{f3}nico"],
        ),
        (
            "LinkedIn",
            "Notes:\n\"When exporting, you may notice that some addresses are missing.\"\n\nFirst Name,URL,Email Address\nAnn,https://x,ann@firma.de\n",
            vec!["Email Address"],
        ),
        (
            "Mailchimp",
            "\"Email Address\",\"First Name\",OPTIN_TIME,MEMBER_RATING\nann@firma.de,Ann,\"2026-01-01 10:00:00\",3\n",
            vec!["Email Address"],
        ),
        (
            "HubSpot",
            "Record ID,First Name,Email,Email Domain,Contact owner email,Marketing emails confirmation status\n1,Ann,ann@firma.de,firma.de,boss@firma.de,\n",
            vec!["Email"],
        ),
        (
            "Salesforce",
            "\"Contact ID\",\"Mailing Street\",\"Email\",\"Email Opt Out\",\"Email Bounced Date\"\n1,Road 1,ann@firma.de,0,\n",
            vec!["Email"],
        ),
        (
            "a list without a name",
            "Member,Contact\nAnn,Ann Lee <ann@firma.de>\n",
            vec!["Contact"],
        ),
    ] {
        let (out, err) = validated(&db, csv.as_bytes(), &["--json"]).await?;
        let found: Value = serde_json::from_str(&out).with_context(|| format!("{name}: {out}"))?;
        assert_eq!(
            found["columns"],
            serde_json::json!(expected),
            "{name}: {err}"
        );
        assert_eq!(
            found["verdicts"]["undeliverable"],
            Value::Null,
            "{name}: {out}"
        );
        assert_ne!(
            found["verdicts"]["deliverable"],
            Value::Null,
            "{name}: {out}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn no_character_is_lost_whatever_the_encoding() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    std::fs::write(
        home.path().join("in.csv"),
        b"name;email\nJ\xf6rg;joerg@firma.de\nAna;j\xf6rg@firma.de\n",
    )?;
    let (code, out, err) = home.run(&db, &["import", "in.csv"]).await?;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("in.csv is in windows-1252"), "{err}");
    assert!(out.contains("Imported 2 contacts"), "{out}");
    let utf16: Vec<u8> = "email;name\nzo\u{eb}@firma.de;Zo\u{eb}\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(home.path().join("in.csv"), utf16)?;
    let (code, _, err) = home.run(&db, &["import", "in.csv"]).await?;
    assert_eq!(code, 0, "{err}");
    std::fs::write(home.path().join("in.csv"), "email\nj\u{fffd}rg@firma.de\n")?;
    let (code, out, err) = home.run(&db, &["import", "in.csv"]).await?;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Imported 0 contacts"), "{out}");
    let emails = db
        .list("select email from contacts order by 1", &[])
        .await?;
    assert_eq!(
        emails,
        ["joerg@firma.de", "j\u{f6}rg@firma.de", "zo\u{eb}@firma.de"]
    );

    std::fs::write(home.path().join("in.csv"), b"email\nj\xf6rg@firma.de\n")?;
    let args = ["import", "in.csv", "--encoding", "utf-8"];
    let (code, _, err) = home.run(&db, &args).await?;
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("line 2") && err.contains("--encoding"),
        "{err}"
    );
    Ok(())
}

#[tokio::test]
async fn names_are_left_out_when_addresses_are_imported() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let csv = "Contact\nAnn Lee <ann@Firma.de>\nann@firma.de\nmailto:bo@firma.de\n";
    std::fs::write(home.path().join("in.csv"), csv)?;
    let (code, out, err) = home.run(&db, &["import", "in.csv"]).await?;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("Imported 2 contacts") && out.contains("Duplicates, left out: 1"),
        "{out}"
    );
    let emails = db
        .list("select email from contacts order by 1", &[])
        .await?;
    assert_eq!(emails, ["ann@firma.de", "bo@firma.de"]);
    Ok(())
}

#[tokio::test]
async fn a_column_without_addresses_is_not_taken_in_silence() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let (_, err) = validated(&db, b"email\nnone\nneither\n", &[]).await?;
    assert!(err.contains("None of the fields is an address"), "{err}");
    let (_, err) = validated(&db, b"Name,Email Opt In\nann@firma.de,yes\n", &[]).await?;
    assert!(err.contains("\"Name\", by its content"), "{err}");
    let home = Home::new()?;
    std::fs::write(home.path().join("in.csv"), "Name,Kunden-E-Mail\nAnn,ja\n")?;
    let (code, _, err) = home.run(&db, &["validate", "in.csv", "--offline"]).await?;
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("hold no addresses") && err.contains("--column"),
        "{err}"
    );
    Ok(())
}

#[tokio::test]
async fn an_output_that_cannot_be_written_is_noticed_before_the_work() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    let dns = LoopbackResolver::start().await?;
    std::fs::write(home.path().join("in.csv"), "email\nann@firma.de\n")?;
    for output in ["absent/out.csv", "."] {
        let args = ["validate", "in.csv", "-o", output, "--resolver", &dns.url()];
        let (code, _, err) = home.run(&db, &args).await?;
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(output) && err.contains("help:"), "{err}");
    }
    assert_eq!(dns.asked_in_all(), 0, "nothing was validated");
    let files: Vec<_> = std::fs::read_dir(home.path())?
        .filter_map(|it| it.ok()?.file_name().into_string().ok())
        .filter(|it| it.starts_with(".baton-"))
        .collect();
    assert_eq!(files, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let home = Home::new()?;
    // More than a pipe holds.
    let rows: String = (0..5_000).map(|it| format!("a{it}@firma.de\n")).collect();
    std::fs::write(home.path().join("in.csv"), format!("email\n{rows}"))?;
    let mut command = home.command(&db, &["validate", "in.csv", "--offline"])?;
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut out = child.stdout.take().context("standard output is piped")?;
    let mut first = [0; 5];
    out.read_exact(&mut first).await?;
    assert_eq!(&first, b"email");
    drop(out);
    let ended = child.wait_with_output().await?;
    let err = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{err}");
    assert!(!err.contains("error") && !err.contains("help"), "{err}");
    Ok(())
}

#[tokio::test]
async fn standard_output_is_one_json_document_with_json() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let csv = b"email,note\nann@firma.de,\"a \"\"b\"\"\"\n,\ninfo@firma.de,\n";
    let (out, _) = validated(&db, csv, &["--json"]).await?;
    let document: Value = serde_json::from_str(&out)?;
    let results = document["results"].as_array().context("it has results")?;
    let verdicts: Vec<(u64, &str)> = results
        .iter()
        .filter_map(|it| Some((it["row"].as_u64()?, it["reason"].as_str()?)))
        .collect();
    assert_eq!(
        verdicts,
        [(1, "not_checked"), (2, "no_address"), (3, "role")]
    );
    assert_eq!(document["rows"], 3);
    let (out, _) = validated(&db, b"email\n", &["--json"]).await?;
    let document: Value = serde_json::from_str(&out)?;
    assert_eq!(document["results"], serde_json::json!([]));

    let home = Home::new()?;
    let (code, out, err) = home.run(&db, &["export", "--json"]).await?;
    assert_eq!(
        (code, serde_json::from_str(&out)?),
        (0, serde_json::json!([])),
        "{err}"
    );
    db.add_contacts(&["ann@firma.de", "b\"o@firma.de"]).await?;
    let (_, out, _) = home.run(&db, &["export", "--json"]).await?;
    let contacts: Vec<BTreeMap<String, Value>> = serde_json::from_str(&out)?;
    let emails: Vec<&str> = contacts
        .iter()
        .filter_map(|it| it["email"].as_str())
        .collect();
    assert_eq!(emails, ["ann@firma.de", "b\"o@firma.de"]);
    Ok(())
}

#[tokio::test]
async fn allowed_domains_are_on_no_list() -> anyhow::Result<()> {
    let db = Db::new().await?;
    let csv = b"email\nann@gmial.com\nann@mailinator.com\nann@x.invalid\n";
    let (out, _) = validated(&db, csv, &["--json"]).await?;
    let document: Value = serde_json::from_str(&out)?;
    assert_eq!(
        document["reasons"],
        serde_json::json!({"likely_typo": 1, "disposable": 1, "reserved_domain": 1})
    );
    let allow = [
        "--json",
        "--allow",
        "gmial.com",
        "--allow",
        "mailinator.com",
        "--allow",
        "invalid",
    ];
    let (out, _) = validated(&db, csv, &allow).await?;
    let document: Value = serde_json::from_str(&out)?;
    assert_eq!(document["reasons"], serde_json::json!({"not_checked": 3}));
    Ok(())
}
