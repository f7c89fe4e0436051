use std::path::PathBuf;

use anyhow::Result;
use process_chunks::source::header::SECRET_HEADER;
use process_chunks::source::origin::API_ORIGIN;
use process_chunks::source::sealed::open;
use process_chunks::source::url_secret::secrets_in;
use process_chunks::source::{jmap, paged};
use process_chunks::sources::SaveSource;
use serde_json::Value;
use stack::{api, context::Context, database::Database, source_key};
use terminal::{advice, output};
use tokio_postgres::Client;
use url::Url;

use super::discover::{Found, discover};
use super::sealing;
use super::secret::{self, Given};
use super::source::{self, Settings};

/// The longest name of a source, in characters.
const LONGEST_NAME: usize = 100;

/// What `sync add` understands.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["jmap", "json_pages"]))]
pub(crate) struct Args {
    /// Its name: letters, digits and `._@+-`; the user without it.
    #[arg(required_unless_present = "user")]
    name: Option<String>,
    /// Mailbox by JMAP: the server, or the address of its session.
    #[arg(long, value_name = "URL")]
    jmap: Option<String>,
    /// Pages of JSON records: the first page.
    #[arg(long, value_name = "URL")]
    json_pages: Option<String>,
    /// Who asks there; the password is asked for.
    #[arg(long, required_unless_present_any = ["token", "json_pages", "headers"], value_name = "USER")]
    user: Option<String>,
    /// A bearer token is used instead of user and password, and is asked for.
    #[arg(long, conflicts_with = "user")]
    token: bool,
    /// File with the password or token, `-` for standard input; else BATON_SYNC_SECRET, else a terminal is asked.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Saves a source.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let Args {
        name,
        jmap,
        json_pages,
        user,
        token,
        secret_file,
        settings,
    } = args;
    let settings = settings.object()?;
    let header = settings[SECRET_HEADER].as_str().map(str::to_owned);
    if header.is_some() && (token || user.is_some()) {
        return Err(advice::error(
            "a source has one secret: a password, a token, or the value of a header field",
            "leave out --user and --token, or the --header without a value",
        ));
    }
    let (kind, url, checked) = match (jmap, json_pages) {
        (Some(url), _) => {
            let checked = jmap::Settings::parse(&settings).map(drop);
            ("jmap", source::jmap_url(&url)?, checked)
        }
        (None, url) => {
            let checked = paged::Settings::parse(&settings).map(drop);
            ("json", source::http_url(&url.unwrap_or_default())?, checked)
        }
    };
    let help = "`baton sync add --help` shows the settings with examples";
    checked.map_err(advice::with("reading the settings", help))?;
    let name = name.or_else(|| user.clone()).unwrap_or_default();
    check_name(&name)?;
    let secrets = secrets_in(&url).join(", ");
    if !secrets.is_empty() {
        output::note(&format!(
            "The address holds a secret in {secrets}. The database keeps it readable, and it is shown as ***. \
             If the source takes it in a header field, give it there: `--header X-API-Key` asks for the value."
        ));
    }
    let place = Place {
        kind: kind.to_owned(),
        url,
        username: user,
        header,
    };
    let given = Given::new(secret_file);
    let home = context.home()?;
    Database::with(context, &home, async |database| {
        let client = database.connect().await?;
        let mut stored = stored(&client, &name).await?;
        let keys = source_key::known(&home, database)?;
        let secret = match given.read().await? {
            None if token || place.username.is_some() || place.header.is_some() => {
                let prompt = prompt(&place, stored.as_ref().is_some_and(|it| it.serves(&place)));
                secret::ask(prompt).await?
            }
            given => given,
        };
        check_secret(&name, &place, token, secret.is_some(), stored.as_ref())?;
        if place.url.scheme() == "http" {
            output::note(&format!(
                "Components reach http:// only where the variable sync_hosts allows it: `baton up --variable sync_hosts={}`.",
                place.url.origin().ascii_serialization()
            ));
        }
        if secret.is_some() && source::is_readable_on_the_way(&place.url) {
            output::note("This address is http:// on another machine, so the password crosses the network readable.");
        }
        if let Some(it) = stored.as_mut().filter(|it| secret.is_none() && it.serves(&place))
            && let Some(sealed) = it.secret.take()
        {
            let clear = open(keys.as_deref().unwrap_or_default(), &name, &sealed);
            it.secret = Some(clear.map_err(sealing::explain)?);
        }
        let settings = if place.kind == "jmap" {
            let secret = secret.as_deref().or_else(|| {
                let stored = stored.as_ref().filter(|it| it.serves(&place));
                stored.and_then(|it| it.secret.as_deref())
            });
            let found = discover(&place.url, place.username.as_deref(), secret, &settings).await;
            with_api_origin(settings, &place, found, stored.as_ref())?
        } else {
            settings
        };
        let secret = match (&keys, secret) {
            (Some(keys), Some(secret)) => Some(sealing::sealed(keys, &name, &secret)?),
            (None, Some(secret)) => {
                output::note(
                    "The database holds this password readable. To encrypt it, set SPIN_VARIABLE_SOURCE_KEY for the deployment and here, \
                     then run `baton sync encrypt`.",
                );
                Some(secret)
            }
            (_, None) => None,
        };
        let call = SaveSource {
            name: name.clone(),
            kind: place.kind,
            url: place.url.into(),
            username: place.username,
            secret,
            settings,
            who: context.common.who.clone(),
        };
        let answer = api::call(&client, call)
            .await
            .map_err(advice::with(format!("saving the source {name}"), help))?;
        context.output.result(&answer, || {
            let what = if answer["created"] == true {
                "is saved"
            } else {
                "was there already and is changed"
            };
            format!("The source {name} {what}. `baton sync run {name} --watch` syncs it.")
        })
    })
    .await
}

