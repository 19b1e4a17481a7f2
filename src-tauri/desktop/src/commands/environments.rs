//! The environments of a project.

use nonevent_engine::model::{EnvironmentName, Plan, ProjectName, RunId};
use nonevent_engine::pages::{HeldPage, PlanRequest};
use nonevent_notifier::browser;
use tauri::State;

use crate::desk::{Answer, Desk};
use crate::work::Call;

/// Opens an environment's app in the browser. The page names the environment, never the address.
#[tauri::command]
#[specta::specta]
pub async fn open_environment(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName) -> Answer<()> {
    let call = Call::new("open_environment", (&project, &environment));
    let asked = desk.ask(|engine| async move {
        let folder = engine.folder_of(&project)?;
        browser::of_project(&engine, &folder, &engine.url(&folder, &environment).await?)
    });
    let opened = async {
        let address = asked.await?;
        desk.aside(move || browser::open(&address)).await
    };
    desk.work().shared(call, opened).await
}

/// Opens the new instances that a run shows before traffic moves to them. The page names the run, never the address.
#[tauri::command]
#[specta::specta]
pub async fn open_preview(desk: State<'_, Desk>, run: RunId) -> Answer<()> {
    let address = desk.read(move |engine| engine.preview_of(&run)).await?;
    desk.aside(move || browser::open(&browser::local(&address)?)).await
}

/// Ends what a process that is gone left in the middle of an environment; tells what was done, in words.
#[tauri::command]
#[specta::specta]
pub async fn recover(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName) -> Answer<Vec<String>> {
    let call = Call::new("recover", (&project, &environment));
    let recovered = desk.ask(|engine| async move { engine.recover(&engine.folder_of(&project)?, Some(&environment)).await });
    desk.once(call, recovered).await
}

/// Tells what a run would do to an environment.
#[tauri::command]
#[specta::specta]
pub async fn plan(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    request: PlanRequest,
) -> Answer<Plan> {
    desk.ask(|engine| async move { engine.plan(&engine.folder_of(&project)?, &environment, &request).await }).await
}

/// Tells who holds an environment; none where nobody does.
#[tauri::command]
#[specta::specta]
pub async fn lock_of(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName) -> Answer<Option<HeldPage>> {
    desk.ask(|engine| async move { engine.held_page(&project, &environment).await }).await
}

/// Takes the lock away from the holder of a number; false when that one gave it back meanwhile. `typed` is the environment's name, which
/// is needed when the holder lives.
#[tauri::command]
#[specta::specta]
pub async fn unlock(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    number: u64,
    typed: Option<String>,
) -> Answer<bool> {
    let call = Call::new("unlock", (&project, &environment, number, &typed));
    let taken =
        desk.ask(move |engine| async move { engine.take_lock_away(&project, &environment, number, typed.as_deref()).await });
    desk.once(call, taken).await
}
