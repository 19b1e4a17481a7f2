//! What every command of the window works with: the engine, opened once, and a net under each question.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

use nonevent_engine::model::{Problem, ProjectName, RunId};
use nonevent_engine::pages::{RunRequest, Said};
use nonevent_engine::{Engine, EngineError};
use tauri::async_runtime::{self, JoinHandle};
use tokio::sync::OnceCell;

use crate::feed::Feed;
use crate::home;
use crate::jobs::Jobs;
use crate::runs::Runs;
use crate::saves::Saves;
use crate::work::{Call, Work};

/// What a command answers: data, or the one shape of an error that people and programs are told.
pub type Answer<T> = Result<T, Problem>;

/// The engine behind the window, and what goes on for it.
#[derive(Debug, Default)]
pub struct Desk {
    engine: OnceCell<Engine>,
    changes: Feed,
    lines: Feed,
    watcher: Feed,
    work: Work,
    runs: Arc<Runs>,
    jobs: Arc<Jobs>,
    saves: Saves,
}

impl Desk {
    /// Asks the engine something that may take long.
    ///
    /// # Errors
    /// When the engine cannot be opened, refuses, or panics.
    pub async fn ask<T, F>(&self, question: impl FnOnce(Engine) -> F + Send + 'static) -> Answer<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let engine = self.engine().await?;
        caught(async_runtime::spawn(async move { question(engine).await })).await
    }

    /// Asks the engine something that it reads from its own memory.
    ///
    /// # Errors
    /// When the engine cannot be opened, refuses, or panics.
    pub async fn read<T>(&self, question: impl FnOnce(Engine) -> Result<T, EngineError> + Send + 'static) -> Answer<T>
    where
        T: Send + 'static,
    {
        let engine = self.engine().await?;
        caught(async_runtime::spawn_blocking(move || question(engine))).await
    }

    /// Does something that needs no engine, and must not wait for one that cannot be opened.
    ///
    /// # Errors
    /// When it fails or panics.
    pub async fn aside<T>(&self, work: impl FnOnce() -> Result<T, EngineError> + Send + 'static) -> Answer<T>
    where
        T: Send + 'static,
    {
        caught(async_runtime::spawn_blocking(work)).await
    }

    /// Does what changes something, once for all who call for it while it goes on. The process does not end meanwhile.
    ///
    /// # Errors
    /// As what is done.
    pub async fn once<T>(&self, call: Call, change: impl Future<Output = Answer<T>>) -> Answer<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        let _goes_on = self.work.begin();
        self.work.shared(call, change).await
    }

    /// Starts a run, which goes on whatever becomes of the page.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub async fn begin_run(&self, project: ProjectName, request: RunRequest, said: Said) -> Answer<RunId> {
        let call = Call::new("begin_run", (&project, format!("{request:?} {said:?}")));
        let (runs, goes_on) = (self.runs(), self.work.begin());
        let begun = self.ask(move |engine| async move {
            let run = engine.begin(&project, request, said).await?;
            Ok(runs.attend(run, goes_on))
        });
        self.work.shared(call, begun).await
    }

    /// What must not be cut off, or done twice.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// The runs that were started here.
    pub fn runs(&self) -> Arc<Runs> {
        Arc::clone(&self.runs)
    }

    /// The projects that are checked on save.
    pub fn saves(&self) -> &Saves {
        &self.saves
    }

    /// The jobs that were started here.
    pub fn jobs(&self) -> Arc<Jobs> {
        Arc::clone(&self.jobs)
    }

    /// The word to look again: one page hears it.
    pub fn changes(&self) -> &Feed {
        &self.changes
    }

    /// The lines or records that are sent: one page shows one screen.
    pub fn lines(&self) -> &Feed {
        &self.lines
    }

    /// Who watches, as one page is told.
    pub fn watcher(&self) -> &Feed {
        &self.watcher
    }

    /// Opens the engine at the first question, so that the window is there before; a failure is tried again at the next.
    ///
    /// # Errors
    /// When the engine cannot be opened.
    pub async fn engine(&self) -> Answer<Engine> {
        let open = || caught(async_runtime::spawn_blocking(|| Engine::open(home::here()?)));
        self.engine.get_or_try_init(open).await.cloned()
    }
}

/// What people are told of an error.
pub fn told(error: EngineError) -> Problem {
    *error.problem
}

async fn caught<T>(task: JoinHandle<Result<T, EngineError>>) -> Answer<T> {
    match task.await {
        Ok(answer) => answer.map_err(|error| *error.problem),
        Err(tauri::Error::JoinError(error)) if error.is_panic() => Err(defect(&*error.into_panic())),
        Err(error) => Err(*EngineError::interrupted("the window is closing").with_sources(&error).problem),
    }
}

fn defect(panic: &(dyn Any + Send)) -> Problem {
    let reason = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let mut problem = *EngineError::ours("Nonevent met a fault of its own").problem;
    problem.causes.extend(reason.map(str::to_owned));
    problem
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_panic_becomes_a_problem() {
        let task = async_runtime::spawn(async { panic!("shelf {} fell", 3) });
        let problem = async_runtime::block_on(caught::<()>(task)).unwrap_err();
        assert_eq!(problem.code, "internal");
        assert_eq!(problem.causes, ["shelf 3 fell"]);
        assert!(!problem.hints.is_empty());
    }

    #[test]
    fn an_error_keeps_what_to_do() {
        let task = async_runtime::spawn(async { Err(EngineError::user("taken", "it is taken").with_hint("take another")) });
        let problem = async_runtime::block_on(caught::<()>(task)).unwrap_err();
        assert_eq!((problem.code.as_str(), problem.hints.as_slice()), ("taken", ["take another".to_owned()].as_slice()));
    }
}
