//! `nonevent rollback`

use nonevent_engine::model::EnvironmentName;
use nonevent_engine::request::{Allow, Asked};

use crate::confirm::Consent;
use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::carry;
use crate::interrupt::Interrupts;
use crate::session::Session;
use crate::{args, help};

/// Move an environment to an earlier release: nothing is built, no gate runs
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent rollback", "`local`, to the last known good release"),
    ("nonevent rollback 3f2a", "to the release whose id begins so"),
    ("nonevent rollback -e production -m slow", "another environment, with the reason"),
]))]
pub struct Args {
    /// The release, or the beginning of its id; without it, the last known good
    release: Option<String>,
    /// The environment
    #[arg(short = 'e', long = "env", value_name = "ENVIRONMENT", default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    #[command(flatten)]
    said: args::Said,
    /// Go back although the release does not know the database's migrations; the history keeps it
    #[arg(long)]
    anyway: bool,
    /// Ask nothing: neither for the name of a protected environment, nor whether requests may be lost
    #[arg(short, long)]
    yes: bool,
}

/// The words by which an environment goes to its last known good release.
pub(super) fn words(environment: &EnvironmentName) -> [&str; 3] {
    ["rollback", "--env", environment.as_str()]
}

/// Rolls back.
///
/// # Errors
/// When the environment is not confirmed, the release is not known, or the run fails.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let anyway = match args.anyway {
        true => Allow::Yes,
        false => Allow::No,
    };
    let consent = Consent::from_flag(args.yes);
    let asked = Asked { anyway, consent: session.consent(consent), ..args.said.asked() };
    let (engine, folder) = (session.engine()?.asked(asked), session.folder()?);
    session.confirm_protected(&engine, &folder, &args.environment, consent)?;
    let interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    carry(session, "rollback", interrupts, engine.rollback(&folder, &args.environment, args.release.as_deref())).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    #[test]
    fn the_words_that_go_back_name_the_environment_and_no_release() {
        let production = EnvironmentName::new("production");
        let matches = Args::augment_args(Command::new("rollback")).get_matches_from(words(&production));
        let args = Args::from_arg_matches(&matches).unwrap();
        assert_eq!((args.environment, args.release), (production, None));
    }
}
