//! The Docker engine that is used.

use nonevent_engine::model::EngineInfo;
use tauri::State;

use crate::desk::{Answer, Desk};

/// Tells which Docker engine is used, and why that one.
#[tauri::command]
#[specta::specta]
pub async fn engine_info(desk: State<'_, Desk>) -> Answer<EngineInfo> {
    desk.ask(|engine| async move { engine.docker().await }).await
}
