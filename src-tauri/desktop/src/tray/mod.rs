//! The icon in the tray, where a desktop has one: the worst state, what needs a look, the last rollouts.

mod glance;
mod host;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nonevent_engine::{Engine, EngineError};
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItemBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, async_runtime, include_image};
use tokio::sync::oneshot;

use crate::desk::{Answer, Desk};
use crate::watching::{Watcher, Watching};
use crate::{home, links, window};
use glance::{Glance, Light};

const ID: &str = "nonevent";
const OPEN: &str = "open";
const QUIT: &str = "quit";

/// Time between two looks at how everything fares; a change in this home is seen at once.
const LOOK: Duration = Duration::from_secs(10);
/// Changes come in bursts.
const CALM: Duration = Duration::from_millis(500);
/// Time until an engine that could not be opened is asked again.
const AGAIN: Duration = Duration::from_secs(30);

/// Whether there is an icon.
#[derive(Debug, Default)]
pub struct Tray {
    begun: AtomicBool,
    shown: AtomicBool,
}

impl Tray {
    /// Tells whether there is an icon now.
    pub fn is_shown(&self) -> bool {
        self.shown.load(Ordering::SeqCst)
    }
}

/// Shows the icon whenever there is a tray, unless that has begun.
pub fn begin(app: &AppHandle) {
    if !app.state::<Tray>().begun.swap(true, Ordering::SeqCst) {
        async_runtime::spawn(keep(app.clone()));
    }
}

/// Does what a line of the menu says.
pub fn chosen(app: &AppHandle, line: &str) {
    match line {
        OPEN => window::open(app),
        QUIT => window::leave(app),
        address => links::open(app, address),
    }
}

async fn keep(app: AppHandle) {
    let Some(mut host) = host::Host::find().await else { return };
    if !host.comes().await {
        return;
    }
    let Some(icon) = make(&app).await else { return };
    loop {
        show_icon(&app, &icon, true);
        tokio::select! {
            () = host.goes() => {}
            () = fill(&app, &icon) => {}
        }
        // Hidden, not taken away: the system's library would not give its place to another one.
        show_icon(&app, &icon, false);
        if !host.comes().await {
            return;
        }
    }
}

fn show_icon(app: &AppHandle, icon: &TrayIcon, is_shown: bool) {
    app.state::<Tray>().shown.store(is_shown, Ordering::SeqCst);
    if let Err(error) = icon.set_visible(is_shown) {
        tracing::warn!(%error, "the tray was not changed");
    }
}

/// Keeps the icon true.
async fn fill(app: &AppHandle, icon: &TrayIcon) {
    let mut watcher = app.state::<Watching>().watcher();
    let mut shown = None;
    loop {
        let Ok(engine) = app.state::<Desk>().engine().await else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        let Ok(mut changes) = engine.changes() else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        loop {
            let who = watcher.borrow_and_update().clone();
            if let Ok(glance) = glance(&engine, app, who).await
                && shown.as_ref() != Some(&glance)
            {
                if let Err(error) = show(app, icon, &glance) {
                    tracing::warn!(%error, "the tray was not changed");
                }
                shown = Some(glance);
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                _ = watcher.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            tokio::time::sleep(CALM).await;
            changes.borrow_and_update();
        }
    }
}

async fn glance(engine: &Engine, app: &AppHandle, who: Watcher) -> Answer<Glance> {
    let engine = engine.clone();
    app.state::<Desk>()
        .aside(move || {
            let (lights, rollouts) = (engine.lights()?, engine.latest_rollouts(glance::ROLLOUTS)?);
            Ok::<_, EngineError>(Glance::of(&lights, &rollouts, &who))
        })
        .await
}

fn show(app: &AppHandle, icon: &TrayIcon, glance: &Glance) -> tauri::Result<()> {
    icon.set_icon(Some(picture(glance.light)))?;
    icon.set_tooltip(Some(format!("Nonevent: {}", glance.headline)))?;
    icon.set_menu(Some(menu(app, glance)?))
}

fn menu(app: &AppHandle, glance: &Glance) -> tauri::Result<Menu<tauri::Wry>> {
    let mut menu = MenuBuilder::new(app).item(&MenuItemBuilder::new(&glance.headline).enabled(false).build(app)?);
    for line in &glance.places {
        menu = menu.text(&line.address, &line.text);
    }
    if !glance.rollouts.is_empty() {
        menu = menu.separator().item(&MenuItemBuilder::new("Last rollouts").enabled(false).build(app)?);
    }
    for line in &glance.rollouts {
        menu = menu.text(&line.address, &line.text);
    }
    menu.separator().text(OPEN, "Open Nonevent").text(QUIT, "Quit").build()
}

fn picture(light: Light) -> Image<'static> {
    match light {
        Light::Healthy => include_image!("icons/tray/healthy.png"),
        Light::Degraded => include_image!("icons/tray/degraded.png"),
        Light::Down => include_image!("icons/tray/down.png"),
        Light::Unknown => include_image!("icons/tray/unknown.png"),
    }
}

/// Makes the icon; none where the system's library for it is missing.
async fn make(app: &AppHandle) -> Option<TrayIcon> {
    let (tell, told) = oneshot::channel();
    let handle = app.clone();
    // On the main thread, and with a net: where the library is missing, a panic says so, and must not reach the event loop.
    let asked = app.run_on_main_thread(move || {
        let made = catch_unwind(AssertUnwindSafe(|| build(&handle)));
        let _ = tell.send(made.ok());
    });
    if let Err(error) = asked {
        tracing::warn!(%error, "there is no tray icon");
        return None;
    }
    match told.await {
        Ok(Some(Ok(icon))) => Some(icon),
        Ok(Some(Err(error))) => {
            tracing::warn!(%error, "there is no tray icon");
            None
        }
        _ => {
            tracing::warn!("there is no tray icon: libayatana-appindicator3 cannot be loaded");
            None
        }
    }
}

fn build(app: &AppHandle) -> tauri::Result<TrayIcon> {
    let glance = Glance::of(&[], &[], &Watcher::Looking);
    let mut builder = TrayIconBuilder::with_id(ID)
        .icon(picture(glance.light))
        .tooltip("Nonevent")
        .menu(&menu(app, &glance)?)
        .show_menu_on_left_click(true);
    if let Ok(home) = home::here() {
        builder = builder.temp_dir_path(home.cache.join("tray"));
    }
    builder.build(app)
}
