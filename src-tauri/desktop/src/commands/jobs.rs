//! Jobs of what serves.

use std::time::Duration;

use nonevent_engine::model::{EnvironmentName, JobRun, JobStatus, LogLine, ProjectName};
use tauri::State;
use tauri::ipc::Channel;
use tokio::sync::mpsc;

use crate::desk::{Answer, Desk};

/// As many runs as the history of an environment's jobs shows.
const PAST: u32 = 30;
/// As many lines as are sent at once.
const BATCH: usize = 500;
/// The page is told no more often than it can draw.
const PAUSE: Duration = Duration::from_millis(60);

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

/// Runs a job now and sends what it prints; answers when it has ended. It goes on whatever becomes of the page.
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
        let key = (project.to_string(), environment.to_string(), job.clone());
        let stop = jobs.begun(key.clone());
        let (sender, mut lines) = mpsc::channel::<LogLine>(BATCH);
        let telling = async move {
            let mut batch = Vec::new();
            while lines.recv_many(&mut batch, BATCH).await > 0 {
                // A page that is gone is told nothing; the job goes on.
                let _ = page.send(std::mem::take(&mut batch));
                tokio::time::sleep(PAUSE).await;
            }
        };
        let running = engine.run_job(&folder, &environment, &job, sender, &stop);
        let (ended, ()) = tokio::join!(running, telling);
        jobs.ended(&key);
        ended
    })
    .await
}

/// Stops a job that this window runs, with its grace time; false when it does not.
#[tauri::command]
#[specta::specta]
pub async fn stop_job(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName, job: String) -> Answer<bool> {
    Ok(desk.jobs().stop(&(project.to_string(), environment.to_string(), job)))
}
