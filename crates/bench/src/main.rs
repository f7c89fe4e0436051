//! Measures Baton on this machine, through the real components, and other queues beside it.
//!
//! Each measurement has a database of its own, which is dropped afterwards. The one entry point is [`main`].

mod child;
mod chunks;
mod figures;
mod measure;
mod meter;
mod peers;
mod processes;
mod reminders;
mod validate;

use std::process::ExitCode;

use clap::Parser;
use stack::context::{Common, Context};

/// Measure Baton on this machine.
#[derive(Debug, Parser)]
#[command(name = "baton-bench", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Measure the validation of contacts through the real component, with a resolver on this machine.
    #[command(after_help = "Example:\n  baton-bench validate")]
    Validate(validate::Args),
    /// Measure the queue of chunks through the real component, with chunks that do nothing.
    #[command(after_help = "Example:\n  baton-bench chunks")]
    Chunks(chunks::Args),
    /// Measure reminders and auto-syncs through the real components, with a provider of messages on this machine.
    #[command(after_help = "Example:\n  baton-bench reminders")]
    Reminders(reminders::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal::run(cli.common.log, async |interrupt| {
        let context = Context::new(cli.common, interrupt);
        match cli.command {
            Command::Validate(args) => validate::run(args, &context).await,
            Command::Chunks(args) => chunks::run(args, &context).await,
            Command::Reminders(args) => reminders::run(args, &context).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_and_their_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
