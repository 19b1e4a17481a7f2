//! `nonevent check`

use nonevent_engine::request::CheckRequest;

use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::carry;
use crate::help;
use crate::interrupt::Interrupts;
use crate::session::Session;

use super::{ship, watch};

/// Prove the project: its lock, its image, its gates; nothing is started
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent check -v", "with everything that the gates print"),
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
    #[arg(short, long)]
    watch: bool,
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
        return watch::run(&engine, &folder, request, session, interrupts).await;
    }
    carry(session, "check", interrupts, std::future::ready(engine.check(&folder, request))).await
}
