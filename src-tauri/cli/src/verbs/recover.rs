//! `nonevent recover`

use nonevent_engine::model::EnvironmentName;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;
use crate::{args, help};

/// Finish or undo what a process that ended had left in the middle
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent recover", "after a crash, or on another laptop"),
    ("nonevent recover production", "one environment alone"),
    ("nonevent recover --json", "what was done, as one object"),
]))]
pub struct Args {
    /// Only this environment
    #[arg(value_parser = args::environment)]
    environment: Option<EnvironmentName>,
}

/// Recovers.
///
/// # Errors
/// When the environments cannot be observed.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let done = session.engine()?.recover(&session.folder()?, args.environment.as_ref()).await?;
    session.answer("recover", json!({ "done": done }), |_| match done.is_empty() {
        true => "nothing was left in the middle".into(),
        false => done.join("\n"),
    });
    Ok(Exit::Done)
}
