//! `nonevent desktop`

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::{Format, Session};

const BINARY: &str = "nonevent-desktop";

/// Open the window
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent desktop", "every project of this laptop, with its lights"),
    ("nonevent projects", "the same in the terminal"),
]))]
pub struct Args {}

/// Starts the window and does not wait for it.
///
/// # Errors
/// When it is not installed or cannot be started.
pub fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let program = find(beside.as_deref(), std::env::var_os("PATH").as_deref());
    let program = program.ok_or(CliError::NoWindow { binary: BINARY, beside })?;
    let mut command = Command::new(&program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // In a group of its own, so that a Ctrl-C in this terminal does not close it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|source| CliError::CannotStart { program: program.display().to_string(), source })?;
    match session.format {
        Format::Json => session.answer("desktop", json!({ "started": program }), |_| String::new()),
        Format::Human => session.remark("the window opens"),
    }
    Ok(Exit::Done)
}

/// Beside this executable first: what was installed together belongs together.
fn find(beside: Option<&Path>, path: Option<&OsStr>) -> Option<PathBuf> {
    let name = format!("{BINARY}{}", std::env::consts::EXE_SUFFIX);
    let on_path = path.into_iter().flat_map(std::env::split_paths).filter(|folder| !folder.as_os_str().is_empty());
    beside.map(Path::to_owned).into_iter().chain(on_path).map(|folder| folder.join(&name)).find(|file| file.is_file())
}
