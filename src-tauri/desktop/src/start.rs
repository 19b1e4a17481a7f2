//! From the process's start to its window.

use std::process::ExitCode;

use tauri::{AppHandle, Manager};

use crate::desk::Desk;
use crate::{ipc, log};

/// Opens the window and stays until it is closed.
///
/// Nothing is read or asked before the window is there; a second start brings the first one's window to the front and ends.
pub fn main() -> ExitCode {
    log::start();
    let app = tauri::Builder::default()
        // Must be the first plugin: a second process ends in its set-up.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| bring_to_front(app)))
        .plugin(tauri_plugin_dialog::init())
        .manage(Desk::default())
        .invoke_handler(ipc::bridge().invoke_handler())
        .run(tauri::generate_context!());
    match app {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %error, "the window cannot be opened");
            ExitCode::from(2)
        }
    }
}

fn bring_to_front(app: &AppHandle) {
    let Some(window) = app.get_webview_window("main") else { return };
    for result in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = result {
            tracing::warn!(error = %error, "the window did not come to the front");
        }
    }
}
