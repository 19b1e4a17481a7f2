//! `nonevent init`

use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::Session;

/// Write a commented `nonevent.toml`; what is there is kept
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent init", "optional: without it everything is inferred"),
    ("nonevent explain", "what is in effect, and why"),
]))]
pub struct Args {}

/// Writes the configuration.
///
/// # Errors
/// When the project cannot be read or the file not be written.
pub fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (file, added) = session.engine()?.init(&session.folder()?)?;
    session.answer("init", json!({ "file": file, "added": added }), |_| match added.is_empty() {
        true => format!("{} has everything already", file.display()),
        false => format!("{}: added {}", file.display(), added.join(", ")),
    });
    Ok(Exit::Done)
}
