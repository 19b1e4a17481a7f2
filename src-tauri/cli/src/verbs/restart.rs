//! `nonevent restart`

use nonevent_engine::model::EnvironmentName;
use nonevent_engine::request::Asked;

use crate::confirm::Consent;
use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::carry;
use crate::interrupt::Interrupts;
use crate::session::Session;
use crate::{args, help};

/// Replace every instance by a fresh one of the same release, without losing a request
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent restart", "`local`"),
    ("nonevent restart production --yes", "where nobody can type its name"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    #[command(flatten)]
    said: args::Said,
    /// Ask nothing: neither for the name of a protected environment, nor whether requests may be lost
    #[arg(short, long)]
    yes: bool,
}

/// Restarts.
///
/// # Errors
/// When the environment is not confirmed, nothing serves there, or the run fails.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let consent = Consent::from_flag(args.yes);
    let asked = Asked { consent: session.consent(consent), ..args.said.asked() };
    let (engine, folder) = (session.engine()?.asked(asked), session.folder()?);
    session.confirm_protected(&engine, &folder, &args.environment, consent)?;
    let interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    carry(session, "restart", interrupts, engine.restart(&folder, &args.environment)).await
}