/// Adds the origin of the API to the settings, and shows it.
fn with_api_origin(
    mut settings: Value,
    place: &Place,
    found: Found,
    stored: Option<&Stored>,
) -> Result<Value> {
    let other = match found {
        Found::Same => None,
        Found::Other(other) => Some(other),
        Found::Elsewhere(session) => {
            return Err(advice::error(
                format!(
                    "{} says that its session is on another server, {}",
                    place.url.origin().ascii_serialization(),
                    session.origin().ascii_serialization()
                ),
                format!("if you trust that server with the password, give `--jmap {session}`"),
            ));
        }
        Found::Unknown(why) => {
            let before = stored.filter(|it| it.serves(place));
            output::note(&format!(
                "The server did not name its API: {why}. If the API is on another server, run `baton sync add` again."
            ));
            before.and_then(|it| it.api_origin.clone())
        }
    };
    if let (Some(other), Some(fields)) = (other, settings.as_object_mut()) {
        output::note(&format!(
            "The server has its API at {other}. The password or token goes there, and to {}.",
            place.url.origin().ascii_serialization()
        ));
        fields.insert(API_ORIGIN.to_owned(), other.into());
    }
    Ok(settings)
}

/// Where a source is, and who asks there.
#[derive(Debug)]
struct Place {
    kind: String,
    url: Url,
    username: Option<String>,
    /// The header field that carries the secret, where it is not `Authorization`.
    header: Option<String>,
}

/// Refuses a name that the database would refuse.
fn check_name(name: &str) -> Result<()> {
    let is_good = name.len() <= LONGEST_NAME
        && name.starts_with(|it: char| it.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "._@+-".contains(it));
    if is_good {
        return Ok(());
    }
    Err(advice::error(
        format!("{name:?} cannot be the name of a source"),
        format!(
            "a name is made of letters from a to z, digits and ._@+-, begins with a letter or digit, and has {LONGEST_NAME} \
             characters at most; give one as the first argument"
        ),
    ))
}

/// The source of this name as the database has it.
struct Stored {
    kind: String,
    url: String,
    username: Option<String>,
    api_origin: Option<String>,
    secret: Option<String>,
}

impl Stored {
    /// Whether what is stored is the password for this place, so that no other server ever gets it.
    fn serves(&self, place: &Place) -> bool {
        let same_origin = Url::parse(&self.url).is_ok_and(|it| it.origin() == place.url.origin());
        self.secret.is_some()
            && same_origin
            && (&self.kind, &self.username) == (&place.kind, &place.username)
    }
}

async fn stored(client: &Client, name: &str) -> Result<Option<Stored>> {
    let row = client
        .query_opt(
            "select s.kind, s.url, s.username, s.settings->>'api_origin', x.secret
             from baton.sources s left join baton.source_secrets x on x.source = s.name where s.name = $1",
            &[&name],
        )
        .await
        .map_err(api::explain)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Stored {
        kind: row.try_get(0)?,
        url: row.try_get(1)?,
        username: row.try_get(2)?,
        api_origin: row.try_get(3)?,
        secret: row.try_get(4)?,
    }))
}

/// Refuses a source without the secret that it needs, and one that would inherit the secret of another place.
fn check_secret(
    name: &str,
    place: &Place,
    token: bool,
    given: bool,
    stored: Option<&Stored>,
) -> Result<()> {
    if given || stored.is_some_and(|it| it.serves(place)) {
        return Ok(());
    }
    if token || place.username.is_some() || place.header.is_some() {
        return Err(advice::error(
            format!("there is no password or token for {name}"),
            "run this on a terminal, which asks for it, or give it in BATON_SYNC_SECRET or with --secret-file",
        ));
    }
    if stored.is_some_and(|it| it.secret.is_some()) {
        return Err(advice::error(
            format!("{name} has a password or token for another place"),
            format!(
                "give the new one with --token or --user, or remove the old source first: `baton sync remove {name}`"
            ),
        ));
    }
    Ok(())
}

