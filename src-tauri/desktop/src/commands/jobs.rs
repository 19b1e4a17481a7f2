//! Jobs of what serves.

use nonevent_engine::EngineError;
use nonevent_engine::model::{EnvironmentName, JobRun, JobStatus, LogLine, ProjectName};
use tauri::State;
use tauri::ipc::Channel;
use tokio::sync::mpsc;

use crate::desk::{Answer, Desk};
use crate::jobs::JobKey;
use crate::printed::Lines;

/// As many runs as the history of an environment's jobs shows.
const PAST: u32 = 30;
/// Lines that wait to be kept.
const ROOM: usize = 500;

/// Lists the jobs of what serves in an environment, with when they run and how they ended last.
#[tauri::command]
#[specta::specta]
pub async fn jobs(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName) -> Answer<Vec<JobStatus>> {
    desk.ask(|engine| async move { engine.jobs(&engine.folder_of(&project)?, &environment).await }).await
}

/// Lists the last 30 runs of an environment's jobs with their last lines, the newest first.
#[tauri::command]
#[specta::specta]
pub async fn job_runs(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName) -> Answer<Vec<JobRun>> {
    desk.read(move |engine| engine.job_runs(&engine.folder_of(&project)?, &environment, None, PAST)).await
}

/// Runs a job now and sends what it prints; answers when it has ended. It goes on whatever becomes of the page: `running_jobs` and
/// `follow_job` find it again. When the process ends it is stopped with its grace time.
#[tauri::command]
#[specta::specta]
pub async fn run_job(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    job: String,
    page: Channel<Vec<LogLine>>,
) -> Answer<JobRun> {
    let jobs = desk.jobs();
    desk.ask(|engine| async move {
        let folder = engine.folder_of(&project)?;
        // Also when the bridge asks anew what a page was waiting for that is loaded again: a second run is not even begun.
        let begun =
            jobs.begin(key(&project, &environment, job.clone())).ok_or_else(|| EngineError::job_runs(&job, &environment))?;
        let (sender, lines) = mpsc::channel(ROOM);
        let running = engine.run_job(&folder, &environment, &job, sender, begun.stop());
        // A page that is gone is told nothing; the job goes on.
        let telling = begun.tell(|lines| lines.lines.is_empty() || page.send(lines.lines).is_ok());
        let (ended, (), ()) = tokio::join!(running, begun.keep(lines), telling);
        ended
    })
    .await
}

/// Lists the jobs of an environment that this window runs now, by name: begun by this page, or by one before it.
#[tauri::command]
#[specta::specta]
pub async fn running_jobs(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName) -> Answer<Vec<String>> {
    Ok(desk.jobs().of(project.as_str(), environment.as_str()))
}

/// Sends what a job that this window runs has printed and prints, in place of the page before, until it has ended; false when this window
/// does not run it. How it ended is in `job_runs`.
#[tauri::command]
#[specta::specta]
pub async fn follow_job(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    job: String,
    page: Channel<Lines>,
) -> Answer<bool> {
    Ok(desk.jobs().follow(&key(&project, &environment, job), move |lines| page.send(lines).is_ok()))
}

/// Stops a job that this window runs, with its grace time; false when it does not.
#[tauri::command]
#[specta::specta]
pub async fn stop_job(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName, job: String) -> Answer<bool> {
    Ok(desk.jobs().stop(&key(&project, &environment, job)))
}

fn key(project: &ProjectName, environment: &EnvironmentName, job: String) -> JobKey {
    (project.to_string(), environment.to_string(), job)
}
