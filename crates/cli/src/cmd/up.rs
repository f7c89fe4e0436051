use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;
use serde::Serialize;
use stack::key::Key;
use stack::{
    context::Context,
    database::Database,
    home::Home,
    running::{Announcement, OnlyHost},
};
use terminal::interrupt::Interrupted;
use terminal::output;

/// What `up` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "BATON_LISTEN",
        default_value = "127.0.0.1:3000",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// Do not ask by itself for what is due; something else posts to /tick.
    #[arg(long)]
    no_tick: bool,
    /// Seconds between two ticks.
    #[arg(long, env = "BATON_TICK_EVERY", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400), value_name = "SECONDS")]
    tick_every: u64,
    /// Do not listen for wakes of the database; then work starts with the next tick.
    #[arg(long)]
    no_wakes: bool,
    /// Send statements unprepared, for PgBouncer before 1.21 in transaction mode.
    #[arg(long)]
    no_prepared_statements: bool,
    /// Most connections to PostgreSQL that all components together have, beside one for wakes.
    #[arg(long, env = "BATON_MAX_CONNECTIONS", default_value_t = stack::MAX_CONNECTIONS as u16, value_parser = clap::value_parser!(u16).range(2..=10_000), value_name = "N")]
    max_connections: u16,
    /// Whether DNS is asked, or syntax and lists decide alone.
    #[arg(long, value_parser = ["on", "off"], value_name = "ON|OFF")]
    dns: Option<String>,
    #[command(flatten)]
    variables: Variables,
    /// Do not tell the other commands about this host.
    #[arg(long, hide = true)]
    unannounced: bool,
}

/// Variables of the application, wherever the host is started.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Variables {
    /// DNS-over-HTTPS resolver, such as https://dns.example.com, whose path is /dns-query; a second one is asked when the first does not answer.
    #[arg(long = "resolver", value_parser = stack::service_address::resolver, value_name = "URL")]
    pub(crate) resolvers: Vec<String>,
    /// Domain, with all below it, that is no typing error, not disposable and not reserved; may be repeated.
    #[arg(long = "allow", value_name = "DOMAIN")]
    pub(crate) allowed: Vec<String>,
    /// Variable of spin.toml as NAME=VALUE. Set secrets in the environment instead, as SPIN_VARIABLE_NAME.
    #[arg(long = "variable", value_parser = assignment, value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<(String, String)>,
}

impl Variables {
    /// All of them by name.
    pub(crate) fn collect(self, dns: Option<String>) -> Result<BTreeMap<String, String>> {
        let mut variables: BTreeMap<String, String> = self.variables.into_iter().collect();
        variables.extend(dns.map(|it| ("dns".to_owned(), it)));
        if !self.allowed.is_empty() {
            variables.insert("allow_domains".to_owned(), self.allowed.join(","));
        }
        match &self.resolvers[..] {
            [] => {}
            [one] => variables.extend([
                ("resolver1".to_owned(), one.clone()),
                ("resolver2".to_owned(), one.clone()),
            ]),
            [one, two] => variables.extend([
                ("resolver1".to_owned(), one.clone()),
                ("resolver2".to_owned(), two.clone()),
            ]),
            _ => {
                return Err(terminal::advice::error(
                    "there are more than two resolvers",
                    "give --resolver once or twice",
                ));
            }
        }
        Ok(variables)
    }
}

/// Starts the database, the schema and the host, and keeps them running.
pub(crate) async fn run(args: Args, context: &Context) -> Result<()> {
    let home = context.home()?;
    home.check_components()?;
    let only = match args.unannounced {
        true => None,
        false => Some(OnlyHost::claim(&home).await?),
    };
    if args.listen.port() != 0 {
        stack::check_listen(args.listen)?;
    }
    let served = Database::around(context, &home, async |database| {
        serve(args, context, &home, database).await
    })
    .await;
    drop(only);
    served
}

