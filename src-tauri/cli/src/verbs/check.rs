//! `nonevent check`

use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::carry_and;
use crate::help;
use crate::interrupt::Interrupts;
use crate::session::Session;

use super::exports::Exports;
use super::ship;

/// Prove the project: its lock, its image, its gates; nothing is started
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent check", "what a ship would prove, and no more"),
    ("nonevent check --junit tests.xml", "with every test in a file"),
    ("nonevent check --no-cache", "every gate, whatever was green before"),
]))]
pub struct Args {
    /// Run every gate, also those that were green with the same inputs
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    exports: Exports,
}

/// Checks.
///
/// # Errors
/// When a gate is red, or the run fails otherwise.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    let start = std::future::ready(engine.check(&folder, ship::gates(args.no_cache)));
    let exports = args.exports;
    carry_and(session, "check", interrupts, start, |run| exports.after(&engine, run, &folder)).await
}