fn prompt(place: &Place, kept: bool) -> String {
    let what = match (&place.username, &place.header) {
        (Some(user), _) => format!("Password of {user}"),
        (None, Some(header)) => format!("Value of {header}"),
        (None, None) => "Token".to_owned(),
    };
    let host = place.url.host_str().unwrap_or_default();
    let kept = if kept {
        " (Enter keeps the stored one)"
    } else {
        ""
    };
    format!("{what} at {host}{kept}: ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_line_names_one_source_and_who_asks_there() {
        let check = |line: &str, expected: bool| {
            let words = std::iter::once("add").chain(line.split_whitespace());
            assert_eq!(Line::try_parse_from(words).is_ok(), expected, "{line}");
        };
        check("--jmap https://a.example --user alice", true);
        check(
            "mail --jmap https://a.example --user alice --chunk-size 500",
            true,
        );
        check("mail --jmap https://a.example --token", true);
        check("people --json-pages https://a.example", true);
        check(
            "people --json-pages https://a.example --next /next --max-parallel 64",
            true,
        );
        check(
            "people --json-pages https://a.example --page-param page --pages /pages",
            true,
        );
        check("--jmap https://a.example --token", false);
        check("mail --jmap https://a.example", false);
        check("mail --user alice", false);
        check("--jmap https://a.example --user alice --token", false);
        check(
            "--jmap https://a.example --json-pages https://a.example --user alice",
            false,
        );
        check(
            "--jmap https://a.example --user alice --chunk-size 501",
            false,
        );
        check(
            "--jmap https://a.example --user alice --records /items",
            false,
        );
        check("--jmap https://a.example --user alice --pages /n", false);
        check(
            "people --json-pages https://a.example --chunk-size 50",
            false,
        );
        check("people --json-pages https://a.example --page-param p", true);
        check(
            "people --json-pages https://a.example --cursor /c --cursor-param c",
            true,
        );
        check(
            "people --json-pages https://a.example --offset-param o --limit-param l --page-size 100",
            true,
        );
        check(
            "people --json-pages https://a.example --header X-API-Key --header Accept-Language:en",
            true,
        );
        check("mail --jmap https://a.example --header X-API-Key", true);
        check("people --json-pages https://a.example --cursor /c", false);
        check(
            "people --json-pages https://a.example --cursor-param c",
            false,
        );
        check(
            "people --json-pages https://a.example --page-size 100",
            false,
        );
        check(
            "people --json-pages https://a.example --offset-param o --page-param p",
            false,
        );
        check(
            "--jmap https://a.example --user alice --offset-param o",
            false,
        );
        check("people --json-pages https://a.example --pages /n", false);
        check(
            "people --json-pages https://a.example --next /n --page-param p --pages /n",
            false,
        );
    }

    #[test]
    fn a_name_that_the_database_refuses_is_refused_with_the_rule() {
        let check = |name: &str, expected| assert_eq!(check_name(name).is_ok(), expected, "{name}");
        check("alice+work@example.com", true);
        check("7", true);
        check(&"x".repeat(100), true);
        check(&"x".repeat(101), false);
        check("a name", false);
        check("-x", false);
        check("jörg", false);
        check("", false);
    }

    #[test]
    fn a_stored_password_is_sent_nowhere_else() {
        let stored = |kind: &str, username: Option<&str>, has_secret: bool| Stored {
            kind: kind.to_owned(),
            url: "https://a.example/jmap".to_owned(),
            username: username.map(str::to_owned),
            api_origin: None,
            secret: has_secret.then(|| "geheim".to_owned()),
        };
        let check = |kind: &str, url, username: Option<&str>, stored: Option<Stored>, expected| {
            let place = Place {
                kind: kind.to_owned(),
                url: source::http_url(url).expect("it is an address"),
                username: username.map(str::to_owned),
                header: None,
            };
            let checked = check_secret("mail", &place, kind == "jmap", false, stored.as_ref());
            assert_eq!(checked.is_ok(), expected, "{place:?}");
        };
        let alice = || Some(stored("jmap", Some("alice"), true));
        check(
            "jmap",
            "https://a.example/else",
            Some("alice"),
            alice(),
            true,
        );
        check("jmap", "https://a.example", Some("bob"), alice(), false);
        check("jmap", "https://a.example", None, alice(), false);
        check("jmap", "https://b.example", Some("alice"), alice(), false);
        check("jmap", "http://a.example", Some("alice"), alice(), false);
        check("json", "https://a.example", None, alice(), false);
        check("json", "https://b.example", None, alice(), false);
        let anonymous = || Some(stored("json", None, false));
        check("json", "https://b.example", None, anonymous(), true);
        check("json", "https://b.example", None, None, true);
        check("json", "https://b.example", Some("alice"), None, false);
        check("jmap", "https://a.example", Some("alice"), None, false);
    }
}
