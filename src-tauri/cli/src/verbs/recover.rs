//! `nonevent recover`

use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::Session;

/// Finish or undo what a process that ended had left in the middle
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent recover", "after a crash, or on another laptop"),
    ("nonevent recover --json", "what was done, as one object"),
]))]
pub struct Args {}

/// Recovers.
///
/// # Errors
/// When the environments cannot be observed.
pub async fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let done = session.engine()?.recover(&session.folder()?).await?;
    session.answer("recover", json!({ "done": done }), |_| match done.is_empty() {
        true => "nothing was left in the middle".into(),
        false => done.join("\n"),
    });
    Ok(Exit::Done)
}
