//! What every program of Baton has in common towards the person who runs it: results and notes, errors with the remedy,
//! and the end by Ctrl-C.
//!
//! It knows nothing of Baton. The one entry point is [`run`].

pub mod advice;
pub mod interrupt;
pub mod output;

use std::process::ExitCode;

use anyhow::Result;
use tracing::level_filters::LevelFilter;

use crate::interrupt::Interrupt;

/// Does what a program is for, unless it is interrupted, and reports the error if there is one.
#[must_use]
pub fn run(log: LevelFilter, work: impl AsyncFnOnce(Interrupt) -> Result<()>) -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(log)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return advice::report(&anyhow::Error::from(error).context("starting")),
    };
    let result = runtime.block_on(async { work(Interrupt::listen()?).await });
    // A thread that still reads standard input must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => advice::report(&error),
    }
}
