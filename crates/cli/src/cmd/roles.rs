use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;
use stack::database::{Address, Database};
use stack::{context::Context, home::Home, roles, secret};
use terminal::{advice, output};

/// How it is used.
pub(crate) const EXAMPLES: &str = "Examples:
  baton roles                                   shows the roles; changes nothing
  baton roles set-passwords --env-file .env     for Spin: lets components log in, and writes their variables
  baton roles sql                               what an administrator runs, where you may not create roles";

/// What `roles` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Set the passwords of all roles, and print the variables with which components log in.
    #[command(
        after_help = "Example:\n  DATABASE_URL=postgres://owner@db/app baton roles set-passwords --env-file .env"
    )]
    SetPasswords(SetPasswords),
    /// Print the statements that create the roles of a database that has none yet.
    #[command(after_help = "Example:\n  baton roles sql")]
    Sql,
}

#[derive(Debug, clap::Args)]
struct SetPasswords {
    /// Also replace passwords that are set; every host that uses them fails at its next connection.
    #[arg(long)]
    replace: bool,
    /// Write the variables to this file, which only its owner may read; its other lines stay.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

/// Shows the roles with which components log in, or sets their passwords.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    match args.command {
        None => Database::look(context, &home, async |it| show(it, context).await).await,
        Some(Command::SetPasswords(args)) => {
            Database::with(context, &home, async |it| {
                set(&args, it, &home, context).await
            })
            .await
        }
        Some(Command::Sql) => {
            Database::look(context, &home, async |it| sql(it, &home, context).await).await
        }
    }
}

async fn show(database: &Database, context: &Context) -> Result<()> {
    let roles = roles::read(&database.connect().await?).await?;
    context.output.result(&roles, || {
        let rows = roles.iter().map(|it| {
            let password = match (&it.password_set_at, &it.password_set_by) {
                (Some(at), Some(by)) => format!("set {at} by {by}"),
                _ => "not set by Baton".to_owned(),
            };
            [
                it.component.clone(),
                it.name.clone(),
                password,
                it.sessions.to_string(),
            ]
        });
        output::table(["COMPONENT", "ROLE", "PASSWORD", "SESSIONS"], rows)
    })
}

async fn set(
    args: &SetPasswords,
    database: &Database,
    home: &Home,
    context: &Context,
) -> Result<()> {
    let mut owner = database.connect().await?;
    stack::migrate(&mut owner).await?;
    let address = database.address();
    let mut variables = BTreeMap::from(stack::database_variables(address)?);
    variables.insert("pg_ca".to_owned(), ca(address)?);
    let who = &context.common.who;
    variables.extend(match args.replace {
        true => roles::replace(home, &owner, who).await?,
        false => roles::log_in(home, address, &owner, &BTreeMap::new(), who).await?,
    });
    match &args.env_file {
        Some(file) => {
            write(file, &variables)?;
            let document =
                json!({ "file": file, "variables": variables.keys().collect::<Vec<_>>() });
            context.output.result(&document, || {
                format!(
                    "Components can log in. {} variables are in {}.",
                    variables.len(),
                    file.display()
                )
            })
        }
        None => context.output.result(&variables, || lines(&variables)),
    }
}

/// The certificate to hand to components, which take one.
fn ca(address: &Address) -> Result<String> {
    let Some(file) = address.root_cert() else {
        return Ok(String::new());
    };
    let pem = std::fs::read_to_string(file)?;
    if pem.matches("-----BEGIN CERTIFICATE-----").count() == 1 {
        return Ok(pem.trim().to_owned());
    }
    output::note(&format!(
        "{file} has several certificates, and a component takes one: set SPIN_VARIABLE_PG_CA to the one that signed the \
         server's, or run Spin with SSL_CERT_FILE={file}."
    ));
    Ok(String::new())
}

fn lines(variables: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        // A string can always be written to.
        _ = writeln!(text, "{}", line(name, value));
    }
    text.trim_end().to_owned()
}

fn line(name: &str, value: &str) -> String {
    let value = value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('$', r"\$")
        .replace('\n', r"\n");
    format!("SPIN_VARIABLE_{}=\"{value}\"", name.to_ascii_uppercase())
}

/// Puts the variables in place of earlier ones, and keeps what else the file has.
fn write(file: &Path, variables: &BTreeMap<String, String>) -> Result<()> {
    let before = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(advice::with(
                format!("reading {}", file.display()),
                "check the permissions of the file",
            )(error));
        }
    };
    let is_ours = |line: &str| {
        let name = line.split('=').next().unwrap_or_default().trim();
        let name = name.strip_prefix("SPIN_VARIABLE_").unwrap_or_default();
        variables.contains_key(&name.to_ascii_lowercase())
    };
    let mut text: String = before
        .lines()
        .filter(|it| !is_ours(it))
        .map(|it| format!("{it}\n"))
        .collect();
    text.push_str(&lines(variables));
    secret::replace(file, &text)
}

async fn sql(database: &Database, home: &Home, context: &Context) -> Result<()> {
    let components = home.components()?.into_iter().map(|(name, _)| name);
    let names: Vec<String> = components
        .chain(["viewer".to_owned()])
        .map(|it| it.replace('-', "_"))
        .collect();
    let client = database.connect().await?;
    // Names as baton.component_role makes them; the database may have no schema yet.
    let rows = client
        .query(
            "select format('create role %I nologin;', case when octet_length(f.name) <= 63 then f.name
                else 'baton_' || left(md5(current_database()), 12) || '_' || c.component end)
             from unnest($1::text[]) as c(component), lateral (select 'baton_' || current_database() || '_' || c.component) as f(name)",
            &[&names],
        )
        .await?;
    let statements: Vec<String> = rows.iter().map(|it| it.get(0)).collect();
    context.output.result(&statements, || statements.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was() {
        for value in [
            "plain",
            "with blank",
            "q\"uote",
            r"back\slash",
            "$HOME",
            "-----BEGIN\nX\n-----END",
        ] {
            let text = line("pg_ca", value);
            let read: Vec<_> = dotenvy::from_read_iter(text.as_bytes())
                .collect::<Result<_, _>>()
                .expect(&text);
            assert_eq!(read, [("SPIN_VARIABLE_PG_CA".to_owned(), value.to_owned())]);
        }
    }

    #[test]
    fn a_file_keeps_its_other_lines() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join(".env");
        std::fs::write(&file, "# mine\nSPIN_VARIABLE_PG_HOST=old\nOTHER=1\n")
            .expect("it is writable");
        let variables = BTreeMap::from([("pg_host".to_owned(), "new".to_owned())]);
        for _ in 0..2 {
            write(&file, &variables).expect("it is writable");
            let text = std::fs::read_to_string(&file).expect("it was written");
            assert_eq!(text, "# mine\nOTHER=1\nSPIN_VARIABLE_PG_HOST=\"new\"\n");
        }
    }
}
