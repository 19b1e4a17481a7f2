//! `nonevent desktop`

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nonevent_engine::process::see_off;
use nonevent_notifier::Address;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::{Format, Session};
use crate::{args, help};

const BINARY: &str = "nonevent-desktop";

/// Open the window
///
/// With an address, such as a notification or a chat holds it, at that screen.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent desktop", "every project of this laptop, with its lights"),
    ("nonevent desktop nonevent://project/shop", "at a screen"),
    ("nonevent projects", "the same in the terminal"),
]))]
pub struct Args {
    /// The screen: nonevent://project/NAME, and below it /environment/NAME, /run/ID, /release/ID, /health/ENVIRONMENT or /logs/ENVIRONMENT
    #[arg(value_parser = args::address)]
    address: Option<Address>,
}

/// Starts the window and does not wait for it.
///
/// # Errors
/// When it is not installed or cannot be started.
pub fn run(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let program = installed().ok_or_else(|| CliError::NoWindow { binary: BINARY, beside: beside() })?;
    start(&program, args.address.as_ref())
        .map_err(|source| CliError::CannotStart { program: program.display().to_string(), source })?;
    match session.format {
        Format::Json => session.answer("desktop", json!({ "started": program }), |_| String::new()),
        Format::Human => session.remark("the window opens"),
    }
    Ok(Exit::Done)
}

/// Returns the window's program, where it is installed.
pub fn installed() -> Option<PathBuf> {
    find(beside().as_deref(), std::env::var_os("PATH").as_deref())
}

/// Starts the window, at a screen where one is named.
///
/// # Errors
/// When the system does not start it.
pub fn start(program: &Path, address: Option<&Address>) -> std::io::Result<()> {
    let mut command = Command::new(program);
    command.args(address.map(ToString::to_string));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // In a group of its own, so that a Ctrl-C in this terminal does not close it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    // It is told everything: a window may need what opens the vault.
    command.spawn().map(see_off)
}

fn beside() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_owned)
}

/// Beside this executable first: what was installed together belongs together.
fn find(beside: Option<&Path>, path: Option<&OsStr>) -> Option<PathBuf> {
    let name = format!("{BINARY}{}", std::env::consts::EXE_SUFFIX);
    let on_path = path.into_iter().flat_map(std::env::split_paths).filter(|folder| !folder.as_os_str().is_empty());
    beside.map(Path::to_owned).into_iter().chain(on_path).map(|folder| folder.join(&name)).find(|file| file.is_file())
}
