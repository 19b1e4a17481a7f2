//! `nonevent unlock`

use nonevent_engine::model::EnvironmentName;
use nonevent_engine::target::{Held, Life};
use serde_json::json;

use crate::confirm::{self, Consent};
use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;
use crate::words::duration;
use crate::{args, help};

/// Take an environment's lock away from a process that will not give it back
///
/// A lock whose process is gone, or has been silent for 30 s, is taken over by the next verb anyway. This is for the rest: a process that
/// lives and will not end. What it does next is refused by the target, and `nonevent recover` ends what it had left in the middle.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent unlock", "whose lock `local` has, and whether to take it away"),
    ("nonevent unlock production --yes", "without asking, when its process is gone or silent"),
    ("nonevent unlock production --force", "without asking, even when it lives"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// Do not ask when the process is gone or silent
    #[arg(short, long)]
    yes: bool,
    /// Do not ask in any case
    #[arg(long)]
    force: bool,
}

/// Unlocks.
///
/// # Errors
/// When it is not confirmed, or the target does not answer.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let Some(held) = engine.lock_of(&folder, &args.environment).await? else {
        session.answer("unlock", json!({ "unlocked": false, "held": null }), |_| format!("nobody holds {}", args.environment));
        return Ok(Exit::Done);
    };
    session.remark(&told(&args.environment, &held));
    match (args.force, held.life) {
        (true, _) => {}
        (false, Life::Living) if session.asker.is_none() => {
            return Err(CliError::StillWorks { owner: held.holder.owner, environment: args.environment });
        }
        (false, Life::Living) => {
            // `--yes` is for what is clear; stopping somebody who works is not.
            let why = format!("{} still works on {}", held.holder.owner, args.environment);
            confirm::by_name(session.asker.as_deref_mut(), &args.environment, &why, Consent::Wanted)?;
        }
        (false, Life::Silent | Life::Ended) => {
            let question = format!("take the lock of {} away from {}", args.environment, held.holder.owner);
            confirm::yes(session.asker.as_deref_mut(), &question, Consent::from_flag(args.yes))?;
        }
    }
    let unlocked = engine.unlock(&folder, &args.environment, held.number).await?;
    let answer = json!({ "unlocked": unlocked, "held": { "by": held.holder, "fence": held.number, "life": held.life } });
    session.answer("unlock", answer, |_| match unlocked {
        true => format!("{} is free; `nonevent recover` ends what was left in the middle", args.environment),
        false => format!("{} gave it back meanwhile", held.holder.owner),
    });
    Ok(Exit::Done)
}

/// Returns whose lock it is, and when it last showed that it lives.
pub fn told(environment: &EnvironmentName, held: &Held) -> String {
    let silent = duration(u64::try_from(held.silent.as_millis()).unwrap_or(u64::MAX));
    let life = match held.life {
        Life::Living => format!("it lives: its last heartbeat was {silent} ago"),
        Life::Silent => format!("it is silent: its last heartbeat was {silent} ago"),
        Life::Ended => format!("its process on this machine is gone; its last heartbeat was {silent} ago"),
    };
    let holder = &held.holder;
    format!(
        "{environment} is held by {} (process {}) since {}: {}\n{life}",
        holder.owner, holder.pid, holder.since, holder.purpose
    )
}