async fn serve(args: Args, context: &Context, home: &Home, database: &Database) -> Result<()> {
    let variables = args.variables.collect(args.dns)?;
    let options = stack::Options {
        listen: args.listen,
        variables,
        tick_every: (!args.no_tick).then(|| Duration::from_secs(args.tick_every)),
        wakes: !args.no_wakes,
        prepared_statements: !args.no_prepared_statements,
        max_connections: args.max_connections.into(),
        who: context.common.who.clone(),
    };
    let starting = async {
        let mut owner = database.connect().await?;
        stack::migrate(&mut owner).await?;
        stack::start(home, database.address(), &owner, options).await
    };
    let spinner = spinner();
    let started = context.interrupt.guard(starting).await;
    spinner.finish_and_clear();
    let mut stack = started?;
    let file = |key| stack.file(key).map(Path::to_owned);
    let announcement = Announcement {
        url: format!("http://{}", stack.running.local_addr()),
        pid: std::process::id(),
        key_file: file(Key::Service),
        webhook_file: file(Key::Webhook),
        database: database.address().to_string(),
        private: database.is_private(),
        resolvers: stack.resolvers.clone(),
    };
    let announced = if args.unannounced {
        Ok(())
    } else {
        announcement.write(home)
    };
    if !stack.running.local_addr().ip().is_loopback() {
        output::note(
            "warning: this address can be reached from other machines, and what is sent there is not encrypted.\n\
             help: listen on 127.0.0.1, and put a reverse proxy with TLS before it",
        );
    }
    let shown = announced.and_then(|()| show(&announcement, context, home));
    let ended = match shown {
        Ok(()) => {
            let keep_going = async {
                tokio::select! {
                    it = stack.follow_keys() => it,
                    it = database.keep_up() => it,
                }
            };
            context.interrupt.guard(keep_going).await
        }
        Err(error) => Err(error),
    };
    if ended.as_ref().is_err_and(|it| it.is::<Interrupted>()) {
        output::note("Stopping; requests under way may finish.");
    }
    stack.stop().await;
    if !args.unannounced {
        Announcement::withdraw(home)?;
    }
    if ended.as_ref().is_err_and(|it| it.is::<Interrupted>()) {
        output::note("Stopped.");
    }
    ended.map(|never| match never {})
}

/// Shows a person at a terminal that it is starting.
fn spinner() -> ProgressBar {
    let spinner = match output::watched() {
        true => ProgressBar::new_spinner().with_message("starting"),
        false => ProgressBar::hidden(),
    };
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

fn show(announcement: &Announcement, context: &Context, home: &Home) -> Result<()> {
    #[derive(Serialize)]
    struct Shown<'a> {
        #[serde(flatten)]
        announcement: &'a Announcement,
        logs: std::path::PathBuf,
    }
    let logs = home.logs();
    context.output.result(&Shown { announcement, logs: logs.clone() }, || {
        let Announcement { url, key_file, database, private, .. } = announcement;
        let (key, bearer) = match key_file {
            Some(file) => (file.display().to_string(), format!("$(head -n 1 '{}')", file.display())),
            None => ("as given".to_owned(), "$BATON_SERVICE_KEY".to_owned()),
        };
        let logs = logs.display();
        let whose = if *private { ", private to this folder" } else { "" };
        format!(
            "Baton is up.\n\n  URL          {url}\n  service key  {key}\n  database     {database}{whose}\n  logs         {logs}\n\n\
             Try it:\n\n  curl -X POST -H \"Authorization: Bearer {bearer}\" {url}/tick\n\nCtrl-C ends it."
        )
    })
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("write it as NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_resolver_takes_both_places() {
        let collect = |resolvers: &[&str]| {
            let resolvers = resolvers.iter().map(|it| (*it).to_owned()).collect();
            Variables {
                resolvers,
                variables: vec![("provider".to_owned(), "none".to_owned())],
                ..Variables::default()
            }
            .collect(Some("on".to_owned()))
            .ok()
        };
        let one = collect(&["http://a"]).expect("one is enough");
        assert_eq!(
            (one["resolver1"].as_str(), one["resolver2"].as_str()),
            ("http://a", "http://a")
        );
        let two = collect(&["http://a", "http://b"]).expect("two are possible");
        assert_eq!(
            (two["resolver1"].as_str(), two["resolver2"].as_str()),
            ("http://a", "http://b")
        );
        assert_eq!(
            (two["dns"].as_str(), two["provider"].as_str()),
            ("on", "none")
        );
        assert!(collect(&[]).is_some_and(|it| !it.contains_key("resolver1")));
        assert!(collect(&["http://a", "http://b", "http://c"]).is_none());
    }

    #[test]
    fn a_variable_may_hold_an_equals_sign() {
        assert_eq!(assignment("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(assignment("a="), Ok(("a".to_owned(), String::new())));
        assert!(assignment("a").is_err() && assignment("=b").is_err());
    }
}
