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
        Err(tauri::Error::PluginInitialization(plugin, error)) if plugin == "single-instance" => start_again(&error),
        Err(error) => not_opened(&error.to_string()),
    }
}

fn not_opened(error: &str) -> ExitCode {
    tracing::error!(error, "the window cannot be opened");
    ExitCode::from(2)
}

/// Starts anew when the first process was ending while it was told of this one: nobody is first then.
#[cfg(unix)]
fn start_again(error: &str) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    const STARTS: &str = "NONEVENT_WINDOW_STARTS";
    const MOST: u32 = 10;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

    let starts = std::env::var(STARTS).ok().and_then(|starts| starts.parse().ok()).unwrap_or(1_u32);
    let Ok(program) = std::env::current_exe() else { return not_opened(error) };
    if starts >= MOST {
        return not_opened(error);
    }
    std::thread::sleep(PAUSE);
    let mut anew = std::process::Command::new(program);
    let failed = anew.args(std::env::args_os().skip(1)).env(STARTS, (starts + 1).to_string()).exec();
    not_opened(&format!("{error}; {failed}"))
}

#[cfg(not(unix))]
fn start_again(error: &str) -> ExitCode {
    not_opened(error)
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
