//! What became of tests, from memory: nothing runs.

use nonevent_engine::model::{GateName, ProjectName, RunId, TestPast, TestResult};
use nonevent_engine::pages::SlowTest;
use tauri::State;

use crate::desk::{Answer, Desk};

/// Lists the slowest tests of a run, at most `limit`, the slowest first; without a run, of the newest that has results.
#[tauri::command]
#[specta::specta]
pub async fn slowest_tests(desk: State<'_, Desk>, project: ProjectName, run: Option<RunId>, limit: u16) -> Answer<Vec<SlowTest>> {
    desk.read(move |engine| {
        let results = match run {
            Some(run) => engine.results_of(&run)?,
            None => engine.results(&engine.folder_of(&project)?, None)?,
        };
        engine.slowest_tests(&results, limit.into())
    })
    .await
}

/// Lists every test of a gate of a run, those that passed as well.
#[tauri::command]
#[specta::specta]
pub async fn gate_tests(desk: State<'_, Desk>, run: RunId, gate: GateName) -> Answer<Vec<TestResult>> {
    desk.read(move |engine| engine.gate_tests(&run, &gate)).await
}

/// Tells what became of a test in each of the last 50 runs, the newest first; a part of its id will do that no other test has.
#[tauri::command]
#[specta::specta]
pub async fn test_history(desk: State<'_, Desk>, project: ProjectName, test: String) -> Answer<Vec<TestPast>> {
    desk.read(move |engine| engine.test_history(&engine.folder_of(&project)?, &test)).await
}
