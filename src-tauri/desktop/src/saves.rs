//! Checks on save: of the projects of which a person asked for it, a check begins after each save, as `nonevent check --watch` does it, until the
//! window is closed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nonevent_engine::SourceChanges;
use nonevent_engine::model::{Problem, ProjectName};
use nonevent_engine::pages::{RunRequest, Said};
use nonevent_engine::request::{AfterRed, Gates};
use tauri::{AppHandle, Manager, async_runtime};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::desk::{Answer, Desk, told};
use crate::news::{News, Wire};

/// What is asked of the engine after a save: what the change concerns.
const CHECK: RunRequest = RunRequest::Check { gates: Gates::Changed, after_red: AfterRed::GoOn };

/// The projects that are checked on save.
#[derive(Debug, Default)]
pub struct Saves(Mutex<HashMap<ProjectName, DropGuard>>);

impl Saves {
    /// Tells whether a project is checked on save.
    pub fn checks(&self, project: &ProjectName) -> bool {
        self.all().contains_key(project)
    }

    /// Ends with one project; what is being checked goes on.
    pub fn end(&self, project: &ProjectName) {
        self.all().remove(project);
    }

    /// Ends with all.
    pub fn end_all(&self) {
        self.all().clear();
    }

    fn begin(&self, project: &ProjectName) -> CancellationToken {
        let stop = CancellationToken::new();
        self.all().insert(project.clone(), stop.clone().drop_guard());
        stop
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ProjectName, DropGuard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks a project now, and after each save.
///
/// # Errors
/// When it cannot be watched.
pub async fn begin(app: &AppHandle, project: ProjectName) -> Answer<()> {
    let desk = app.state::<Desk>();
    if desk.saves().checks(&project) {
        return Ok(());
    }
    let of = project.clone();
    let changes = desk.ask(move |engine| async move { engine.watch_source(&engine.folder_of(&of)?).await }).await?;
    let stop = desk.saves().begin(&project);
    let app = app.clone();
    async_runtime::spawn(async move {
        let rounds = stop.run_until_cancelled(check_each(&app, &project, changes));
        if let Some(problem) = rounds.await {
            tell(&app, problem);
            app.state::<Desk>().saves().end(&project);
        }
    });
    Ok(())
}

/// Checks until the project cannot be watched any more; returns why. A save while gates run makes their answers old: they begin again.
async fn check_each(app: &AppHandle, project: &ProjectName, mut changes: SourceChanges) -> Problem {
    let desk = app.state::<Desk>();
    let runs = desk.runs();
    loop {
        let begun = desk.begin_run(project.clone(), CHECK, Said::default()).await;
        let begun = begun.map_err(|problem| tell(app, problem));
        if let Err(error) = changes.next().await {
            return told(error);
        }
        if let Ok(run) = begun {
            runs.stop(&run).await;
        }
    }
}

/// What a page that is there is told: a save opens no window.
fn tell(app: &AppHandle, problem: Problem) {
    app.state::<Wire>().tell(News::Mishap { problem: Box::new(problem) });
}
