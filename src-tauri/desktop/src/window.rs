//! The one window: opened, brought back, closed; and the end of the process, which may go on watching without it.
//!
//! A window that is closed is gone, with its page and what that needs of memory. What goes on for it is in the process: runs, the watch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tauri::ipc::Channel;
use tauri::plugin::TauriPlugin;
use tauri::utils::config::WindowConfig;
use tauri::{
    AppHandle, ExitRequestApi, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent, Wry,
    async_runtime,
};
use tauri_plugin_window_state::{AppHandleExt as _, StateFlags};
use tokio::sync::Mutex as Turn;

use crate::desk::Desk;
use crate::home;
use crate::news::{News, Wire};
use crate::preferences::{self, Closing, Kept, Preferences, Theme};
use crate::watching::{PATIENCE, Watching};

const LABEL: &str = "main";
/// Where Tauri serves the page from: scheme, host, port.
const BUNDLE: (&str, Option<&str>, Option<u16>) =
    if cfg!(windows) { ("http", Some("tauri.localhost"), None) } else { ("tauri", Some("localhost"), None) };
/// The file of the home that keeps size and position.
const BOUNDS: &str = "window-bounds.json";

/// What is known of the window beside the window itself.
#[derive(Debug, Default)]
pub struct Frame {
    opening: Turn<()>,
    /// Whether the page asks what shall become of the watch.
    asks: AtomicBool,
    /// What was answered for this time.
    answer: Mutex<Option<Closing>>,
    /// Whether the process is to end, unless somebody opens the window again.
    leaves: AtomicBool,
    ending: Turn<()>,
}

/// Brings the window to the front, making it where there is none.
pub fn open(app: &AppHandle) {
    let frame = app.state::<Frame>();
    frame.leaves.store(false, Ordering::SeqCst);
    app.state::<Desk>().runs().seen();
    app.state::<Watching>().begin(app);
    let app = app.clone();
    // Not here: where it is called from, the main thread may be waiting.
    async_runtime::spawn(async move {
        let frame = app.state::<Frame>();
        let _turn = frame.opening.lock().await;
        match app.get_webview_window(LABEL) {
            Some(window) => bring_to_front(&window),
            None => {
                if let Err(error) = make(&app) {
                    tracing::error!(%error, "the window cannot be opened");
                }
            }
        }
    });
}

/// Makes the window, where the page of the last one was when that was closed.
///
/// # Errors
/// When the system gives none.
pub fn make(app: &AppHandle) -> tauri::Result<()> {
    let Some(config) = app.config().app.windows.first() else { return Ok(()) };
    // One small file, before the window is drawn: the wrong theme would be seen.
    let kept = home::here().map(|home| Kept::read(&home.data)).unwrap_or_default();
    // Who is led to a screen is not led to another one before.
    let url = match kept.place.filter(|_| !app.state::<Wire>().waits()) {
        Some(place) => WebviewUrl::App(format!("index.html#{place}").into()),
        None => config.url.clone(),
    };
    let config = WindowConfig { url, ..config.clone() };
    wear(app, kept.preferences.theme);
    let server = app.config().build.dev_url.clone().filter(|_| tauri::is_dev());
    let builder = WebviewWindowBuilder::from_config(app, &config)?;
    load_anew(&builder.on_navigation(move |address| is_ours(address, server.as_ref())).build()?)
}

/// Tells whether an address is the page's own: of the development server where there is one, else of the bundle.
fn is_ours(address: &Url, server: Option<&Url>) -> bool {
    match server {
        Some(server) => address.origin() == server.origin(),
        None => (address.scheme(), address.host_str(), address.port()) == BUNDLE,
    }
}

/// Loads the page anew when the process that it is in has ended; not when it ended before the page was there: the next one would, too.
#[cfg(target_os = "linux")]
fn load_anew(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::WebViewExt as _;
    let app = window.app_handle().clone();
    window.with_webview(move |page| {
        page.inner().connect_web_process_terminated(move |page, why| {
            tracing::warn!(?why, "the page’s process ended");
            if app.state::<Wire>().lost() {
                page.reload();
            }
        });
    })
}

/// Elsewhere that is done already, by Tauri or by the system.
#[cfg(not(target_os = "linux"))]
fn load_anew(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}

/// Returns what keeps the size and the position of the window in the home; what is seen, and when, stays with this module.
pub fn bounds() -> TauriPlugin<Wry> {
    let plugin = tauri_plugin_window_state::Builder::new().with_state_flags(bounds_kept());
    // Without a home it keeps them by its own rule.
    match home::here().ok().and_then(|home| home.data.join(BOUNDS).into_os_string().into_string().ok()) {
        Some(file) => plugin.with_filename(file).build(),
        None => plugin.build(),
    }
}

fn bounds_kept() -> StateFlags {
    StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED
}

/// Gives window and page a theme.
pub fn wear(app: &AppHandle, theme: Theme) {
    app.set_theme(match theme {
        Theme::System => None,
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
    });
}

