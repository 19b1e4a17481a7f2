//! Starting with the desktop: hidden, so that what serves is watched from the login on.

use nonevent_engine::EngineError;
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Wry};
use tauri_plugin_autostart::{MacosLauncher, ManagerExt as _};

use crate::links::HIDDEN;

/// Returns what knows how each system starts programs at login.
pub fn plugin() -> TauriPlugin<Wry> {
    tauri_plugin_autostart::init(MacosLauncher::LaunchAgent, Some(vec![HIDDEN]))
}

/// Tells whether this program starts at login.
///
/// # Errors
/// When the system does not tell.
pub fn is_on(app: &AppHandle) -> Result<bool, EngineError> {
    app.autolaunch().is_enabled().map_err(|error| unknown(&error))
}

/// Starts it at login from now on, or no longer.
///
/// # Errors
/// When the system refuses it.
pub fn choose(app: &AppHandle, start: LoginStart) -> Result<(), EngineError> {
    let login = app.autolaunch();
    let done = match start {
        LoginStart::AtLogin => login.enable(),
        // What is not there need not be taken away.
        LoginStart::ByHand if !login.is_enabled().unwrap_or(true) => Ok(()),
        LoginStart::ByHand => login.disable(),
    };
    done.map_err(|error| unknown(&error))
}

/// When this program starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum LoginStart {
    /// With the desktop.
    AtLogin,
    /// When a person starts it.
    ByHand,
}

fn unknown(error: &tauri_plugin_autostart::Error) -> EngineError {
    EngineError::user("login", "the system’s list of programs that start at login cannot be used")
        .with_cause(error.to_string())
        .with_hint("add `nonevent-desktop --hidden` to it by hand: in the desktop’s settings")
}
