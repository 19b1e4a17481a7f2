//! Starting, following and stopping runs.

use nonevent_engine::model::{ProjectName, RunId};
use nonevent_engine::pages::RunRequest;
use tauri::State;
use tauri::ipc::Channel;

use crate::desk::{Answer, Desk};
use crate::runs::Lines;

/// Starts a run, which goes on whatever becomes of the page. `typed` is the environment's name, where it is asked for.
#[tauri::command]
#[specta::specta]
pub async fn begin_run(desk: State<'_, Desk>, project: ProjectName, request: RunRequest, typed: Option<String>) -> Answer<RunId> {
    let runs = desk.runs();
    desk.ask(|engine| async move { Ok(runs.attend(engine.begin(&project, request, typed.as_deref()).await?)) }).await
}

/// Asks for a run to be stopped cleanly, whichever process it runs in; false when it has ended already.
#[tauri::command]
#[specta::specta]
pub async fn cancel_run(desk: State<'_, Desk>, run: RunId) -> Answer<bool> {
    desk.read(move |engine| engine.cancel(&run)).await
}

/// Sends the output of a run of this window, in place of the one before. False when another process runs it: its output is there.
#[tauri::command]
#[specta::specta]
pub async fn follow_lines(desk: State<'_, Desk>, run: RunId, page: Channel<Lines>) -> Answer<bool> {
    let runs = desk.runs();
    let ours = runs.knows(&run);
    desk.keep_lines(async move {
        runs.follow(&run, |lines| page.send(lines).is_ok()).await;
    })
    .await;
    Ok(ours)
}
