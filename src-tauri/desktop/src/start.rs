//! From the process's start to its window.

use std::process::ExitCode;

use tauri::{AppHandle, Manager, Window, WindowEvent};

use crate::desk::Desk;
use crate::preferences::{Preferences, Theme};
use crate::{home, ipc, log};

/// Opens the window and stays until it is closed.
///
/// Nothing is read or asked before the window is there; a second start brings the first one's window to the front and ends.
pub fn main() -> ExitCode {
    nonevent_engine::process::write_no_core();
    log::start();
    let app = tauri::Builder::default()
        // Must be the first plugin: a second process ends in its set-up.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| bring_to_front(app)))
        .plugin(tauri_plugin_dialog::init())
        .manage(Desk::default())
        .setup(|app| {
            // One small file, before the window is drawn: the wrong theme would be seen.
            if let Ok(home) = home::here() {
                wear(app.handle(), Preferences::read(&home.data).theme);
            }
            Ok(())
        })
        .on_window_event(finish_first)
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

/// Gives window and page a theme.
pub fn wear(app: &AppHandle, theme: Theme) {
    app.set_theme(match theme {
        Theme::System => None,
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
    });
}

/// A window that is closed while a run of its own goes on only disappears, and the process ends with the run: a rollout is not cut off. A
/// run that asks is stopped: nobody is there to answer.
fn finish_first(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let runs = window.state::<Desk>().runs();
    let mut busy = runs.busy();
    if *busy.borrow_and_update() == 0 {
        return;
    }
    api.prevent_close();
    if let Err(error) = window.hide() {
        tracing::warn!(error = %error, "the window stays while a run goes on");
    }
    runs.left();
    let window = window.clone();
    tauri::async_runtime::spawn(async move {
        let _ = busy.wait_for(|count| *count == 0).await;
        // A second start may have brought it back meanwhile.
        if !window.is_visible().unwrap_or(false) {
            window.app_handle().exit(0);
        }
    });
}

fn bring_to_front(app: &AppHandle) {
    let Some(window) = app.get_webview_window("main") else { return };
    app.state::<Desk>().runs().seen();
    for result in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = result {
            tracing::warn!(error = %error, "the window did not come to the front");
        }
    }
}
