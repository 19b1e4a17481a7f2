//! What the instances of an environment print.

use std::time::Duration;

use nonevent_engine::model::{EnvironmentName, LogLine, ProjectName};
use nonevent_engine::target::{Follow, LogQuery};
use tauri::State;
use tauri::ipc::Channel;

use crate::desk::{Answer, Desk};

/// The last lines of each instance that are there at once.
const TAIL: u32 = 500;
/// As many as are sent at once.
const BATCH: usize = 1_000;
/// The page is told no more often than it can draw.
const PAUSE: Duration = Duration::from_millis(60);

/// Sends what the instances of an environment print, from their last lines on, in place of what was followed before.
#[tauri::command]
#[specta::specta]
pub async fn follow_logs(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    page: Channel<Vec<LogLine>>,
) -> Answer<()> {
    let query = LogQuery { instance: None, tail: Some(TAIL), follow: Follow::Follow };
    let mut lines =
        desk.ask(|engine| async move { engine.logs(&engine.folder_of(&project)?, &environment, query).await }).await?;
    desk.keep_lines(async move {
        loop {
            let mut batch = Vec::new();
            if lines.recv_many(&mut batch, BATCH).await == 0 || page.send(batch).is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    Ok(())
}

/// Ends what `follow_logs` or `follow_lines` sends.
#[tauri::command]
#[specta::specta]
pub async fn stop_lines(desk: State<'_, Desk>) -> Answer<()> {
    desk.keep_lines(async {}).await;
    Ok(())
}
