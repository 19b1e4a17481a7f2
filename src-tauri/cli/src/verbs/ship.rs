//! `nonevent ship`

use nonevent_engine::model::EnvironmentName;
use nonevent_engine::request::{AfterRed, Allow, Asked, Bake, Gates, Preview, ShipRequest};

use super::exports::Exports;
use crate::confirm::Consent;
use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::carry_and;
use crate::interrupt::Interrupts;
use crate::session::Session;
use crate::{args, help};

/// Prove the project and bring it up in an environment, without losing a request
///
/// Inspects the project, checks its lock, builds its image, runs its gates in that image, starts fresh instances beside the old
/// ones, moves traffic when they are healthy, and watches. Whatever fails before traffic moves leaves the old release serving.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent ship", "to `local`, on this laptop"),
    ("nonevent ship production --yes", "from CI, where nobody can type its name"),
    ("nonevent ship --json > ship.jsonl", "every event, one object a line"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// Go on although the project has no tests; the release remembers it
    #[arg(long)]
    allow_untested: bool,
    /// Ship uncommitted changes elsewhere than to `local`
    #[arg(long)]
    dirty: bool,
    #[command(flatten)]
    said: args::Said,
    /// Ask nothing: neither for the name of a protected environment, nor whether requests may be lost
    #[arg(short, long)]
    yes: bool,
    /// Before traffic moves, wait for a look at the new instances; `--yes` goes on by itself
    #[arg(long)]
    preview: bool,
    /// Do not wait for the bake; whoever watches ends it, or the next rollout there
    #[arg(long)]
    detach: bool,
    /// Run every gate, also those that were green with the same inputs
    #[arg(long)]
    no_cache: bool,
    /// Stop the other gates as soon as one is red
    #[arg(long)]
    fail_fast: bool,
    #[command(flatten)]
    exports: Exports,
}

impl Args {
    fn request(&self) -> ShipRequest {
        ShipRequest {
            environment: self.environment.clone(),
            untested: allow(self.allow_untested),
            dirty: allow(self.dirty),
            bake: match self.detach {
                true => Bake::Detach,
                false => Bake::Wait,
            },
            gates: gates(self.no_cache),
            after_red: after_red(self.fail_fast),
            preview: match self.preview && !self.yes {
                true => Preview::Ask,
                false => Preview::Tell,
            },
        }
    }
}

/// Reads a flag that lets something pass.
fn allow(flag: bool) -> Allow {
    match flag {
        true => Allow::Yes,
        false => Allow::No,
    }
}

/// Reads `--no-cache`.
pub fn gates(no_cache: bool) -> Gates {
    match no_cache {
        true => Gates::All,
        false => Gates::Changed,
    }
}

/// Reads `--fail-fast`.
pub fn after_red(fail_fast: bool) -> AfterRed {
    match fail_fast {
        true => AfterRed::Stop,
        false => AfterRed::GoOn,
    }
}

/// Ships.
///
/// # Errors
/// When the environment is not confirmed, or the run fails.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let consent = Consent::from_flag(args.yes);
    if args.preview && consent == Consent::Wanted && session.asker.is_none() {
        return Err(CliError::NobodyToAsk { question: "`--preview` waits for somebody to agree".to_owned() });
    }
    let asked = Asked { consent: session.consent(consent), ..args.said.asked() };
    let (engine, folder) = (session.engine()?.asked(asked), session.folder()?);
    session.confirm_protected(&engine, &folder, &args.environment, consent)?;
    let interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    let start = std::future::ready(engine.ship(&folder, args.request()));
    let exports = args.exports;
    carry_and(session, "ship", interrupts, start, |run| exports.after(&engine, run, &folder)).await
}
