//! `nonevent open`

use std::ffi::OsString;

use nonevent_engine::model::EnvironmentName;
use nonevent_notifier::browser::{self, Url};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::{Format, Session};
use crate::{args, help};

/// Open the app in the browser; print its address where none can be opened
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
/// When nothing serves there, the app has no web process, or its address is none that the project declares.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let address = engine.url(&folder, &args.environment).await?;
    let opened = show(&browser::of_project(&engine, &folder, &address)?);
    match (opened, session.format) {
        (true, Format::Human) => session.remark(&format!("opened {address}")),
        _ => session.answer("open", json!({ "url": address, "opened": opened }), |_| address.clone()),
    }
    Ok(Exit::Done)
}

/// Shows an address in the person's browser; false where none takes it. Takes a moment.
pub fn show(url: &Url) -> bool {
    has_display(std::env::consts::OS, |name| std::env::var_os(name)) && browser::open(url).is_ok()
}

/// Tells whether there is a display: a browser that writes to the terminal would not be seen.
pub fn has_display(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let named = || ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    matches!(system, "macos" | "windows") || named()
}
