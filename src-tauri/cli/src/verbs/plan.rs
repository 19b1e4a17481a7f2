//! `nonevent plan`

use nonevent_engine::model::EnvironmentName;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;
use crate::tell::plan_lines;
use crate::{args, help};

/// Show what a ship, or a rollback, would do to an environment, and whether requests would be lost
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent plan", "for `local`"),
    ("nonevent plan --to 3f2a", "for a rollback to the release whose id begins so"),
    ("nonevent plan production --json", "as one object"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// For a rollback to this release, or to the beginning of its id
    #[arg(long, value_name = "RELEASE")]
    to: Option<String>,
}

/// Plans.
///
/// # Errors
/// When there is no release to plan for, or the environment cannot be observed.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let plan = match &args.to {
        Some(release) => engine.plan_rollback(&folder, &args.environment, release).await?,
        None => engine.plan(&folder, &args.environment).await?,
    };
    session.answer("plan", json!({ "plan": plan }), |view| plan_lines(&plan, view.paint).join("\n"));
    Ok(Exit::Done)
}
