//! From the process's start to its window, or to its watch without one.

use std::process::ExitCode;

use tauri::plugin::TauriPlugin;
use tauri::webview::PageLoadEvent;
use tauri::{AppHandle, Context, Manager, RunEvent, Wry};

use crate::desk::Desk;
use crate::links::{self, Start};
use crate::news::Wire;
#[cfg(unix)]
use crate::signals;
use crate::tray::Tray;
use crate::watching::Watching;
use crate::window::{self, Frame};
use crate::{home, ipc, log, login, tray};

/// Opens the window, unless it is to begin hidden, and stays until a person quits.
///
/// Nothing is read or asked before the window is there; a second start brings the first one's window to the front and ends.
pub fn main() -> ExitCode {
    nonevent_engine::process::write_no_core();
    log::start();
    let context: Context<Wry> = tauri::generate_context!();
    let app = tauri::Builder::default()
        // Must be the first plugin: a second process ends in its set-up.
        .plugin(one_for_each_home(&context.config().identifier))
        .plugin(tauri_plugin_dialog::init())
        .plugin(window::bounds())
        .plugin(login::plugin())
        .manage(Desk::default())
        .manage(Frame::default())
        .manage(Watching::default())
        .manage(Wire::default())
        .manage(Tray::default())
        .setup(|app| {
            #[cfg(unix)]
            signals::heed(app.handle());
            if let Err(error) = begin(app.handle()) {
                not_opened(&error.to_string());
                app.handle().exit(2);
            }
            Ok(())
        })
        .on_page_load(|page, load| {
            if load.event() == PageLoadEvent::Finished {
                settle(page.app_handle());
            }
        })
        .on_menu_event(|app, event| tray::chosen(app, event.id().as_ref()))
        .on_window_event(window::on_event)
        .invoke_handler(ipc::bridge().invoke_handler())
        .build(context);
    match app {
        Ok(app) => {
            app.run(on_event);
            ExitCode::SUCCESS
        }
        Err(tauri::Error::PluginInitialization(plugin, error)) if plugin == "single-instance" => start_again(&error),
        Err(error) => not_opened(&error.to_string()),
    }
}

/// A second process of a home is followed, and ends. On Windows and macOS the plug-in knows one process for all homes.
fn one_for_each_home(identifier: &str) -> TauriPlugin<Wry> {
    let plugin = tauri_plugin_single_instance::Builder::<Wry>::new()
        .callback(|app, words, _| links::follow(app, &Start::read(words.into_iter().skip(1))));
    match home::here().ok().as_ref().and_then(home::mark) {
        Some(mark) => plugin.dbus_id(format!("{identifier}.{mark}")).build(),
        None => plugin.build(),
    }
}

fn begin(app: &AppHandle) -> tauri::Result<()> {
    match Start::read(std::env::args().skip(1)) {
        Start::Hidden => {
            app.state::<Desk>().runs().left();
            settle(app);
        }
        start => {
            // First: the window then does not begin where it was left.
            if let Start::Screen(address) = &start {
                links::announce(app, address);
            }
            window::make(app)?;
        }
    }
    Ok(())
}

/// Begins what needs not be there before the window is.
fn settle(app: &AppHandle) {
    app.state::<Watching>().begin(app);
    tray::begin(app);
}

fn on_event(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::ExitRequested { code, api, .. } => window::on_exit_requested(code, &api),
        // Where the system hands over addresses itself.
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => {
            for url in urls {
                links::open(app, url.as_str());
            }
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window::open(app),
        _ => {}
    }
    #[cfg(not(target_os = "macos"))]
    let _ = app;
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
