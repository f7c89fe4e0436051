use std::path::PathBuf;

use terminal::{interrupt::Interrupt, output::Output};

use crate::home::Home;

/// The heading of the options that every command has.
const GLOBAL: &str = "Global options";

/// What every command understands.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Print one JSON document on standard output instead of text.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Folder with spin.toml; by default BATON_HOME, else the nearest one above the current folder, else above this program.
    // Not read by clap, which would name it in the usage of every command once the variable is set.
    #[arg(long, global = true, value_name = "FOLDER", help_heading = GLOBAL)]
    pub home: Option<PathBuf>,
    /// Address of the PostgreSQL database to use instead of the private one in .baton/.
    // Not an argument, because arguments are visible to everybody on the machine.
    #[arg(skip = database_url())]
    pub database_url: Option<String>,
    /// Who is named in the history of pauses and changes.
    #[arg(long, env = "USER", global = true, hide = true, default_value_t = user_number())]
    pub who: String,
    /// How much the host logs on standard error: error, warn, info or debug.
    #[arg(
        long,
        env = "BATON_LOG",
        global = true,
        default_value = "warn",
        value_name = "LEVEL",
        help_heading = GLOBAL
    )]
    pub log: tracing::level_filters::LevelFilter,
}

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    pub common: Common,
    pub interrupt: Interrupt,
    pub output: Output,
}

impl Context {
    pub fn new(common: Common, interrupt: Interrupt) -> Self {
        let output = Output { json: common.json };
        Self {
            common,
            interrupt,
            output,
        }
    }

    /// The folder of the application.
    pub fn home(&self) -> anyhow::Result<Home> {
        let here = std::env::current_dir().unwrap_or_default();
        let program = std::env::current_exe().unwrap_or_default();
        let from_environment = std::env::var_os("BATON_HOME").filter(|it| !it.is_empty());
        let home = self.common.home.clone();
        let home = home.or(from_environment.map(PathBuf::from));
        Home::find(home.as_deref(), &here, &program)
    }
}

fn database_url() -> Option<String> {
    secret_variable("DATABASE_URL")
}

/// An environment variable that may hold a secret, so that it is no argument and never shows up in `--help`.
pub fn secret_variable(name: &str) -> Option<String> {
    std::env::var_os(name)
        .and_then(|it| it.into_string().ok())
        .filter(|it| !it.is_empty())
}

/// Who it is when the environment does not say.
fn user_number() -> String {
    format!("user {}", rustix::process::getuid().as_raw())
}
