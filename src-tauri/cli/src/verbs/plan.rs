//! `nonevent plan`

use nonevent_engine::model::EnvironmentName;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;
use crate::tell::plan_lines;
use crate::{args, help};

/// Show what a ship would do to an environment, and whether requests would be lost
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent plan", "for `local`"),
    ("nonevent plan production --json", "as one object"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
}

/// Plans.
///
/// # Errors
/// When there is no release to plan for, or the environment cannot be observed.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let plan = session.engine()?.plan(&session.folder()?, &args.environment).await?;
    session.answer("plan", json!({ "plan": plan }), |view| plan_lines(&plan, view.paint).join("\n"));
    Ok(Exit::Done)
}
