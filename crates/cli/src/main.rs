//! The command line of Baton: composes the other crates, prints, and exits.
//!
//! It decides nothing about any job; that is for the database and for the job's own folder below `components/`. It alone reads the environment,
//! and it alone prints. No secret is ever printed, logged, or passed to a process as an argument; only a new one that a
//! person has to set is printed, once.
//!
//! The one entry point is [`main`].

mod board;
mod cmd;
mod copy;
mod deployment;
mod destination;
mod moment;

use std::process::ExitCode;

use clap::Parser;
use stack::context::Context;

/// Secrets come in through the environment alone, because arguments are visible to everybody on the machine.
const ENVIRONMENT: &str = "Environment:
  DATABASE_URL           database to use instead of the private one in .baton/
  PGSSLMODE, PGSSLROOTCERT   how TLS is used, where DATABASE_URL does not say it
  SSL_CERT_FILE          certificate authorities to trust in place of the system's
  BATON_HOME             folder with spin.toml, unless --home is given
  BATON_URL              where the deployment answers that `tick`, `status` and `doctor` ask
  BATON_SERVICE_KEY      key of that deployment, where it is not in .baton/
  BATON_WEBHOOK_SECRET   secret that signs wakes, for `relay` and `wake`, where it is not in .baton/
  BATON_SYNC_SECRET      password or token for `sync add`, unless --secret-file is given
  SPIN_VARIABLE_NAME     variable `name` of spin.toml; also read from the file .env beside it";

/// Overlap-free background work for serverless WebAssembly, coordinated by PostgreSQL alone.
#[derive(Debug, Parser)]
#[command(name = "baton", version, max_term_width = 100, after_help = ENVIRONMENT)]
struct Cli {
    #[command(flatten)]
    common: stack::context::Common,
    #[command(subcommand)]
    command: cmd::Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal::run(cli.common.log, async |interrupt| {
        cmd::run(cli.command, &Context::new(cli.common, interrupt)).await
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_and_their_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_help_text_has_an_example() {
        fn collect(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
            let example = command.get_after_help().map(ToString::to_string);
            let has_example = example.is_some_and(|it| it.contains(path));
            if command.get_subcommands().next().is_none() && !has_example {
                missing.push(path.to_owned());
            }
            for subcommand in command.get_subcommands() {
                collect(
                    subcommand,
                    &format!("{path} {}", subcommand.get_name()),
                    missing,
                );
            }
        }
        let mut missing = Vec::new();
        collect(&super::Cli::command(), "baton", &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }
}
