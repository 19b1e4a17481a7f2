//! `nonevent check`

use nonevent_engine::request::CheckRequest;

use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::carry_and;
use crate::help;
use crate::interrupt::Interrupts;
use crate::session::Session;

use super::exports::Exports;
use super::{rounds, ship};

/// Prove the project: its lock, its image, its gates; nothing is started
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent check --junit tests.xml", "with every test in a file"),
    ("nonevent check --no-cache", "every gate, whatever was green before"),
    ("nonevent check --watch", "again after each save, only what the change concerns"),
]))]
pub struct Args {
    /// Run every gate, also those that were green with the same inputs
    #[arg(long)]
    no_cache: bool,
    /// Stop the other gates as soon as one is red
    #[arg(long)]
    fail_fast: bool,
    /// Go on: run what a change concerns after each save, until Ctrl-C
    #[arg(short, long, conflicts_with_all = ["sarif", "junit"])]
    watch: bool,
    #[command(flatten)]
    exports: Exports,
}

/// Checks.
///
/// # Errors
/// When a gate is red, or the run fails otherwise.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let request = CheckRequest { gates: ship::gates(args.no_cache), after_red: ship::after_red(args.fail_fast) };
    let interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    if args.watch {
        return rounds::run(&engine, &folder, request, session, interrupts).await;
    }
    let start = std::future::ready(engine.check(&folder, request));
    let exports = args.exports;
    carry_and(session, "check", interrupts, start, |run| exports.after(&engine, run, &folder)).await
}
