//! The window itself: its settings, its folder, and a person's editor.

use std::path::PathBuf;

use nonevent_engine::EngineError;
use nonevent_engine::model::{Excerpt, ProjectName};
use nonevent_engine::pages::FolderSize;
use nonevent_notifier::outside;
use serde::Serialize;
use specta::Type;
use tauri::{AppHandle, State};

use crate::desk::{Answer, Desk, told};
use crate::editor::{self, Editor};
use crate::preferences::Preferences;
use crate::{home, window};

/// The folders that Nonevent uses on this laptop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct Folders {
    /// State and history.
    pub data: FolderSize,
    /// What can be made again.
    pub cache: FolderSize,
    /// The window's version.
    pub version: String,
}

/// Returns the window's settings.
#[tauri::command]
#[specta::specta]
pub async fn preferences(desk: State<'_, Desk>) -> Answer<Preferences> {
    desk.aside(|| Ok(Preferences::read(&home::here()?.data))).await
}

/// Keeps the window's settings.
#[tauri::command]
#[specta::specta]
pub async fn keep_preferences(app: AppHandle, desk: State<'_, Desk>, preferences: Preferences) -> Answer<()> {
    window::wear(&app, preferences.theme);
    desk.aside(move || preferences.keep(&home::here()?.data)).await
}

/// Returns the editors of this laptop that can be told a line.
#[tauri::command]
#[specta::specta]
pub async fn editors(desk: State<'_, Desk>) -> Answer<Vec<Editor>> {
    desk.aside(|| Ok(editor::installed())).await
}

/// Returns the folders that are used and what is in them.
#[tauri::command]
#[specta::specta]
pub async fn folders(desk: State<'_, Desk>) -> Answer<Folders> {
    desk.aside(|| {
        let home = home::here()?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Folders { data: FolderSize::of(home.data), cache: FolderSize::of(home.cache), version })
    })
    .await
}

/// Shows the folder of state and history in the system's file browser.
#[tauri::command]
#[specta::specta]
pub async fn reveal_data(desk: State<'_, Desk>) -> Answer<()> {
    desk.aside(|| {
        let folder = home::here()?.data;
        outside::open(&folder).map_err(|error| {
            EngineError::user("no_browser", format!("{} was not opened: {error}", folder.display())).with_hint("copy its path")
        })
    })
    .await
}

/// Reads a few lines of a project's file around one of them.
#[tauri::command]
#[specta::specta]
pub async fn excerpt(desk: State<'_, Desk>, project: ProjectName, file: PathBuf, line: u32) -> Answer<Excerpt> {
    desk.read(move |engine| engine.excerpt(&project, &file, line)).await
}

/// Shows a line of a project's file in a person's editor.
#[tauri::command]
#[specta::specta]
pub async fn open_in_editor(desk: State<'_, Desk>, project: ProjectName, file: PathBuf, line: u32) -> Answer<()> {
    let path = desk.read(move |engine| engine.file_of(&project, &file)).await?;
    let chosen = home::here().map_err(told)?;
    desk.aside(move || editor::show(Preferences::read(&chosen.data).editor, &path, line)).await
}
