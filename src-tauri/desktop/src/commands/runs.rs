//! Starting, following and stopping runs.

use nonevent_engine::model::{ProjectName, RunId};
use nonevent_engine::pages::{GatePast, RunRequest, Said};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};

use crate::desk::{Answer, Desk};
use crate::printed::Lines;
use crate::saves;

/// As many runs as the trend of a gate shows.
const PAST: u32 = 20;

/// Starts a run, which goes on whatever becomes of the page.
#[tauri::command]
#[specta::specta]
pub async fn begin_run(desk: State<'_, Desk>, project: ProjectName, request: RunRequest, said: Said) -> Answer<RunId> {
    desk.begin_run(project, request, said).await
}

/// Checks a project now and after each save, or no longer, until the window is closed.
#[tauri::command]
#[specta::specta]
pub async fn check_on_save(app: AppHandle, desk: State<'_, Desk>, project: ProjectName, on: bool) -> Answer<()> {
    if on {
        return saves::begin(&app, project).await;
    }
    desk.saves().end(&project);
    Ok(())
}

/// Tells whether a project is checked on save.
#[tauri::command]
#[specta::specta]
pub async fn checks_on_save(desk: State<'_, Desk>, project: ProjectName) -> Answer<bool> {
    Ok(desk.saves().checks(&project))
}

/// Agrees to what a run of this window asks for; false when another process runs it: it asks there.
#[tauri::command]
#[specta::specta]
pub async fn approve_run(desk: State<'_, Desk>, run: RunId) -> Answer<bool> {
    Ok(desk.runs().approve(&run))
}

/// Tells how the gates of the last 20 runs of a project ended, the newest run first.
#[tauri::command]
#[specta::specta]
pub async fn gate_history(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<GatePast>> {
    desk.read(move |engine| engine.gate_history(&project, PAST)).await
}

/// Asks for a run to be stopped cleanly, whichever process it runs in; false when it has ended already.
#[tauri::command]
#[specta::specta]
pub async fn cancel_run(desk: State<'_, Desk>, run: RunId) -> Answer<bool> {
    desk.read(move |engine| engine.cancel(&run)).await
}

/// Sends the output of a run of this window, in place of the one before. False when another process runs it: its output is there.
// Not async: it is begun in the order in which the page asks.
#[expect(clippy::result_large_err, reason = "the page takes the one shape of an error as it is")]
#[tauri::command]
#[specta::specta]
pub fn follow_lines(desk: State<'_, Desk>, run: RunId, page: Channel<Lines>) -> Answer<bool> {
    let runs = desk.runs();
    let ours = runs.knows(&run);
    desk.lines().replace(async move {
        runs.follow(&run, |lines| page.send(lines).is_ok()).await;
    });
    Ok(ours)
}
