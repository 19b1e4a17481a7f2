//! `nonevent plan`

use nonevent_engine::model::{EnvironmentName, ReleaseId};
use nonevent_engine::pages::PlanRequest;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;
use crate::tell::plan_lines;
use crate::{args, help};

/// Show what a ship, a rollback or a restart would do to an environment, and whether requests would be lost
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
    /// For fresh instances of the release that serves
    #[arg(long, conflicts_with = "to")]
    restart: bool,
}

/// Plans.
///
/// # Errors
/// When there is no release to plan for, or the environment cannot be observed.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let request = match args.to {
        Some(release) => PlanRequest::Rollback { release: Some(ReleaseId::new(release)) },
        None if args.restart => PlanRequest::Restart,
        None => PlanRequest::Ship,
    };
    let plan = engine.plan(&folder, &args.environment, &request).await?;
    session.answer("plan", json!({ "plan": plan }), |view| plan_lines(&plan, view.paint).join("\n"));
    Ok(Exit::Done)
}
