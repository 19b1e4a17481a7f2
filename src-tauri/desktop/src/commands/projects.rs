//! The projects of this home.

use std::path::PathBuf;

use nonevent_engine::model::{DeadLetter, EnvironmentStatus, ProjectName};
use nonevent_engine::pages::ProjectFacts;
use nonevent_engine::request::KnownProjects;
use tauri::{AppHandle, Manager, State};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use crate::desk::{Answer, Desk};
use crate::work::Call;

/// As many notices as nobody took are listed.
const LETTERS: u32 = 100;

/// Lists the projects as they are remembered, at once; what runs is asked for each by `project_status`.
#[tauri::command]
#[specta::specta]
pub async fn known_projects(desk: State<'_, Desk>) -> Answer<KnownProjects> {
    desk.read(|engine| engine.known_projects()).await
}

/// Observes every environment of a project.
#[tauri::command]
#[specta::specta]
pub async fn project_status(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<EnvironmentStatus>> {
    desk.ask(|engine| async move { engine.status(&engine.folder_of(&project)?).await }).await
}

/// Tells what a project is, as its files say now.
#[tauri::command]
#[specta::specta]
pub async fn project_facts(desk: State<'_, Desk>, project: ProjectName) -> Answer<ProjectFacts> {
    desk.read(move |engine| engine.facts(&project)).await
}

/// Mends a project's lock by its own tool and pins its images; tells what changed, in words.
#[tauri::command]
#[specta::specta]
pub async fn mend_lock(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<String>> {
    desk.once(mending(&project), desk.ask(|engine| async move { Ok(engine.lock(&engine.folder_of(&project)?).await?.1) })).await
}

/// Tells whether a project's lock is being mended: for this page, or for one before it.
#[tauri::command]
#[specta::specta]
pub async fn is_mending(desk: State<'_, Desk>, project: ProjectName) -> Answer<bool> {
    Ok(desk.work().goes_on(mending(&project)))
}

/// Lists the last 100 notices of a project that no webhook took, the newest first.
#[tauri::command]
#[specta::specta]
pub async fn dead_letters(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<DeadLetter>> {
    desk.read(move |engine| engine.dead_letters(&engine.folder_of(&project)?, LETTERS)).await
}

/// Writes what was inferred of a project into its configuration, with comments; tells the keys that were added.
#[tauri::command]
#[specta::specta]
pub async fn write_configuration(desk: State<'_, Desk>, project: ProjectName) -> Answer<Vec<String>> {
    let call = Call::new("write_configuration", &project);
    desk.once(call, desk.read(move |engine| Ok(engine.init(&engine.folder_of(&project)?)?.1))).await
}

/// Lets a person choose a folder; none when they think better of it.
#[tauri::command]
#[specta::specta]
pub async fn choose_folder(app: AppHandle) -> Option<PathBuf> {
    let chosen = async {
        let (tell, told) = oneshot::channel();
        app.dialog().file().set_title("Add a project").pick_folder(|folder| drop(tell.send(folder)));
        told.await.ok()??.into_path().ok()
    };
    app.state::<Desk>().work().shared(Call::new("choose_folder", ()), chosen).await
}

/// Adds a folder to the projects.
#[tauri::command]
#[specta::specta]
pub async fn add_project(desk: State<'_, Desk>, folder: PathBuf) -> Answer<ProjectName> {
    desk.read(move |engine| engine.add_project(&folder)).await
}

/// Forgets a project; its environments go on.
#[tauri::command]
#[specta::specta]
pub async fn forget_project(desk: State<'_, Desk>, project: ProjectName) -> Answer<()> {
    desk.read(move |engine| engine.forget_project(&project)).await
}

fn mending(project: &ProjectName) -> Call {
    Call::new("mend_lock", project)
}
