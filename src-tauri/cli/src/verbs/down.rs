//! `nonevent down`

use nonevent_engine::Engine;
use nonevent_engine::model::{EnvironmentName, EnvironmentStatus};
use nonevent_engine::target::Leave;

use crate::confirm::{self, Consent};
use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::carry;
use crate::interrupt::Interrupts;
use crate::session::Session;
use crate::{args, help};

/// Remove an environment's instances, services and address; its data stays
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent down", "`local`; the next ship finds its data again"),
    ("nonevent down --data", "its volumes too, after asking"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// Remove its volumes too: what its services and the app keep is lost
    #[arg(long)]
    data: bool,
    #[command(flatten)]
    turn: args::Turn,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Removes an environment.
///
/// # Errors
/// When it is not confirmed, or the run fails.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?.asked(args.turn.asked()), session.folder()?);
    let consent = Consent::from_flag(args.yes);
    let leave = match args.data {
        true => Leave::Nothing,
        false => Leave::Data,
    };
    if leave == Leave::Nothing && consent == Consent::Wanted {
        let lost = lost(&engine, &folder, &args.environment).await?;
        session.remark(&warning(&args.environment, &lost));
        let why = format!("the data of {} is removed for good", args.environment);
        confirm::by_name(session.asker.as_deref_mut(), &args.environment, &why, consent)?;
    } else {
        session.confirm_protected(&engine, &folder, &args.environment, consent)?;
    }
    let interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    carry(session, "down", interrupts, engine.down(&folder, &args.environment, leave)).await
}

/// What keeps data here: services as observed, the app's volumes as configured.
async fn lost(engine: &Engine, folder: &std::path::Path, environment: &EnvironmentName) -> Result<Vec<String>, CliError> {
    let statuses = engine.status(folder).await?;
    let mut lost = statuses.iter().filter(|status| status.environment == *environment).flat_map(kept).collect::<Vec<_>>();
    let settings = engine.explain(folder)?;
    let volumes = settings.iter().filter(|setting| setting.key == "app.volumes" || setting.key.starts_with("app.volumes."));
    lost.extend(
        volumes
            .filter(|setting| !matches!(setting.value.as_str(), "[]" | "{}" | ""))
            .map(|setting| format!("{} = {}", setting.key, setting.value)),
    );
    Ok(lost)
}

fn kept(status: &EnvironmentStatus) -> Vec<String> {
    let volume = |(name, volume): (&String, &String)| format!("{volume}, the data of service `{name}`");
    status.services.iter().filter_map(|service| Some((&service.name, service.volume.as_ref()?))).map(volume).collect()
}

/// Returns what will be lost, as it is said before the question.
pub fn warning(environment: &EnvironmentName, lost: &[String]) -> String {
    match lost.is_empty() {
        true => format!("{environment} keeps no data"),
        false => format!("this will be lost with {environment}:\n  {}", lost.join("\n  ")),
    }
}
