//! `nonevent open`

use std::ffi::OsString;
use std::process::Command;

use nonevent_engine::model::EnvironmentName;
use nonevent_engine::process;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::{Format, Session};
use crate::{args, help};

/// Open the app in the browser; print its address where there is no display
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent open", "the app in `local`"),
    ("nonevent open staging", "another environment"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
}

/// Opens the app.
///
/// # Errors
/// When nothing serves there, or the app has no web process.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let url = session.engine()?.url(&session.folder()?, &args.environment).await?;
    let opened = opener(std::env::consts::OS, |name| std::env::var_os(name)).is_some_and(|opener| start(opener, &url));
    match (opened, session.format) {
        (true, Format::Human) => session.remark(&format!("opened {url}")),
        _ => session.answer("open", json!({ "url": url, "opened": opened }), |_| url.clone()),
    }
    Ok(Exit::Done)
}

/// Returns the command that opens an address in the person's browser, none where there is no display.
pub fn opener(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<&'static [&'static str]> {
    let display = || ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    match system {
        "macos" => Some(&["open"]),
        // The empty argument is the title that `start` would otherwise take the address for.
        "windows" => Some(&["cmd", "/C", "start", ""]),
        _ if display() => Some(&["xdg-open"]),
        _ => None,
    }
}

/// Shows an address in the person's browser, where there is one.
pub fn show(url: &str) {
    if let Some(opener) = opener(std::env::consts::OS, |name| std::env::var_os(name)) {
        start(opener, url);
    }
}

/// Not waited for: some openers live as long as the browser.
fn start(opener: &[&str], url: &str) -> bool {
    let Some((program, arguments)) = opener.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(arguments).arg(url);
    process::start_apart(command).map(process::see_off).is_ok()
}
