//! What goes on without the window: the watch, the tray, the start at login; and what the process tells the page unasked.

use serde::Serialize;
use specta::Type;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};

use crate::desk::{Answer, Desk, told};
use crate::login::{self, LoginStart};
use crate::news::News;
use crate::preferences::Closing;
use crate::tray::Tray;
use crate::watching::{Watcher, Watching};
use crate::window;

/// How this process goes on without its window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct Background {
    /// Whether there is an icon in the tray that brings the window back.
    pub tray: bool,
    /// When it starts.
    pub start: LoginStart,
}

/// Tells the page from now on where to go, what went wrong, and that the window is being closed.
#[tauri::command]
#[specta::specta]
pub async fn attend(app: AppHandle, page: Channel<News>) -> Answer<()> {
    window::attend(&app, page);
    Ok(())
}

/// Tells the page who watches this home, as it changes; in place of the page before.
#[tauri::command]
#[specta::specta]
pub async fn follow_watcher(desk: State<'_, Desk>, watching: State<'_, Watching>, page: Channel<Watcher>) -> Answer<()> {
    let mut watcher = watching.watcher();
    watcher.mark_changed();
    desk.watcher().replace(async move {
        while watcher.changed().await.is_ok() && page.send(watcher.borrow_and_update().clone()).is_ok() {}
    });
    Ok(())
}

/// Tries again at once to watch, where nobody does.
#[tauri::command]
#[specta::specta]
pub async fn watch_again(watching: State<'_, Watching>) -> Answer<()> {
    watching.again();
    Ok(())
}

/// Takes what a person answered who closes the window; none: it stays.
#[tauri::command]
#[specta::specta]
pub async fn answer_closing(app: AppHandle, answer: Option<Closing>) -> Answer<()> {
    window::answer(&app, answer);
    Ok(())
}

/// Tells how this process goes on without its window.
#[tauri::command]
#[specta::specta]
pub async fn background(app: AppHandle, tray: State<'_, Tray>) -> Answer<Background> {
    let start = if login::is_on(&app).map_err(told)? { LoginStart::AtLogin } else { LoginStart::ByHand };
    Ok(Background { tray: tray.is_shown(), start })
}

/// Starts this program at login from now on, or no longer.
#[tauri::command]
#[specta::specta]
pub async fn start_at_login(app: AppHandle, desk: State<'_, Desk>, start: LoginStart) -> Answer<()> {
    desk.aside(move || login::choose(&app, start)).await
}
