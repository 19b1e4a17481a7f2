//! The Docker engine that is used.

use nonevent_engine::model::EngineInfo;
use nonevent_engine::request::{Garbage, Sweep};
use tauri::State;

use crate::desk::{Answer, Desk};
use crate::work::Call;

/// Tells which Docker engine is used, and why that one.
#[tauri::command]
#[specta::specta]
pub async fn engine_info(desk: State<'_, Desk>) -> Answer<EngineInfo> {
    desk.ask(|engine| async move { engine.docker().await }).await
}

/// Tells what is ours on the engine and no longer needed, or removes it.
#[tauri::command]
#[specta::specta]
pub async fn gc(desk: State<'_, Desk>, sweep: Sweep) -> Answer<Garbage> {
    let swept = desk.ask(move |engine| async move { engine.gc(sweep).await });
    match sweep {
        Sweep::Tell => swept.await,
        Sweep::Remove => desk.once(Call::new("gc", ()), swept).await,
    }
}