/// Hears what happens to the window.
pub fn on_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            let app = window.app_handle();
            if is_to_ask(app) {
                api.prevent_close();
                return;
            }
            remember_place(app);
        }
        WindowEvent::Destroyed => closed(window.app_handle()),
        _ => {}
    }
}

/// Asked once, by the page; who closes the window again while it asks wants it gone.
fn is_to_ask(app: &AppHandle) -> bool {
    let frame = app.state::<Frame>();
    if frame.answer.lock().unwrap_or_else(PoisonError::into_inner).is_some() || settings().closing.is_some() {
        return false;
    }
    !frame.asks.swap(true, Ordering::SeqCst) && app.state::<Wire>().tell(News::Closing)
}

/// Tells a page from now on. What the one before it asked is asked anew.
pub fn attend(app: &AppHandle, page: Channel<News>) {
    app.state::<Frame>().asks.store(false, Ordering::SeqCst);
    app.state::<Wire>().attend(page);
}

/// Takes what a person answered; none: the window stays.
pub fn answer(app: &AppHandle, answer: Option<Closing>) {
    let frame = app.state::<Frame>();
    frame.asks.store(false, Ordering::SeqCst);
    *frame.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    let Some(window) = app.get_webview_window(LABEL).filter(|_| answer.is_some()) else { return };
    if let Err(error) = window.close() {
        tracing::warn!(%error, "the window was not closed");
    }
}

fn remember_place(app: &AppHandle) {
    let url = app.get_webview_window(LABEL).and_then(|window| window.url().ok());
    let place = url.and_then(|url| url.fragment().map(str::to_owned));
    if let Ok(home) = home::here() {
        preferences::keep_place(&home.data, place);
    }
}

fn closed(app: &AppHandle) {
    let frame = app.state::<Frame>();
    frame.asks.store(false, Ordering::SeqCst);
    app.state::<Wire>().lost();
    let desk = app.state::<Desk>();
    desk.runs().left();
    desk.saves().end_all();
    // The process may go on for long, and be ended by force.
    if let Err(error) = app.save_window_state(bounds_kept()) {
        tracing::warn!(%error, "where the window was is not kept");
    }
    let answered = frame.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    if answered.or(settings().closing) != Some(Closing::Keep) {
        leave(app);
    }
}

/// Ends the process when nothing goes on in it any more: what changes something is not cut off. A run that asks is stopped: nobody is there
/// to answer.
pub fn leave(app: &AppHandle) {
    let frame = app.state::<Frame>();
    if frame.leaves.swap(true, Ordering::SeqCst) {
        return;
    }
    if let Some(window) = app.get_webview_window(LABEL) {
        *frame.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(Closing::Quit);
        if let Err(error) = window.close() {
            tracing::warn!(%error, "the window was not closed");
        }
    }
    async_runtime::spawn(end_when_idle(app.clone()));
}

async fn end_when_idle(app: AppHandle) {
    let (frame, desk, watching) = (app.state::<Frame>(), app.state::<Desk>(), app.state::<Watching>());
    let jobs = desk.jobs();
    // One at a time: who came back and quits again is behind who quit first.
    let _turn = frame.ending.lock().await;
    loop {
        desk.work().idle().await;
        if !frame.leaves.load(Ordering::SeqCst) {
            return;
        }
        // Jobs that were begun by hand have the time that those have that were due.
        tokio::join!(watching.end(), jobs.end(PATIENCE));
        if frame.leaves.load(Ordering::SeqCst) && desk.work().is_idle() {
            app.exit(0);
            return;
        }
        // A second start came meanwhile, or a press on a notice.
        watching.begin(&app);
    }
}

/// Without a window the process goes on until [`leave`] ends it.
pub fn on_exit_requested(code: Option<i32>, api: &ExitRequestApi) {
    if code.is_none() {
        api.prevent_exit();
    }
}

fn settings() -> Preferences {
    home::here().map(|home| Preferences::read(&home.data)).unwrap_or_default()
}

fn bring_to_front(window: &WebviewWindow) {
    for result in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = result {
            tracing::warn!(%error, "the window did not come to the front");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_page_stays_at_its_own_address() {
        let [bundle, server] =
            [if cfg!(windows) { "http://tauri.localhost" } else { "tauri://localhost" }, "http://localhost:5173"];
        let parsed = |address: &str| Url::parse(address).unwrap();
        let development = parsed(server);
        for (own, served_by, other) in [(bundle, None, server), (server, Some(&development), bundle)] {
            for place in ["", "/index.html#/projects"] {
                assert!(is_ours(&parsed(&format!("{own}{place}")), served_by), "{own}{place}");
            }
            for address in [
                other,
                "http://tauri.localhost:8080",
                "http://shop.localhost",
                "https://example.com",
                "file:///etc/passwd",
                "about:blank",
            ] {
                assert!(!is_ours(&parsed(address), served_by), "{own} -> {address}");
            }
        }
    }
}
