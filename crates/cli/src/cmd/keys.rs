mod ask;
mod retire;
mod rotate;
mod wakes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Result;
use chrono::DateTime;
use serde::Serialize;
use stack::{context::Context, home::Home, key::Key, running::Announcement};
use terminal::output;

/// How they are used.
pub(crate) const EXAMPLES: &str = "Examples:
  baton keys list
  baton keys rotate service      a new key beside the old one, both live
  head -n 1 .baton/service-key   the one to give to callers
  baton keys retire service      the old one alone is refused from now on";

/// What `keys` understands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show which keys there are, and how many values of each are live; never the values.
    #[command(after_help = "Example:\n  baton keys list")]
    List,
    /// Make a new value, and keep the one before live until it is retired.
    #[command(after_help = "Example:\n  baton keys rotate service")]
    Rotate(Which),
    /// Drop the value before the newest.
    #[command(after_help = "Example:\n  baton keys retire service")]
    Retire(Which),
}

/// One key, or all.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The key; both without it.
    #[arg(value_enum)]
    key: Option<Key>,
}

impl Which {
    fn keys(&self) -> Vec<Key> {
        self.key.map_or_else(|| Key::ALL.to_vec(), |it| vec![it])
    }
}

/// Lists, rotates or retires keys.
pub(crate) async fn run(command: Command, context: &Context) -> Result<()> {
    let here = Here::look(context)?;
    match command {
        Command::List => list(&here, context),
        Command::Rotate(which) => rotate::run(&which.keys(), &here, context).await,
        Command::Retire(which) => retire::run(&which.keys(), &here, context).await,
    }
}

/// The folder, and the host that runs in it, if one does.
struct Here {
    home: Home,
    host: Option<Announcement>,
}

impl Here {
    fn look(context: &Context) -> Result<Self> {
        let home = context.home()?;
        let host = Announcement::read(&home);
        Ok(Self { home, host })
    }

    /// The file with this key; none when the environment or an argument of `baton up` gives it.
    fn file(&self, key: Key) -> Result<Option<PathBuf>> {
        match (&self.host, key) {
            (Some(host), Key::Service) => Ok(host.key_file.clone()),
            (Some(host), Key::Webhook) => Ok(host.webhook_file.clone()),
            (None, key) => key.file_in_use(&self.home, &BTreeMap::new()),
        }
    }

    /// Its file, and the live values there; neither when it is given otherwise.
    fn live(&self, key: Key) -> Result<(Option<PathBuf>, Vec<String>)> {
        let file = self.file(key)?;
        let live = match &file {
            Some(file) => key.live_in(file)?,
            None => Vec::new(),
        };
        Ok((file, live))
    }

    fn url(&self) -> Option<&str> {
        self.host.as_ref().map(|it| &*it.url)
    }
}

/// What is shown of a key.
#[derive(Debug, Serialize)]
struct Listed {
    key: Key,
    /// How many values are live; none when that cannot be seen from here.
    live: Option<usize>,
    /// When the newest one was made, ISO 8601.
    made_at: Option<String>,
    /// Where it is kept; none when it is given otherwise.
    file: Option<PathBuf>,
}

fn list(here: &Here, context: &Context) -> Result<()> {
    let mut listed = Vec::new();
    for key in Key::ALL {
        let file = here.file(key)?;
        let (live, made_at) = match &file {
            Some(file) => (Some(key.live_in(file)?.len()), made_at(file)),
            None => (given(&here.home, key)?, None),
        };
        listed.push(Listed {
            key,
            live,
            made_at,
            file,
        });
    }
    context.output.result(&listed, || {
        let rows = listed.iter().map(|it| {
            let live = match it.live {
                Some(0) => "none yet".to_owned(),
                Some(n) => n.to_string(),
                None => "?".to_owned(),
            };
            let file = it.file.as_ref();
            [
                it.key.name().to_owned(),
                live,
                it.made_at.clone().unwrap_or_default(),
                file.map_or_else(|| given_by(it.key), |it| it.display().to_string()),
            ]
        });
        output::table(["KEY", "LIVE", "NEWEST MADE", "WHERE"], rows)
    })
}

/// How many values the environment gives.
fn given(home: &Home, key: Key) -> Result<Option<usize>> {
    let variables = stack::variables::environment_variables(home)?;
    let value = variables.get(key.variable());
    value.map(|it| Ok(key.live(it)?.len())).transpose()
}

/// Where a key comes from that no file holds.
fn given_by(key: Key) -> String {
    let name = key.variable();
    format!(
        "SPIN_VARIABLE_{}, or `baton up --variable {name}=…`",
        name.to_ascii_uppercase()
    )
}

/// The time of a file, which is replaced with each new value.
fn made_at(file: &Path) -> Option<String> {
    let modified = file.metadata().ok()?.modified().ok()?;
    let seconds = modified.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let at = DateTime::from_timestamp(seconds.try_into().ok()?, 0)?;
    Some(at.to_rfc3339())
}
