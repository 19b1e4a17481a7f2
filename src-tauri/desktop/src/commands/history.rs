//! What is remembered of a project: runs, releases, rollouts.

use nonevent_engine::model::{EnvironmentName, ProjectName, ReleaseDiff, ReleaseId, RolloutRecord, RunId, RunRecord};
use nonevent_engine::pages::{ReleaseHeader, ReleasePage, RunPage};
use tauri::State;

use crate::desk::{Answer, Desk};

/// As many runs as the list of a project shows.
const RUNS: u32 = 1_000;
/// As many events as one answer about a run holds.
const EVENTS: u32 = 1_000;

/// Learns the releases and rollouts of other laptops that a project's targets still tell of: asked once, when a project is opened. True when
/// any was new: then releases and rollouts are to be read again. False, and no error, where no engine answers.
#[tauri::command]
#[specta::specta]
pub async fn learn_history(desk: State<'_, Desk>, project: ProjectName) -> Answer<bool> {
    desk.ask(|engine| async move { engine.learn_history(&project).await }).await
}

/// Lists the newest runs of a project, at most 1,000.
#[tauri::command]
#[specta::specta]
pub async fn project_runs(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<RunRecord>> {
    desk.read(move |engine| engine.runs(&project, RUNS)).await
}

/// Reads a run and what happened in it after a sequence number, at most 1,000 events.
#[tauri::command]
#[specta::specta]
pub async fn run_page(desk: State<'_, Desk>, run: RunId, after: i64) -> Answer<RunPage> {
    desk.read(move |engine| engine.run_page(&run, after, EVENTS)).await
}

/// Lists a project's releases, the newest first.
#[tauri::command]
#[specta::specta]
pub async fn project_releases(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<ReleaseHeader>> {
    desk.read(move |engine| engine.release_headers(&project)).await
}

/// Reads a release beside the one before it.
#[tauri::command]
#[specta::specta]
pub async fn release_page(desk: State<'_, Desk>, project: ProjectName, release: ReleaseId) -> Answer<ReleasePage> {
    desk.read(move |engine| engine.release_page(&project, &release)).await
}

/// Tells what differs between two releases, and between what an environment added to each.
#[tauri::command]
#[specta::specta]
pub async fn release_diff(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    from: ReleaseId,
    to: ReleaseId,
) -> Answer<ReleaseDiff> {
    desk.ask(move |engine| async move {
        engine.diff(&engine.folder_of(&project)?, &environment, Some(from.as_str()), Some(to.as_str())).await
    })
    .await
}

/// Lists the newest rollouts of a project.
#[tauri::command]
#[specta::specta]
pub async fn project_rollouts(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<RolloutRecord>> {
    desk.read(move |engine| engine.rollouts(&project)).await
}
