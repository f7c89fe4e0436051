mod doctor;
mod enqueue;
mod export;
mod import;
mod items;
mod job;
mod keys;
mod logs;
mod messages;
mod migrate;
mod new;
mod pause;
mod relay;
mod resume;
mod roles;
mod schedule;
mod set;
mod set_aside;
mod settings;
mod status;
mod sync;
mod tick;
mod up;
mod validate;
mod wake;

use anyhow::Result;
use stack::context::Context;

use crate::deployment;

const UP: &str = "Examples:
  baton up
  baton up --listen 127.0.0.1:8080 --tick-every 30
  DATABASE_URL=postgres://owner@db/app baton up --variable sms_provider=outbox";
const VALIDATE: &str = "Examples:
  baton validate contacts.csv -o results.csv
  baton validate export.csv --column 'E-mail 2 - Value' --allow partner-school.example
  baton validate contacts.csv --offline --json
  psql -Atc 'select email from people' app | baton validate - --no-header > results.csv";
const STATUS: &str = "Examples:
  baton status
  baton status --url https://jobs.example.com --json";
const TICK: &str = "Examples:
  baton tick
  BATON_SERVICE_KEY=... baton tick --url https://jobs.example.com";
const LOGS: &str = "Examples:
  baton logs
  baton logs --job validate-contacts --status skipped";
const IMPORT: &str = "Examples:
  baton import contacts.csv
  baton import export.csv --column Email --encoding windows-1252";
const EXPORT: &str = "Examples:
  baton export -o contacts.csv
  baton export --json";
const PAUSE: &str = "Example:
  baton pause validate-contacts --reason 'the provider is down'";
const RESUME: &str = "Example:
  baton resume validate-contacts";
const SET: &str = "Example:
  baton set validate-contacts batch_size=200 rate_per_minute=3000";
const SET_ASIDE: &str = "Examples:
  baton set-aside
  baton set-aside retry validate-contacts";
const DOCTOR: &str = "Examples:
  baton doctor
  baton doctor --url https://jobs.example.com";
const MIGRATE: &str = "Example:
  DATABASE_URL=postgres://owner@db/app baton migrate";

/// What can be asked for.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Start everything and keep it running until Ctrl-C.
    #[command(after_help = UP)]
    Up(up::Args),
    /// Validate the addresses of a CSV file and exit.
    #[command(after_help = VALIDATE)]
    Validate(validate::Args),
    /// Show every job and why it isn't running.
    #[command(after_help = STATUS)]
    Status(deployment::Args),
    /// Ask a deployment to do what is due.
    #[command(after_help = TICK)]
    Tick(deployment::Args),
    /// Show the run log: every invocation, what it did or why it did nothing.
    #[command(after_help = LOGS)]
    Logs(logs::Args),
    /// Load contacts from a CSV file.
    #[command(after_help = IMPORT)]
    Import(import::Args),
    /// Write all contacts with their verdicts as CSV.
    #[command(after_help = EXPORT)]
    Export(export::Args),
    /// Stop a job after the batch under way, until it is resumed.
    #[command(after_help = PAUSE)]
    Pause(pause::Args),
    /// Let a paused job run again.
    #[command(after_help = RESUME)]
    Resume(resume::Args),
    /// Change settings of a job; they hold from its next batch on.
    #[command(after_help = SET)]
    Set(set::Args),
    /// Show or change settings of the whole deployment, such as quiet hours and the texts of messages.
    #[command(after_help = settings::EXAMPLES)]
    Settings(settings::Args),
    /// Show messages to people: what went out, what is held back and why, what nobody knows.
    #[command(after_help = messages::EXAMPLES)]
    Messages(messages::Args),
    /// Write the files of a job of your own.
    #[command(subcommand)]
    New(new::Command),
    /// Make or remove jobs of your own in the database.
    #[command(subcommand)]
    Job(job::Command),
    /// Add items to the queue of a job of your own.
    #[command(after_help = enqueue::EXAMPLES)]
    Enqueue(enqueue::Args),
    /// Show items of your own jobs and how far they are; retry, drop or cancel them.
    #[command(after_help = items::EXAMPLES)]
    Items(items::Args),
    /// Show items whose work raised an error; retry them or give them up.
    #[command(after_help = SET_ASIDE)]
    SetAside(set_aside::Args),
    /// Show or set when jobs start by themselves.
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Sync mailboxes and other collections into the database, chunk by chunk.
    #[command(subcommand)]
    Sync(sync::Command),
    /// Show or set how the database wakes jobs when there is something to do.
    #[command(after_help = wake::EXAMPLES)]
    Wake(wake::Args),
    /// Deliver wakes of the database to a deployment elsewhere, until Ctrl-C.
    #[command(after_help = relay::EXAMPLES)]
    Relay(relay::Args),
    /// Show, rotate or retire the service key and the webhook secret.
    #[command(subcommand, after_help = keys::EXAMPLES)]
    Keys(keys::Command),
    /// Bring the schema of the database up to date.
    #[command(after_help = MIGRATE)]
    Migrate,
    /// Check the set-up of this folder and of a deployment; changes nothing.
    #[command(after_help = DOCTOR)]
    Doctor(deployment::Args),
    /// Show the roles with which components log in, or set their passwords.
    #[command(after_help = roles::EXAMPLES)]
    Roles(roles::Args),
}

/// Does it.
pub(crate) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Up(args) => up::run(args, context).await,
        Command::Validate(args) => validate::run(args, context).await,
        Command::Status(args) => status::run(args, context).await,
        Command::Tick(args) => tick::run(args, context).await,
        Command::Import(args) => import::run(args, context).await,
        Command::Export(args) => export::run(args, context).await,
        Command::Pause(args) => pause::run(args, context).await,
        Command::Resume(args) => resume::run(args, context).await,
        Command::Set(args) => set::run(args, context).await,
        Command::New(command) => new::run(command, context),
        Command::Job(command) => job::run(command, context).await,
        Command::Enqueue(args) => enqueue::run(args, context).await,
        Command::Items(args) => items::run(args, context).await,
        Command::SetAside(args) => set_aside::run(args, context).await,
        Command::Settings(args) => settings::run(args, context).await,
        Command::Messages(args) => messages::run(args, context).await,
        Command::Schedule(command) => schedule::run(command, context).await,
        Command::Sync(command) => sync::run(command, context).await,
        Command::Wake(args) => wake::run(args, context).await,
        Command::Relay(args) => relay::run(args, context).await,
        Command::Keys(command) => keys::run(command, context).await,
        Command::Migrate => migrate::run(context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Logs(args) => logs::run(args, context).await,
        Command::Roles(args) => roles::run(args, context).await,
    }
}
