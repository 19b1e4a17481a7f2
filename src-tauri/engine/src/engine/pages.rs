//! What the window's pages ask, each in one answer. Reads memory and files, and asks no target.

use std::path::{Path, PathBuf};

use super::Engine;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::model::{Excerpt, ProjectName, Release, ReleaseId, RolloutRecord, RunId, RunRecord, RunState};
use crate::pages::{self, ProjectFacts, ReleaseHeader, ReleasePage, RunPage};
use crate::process;
use crate::project::Project;

/// As many rollouts of a project as a page shows.
const ROLLOUTS: u32 = 500;

impl Engine {
    /// Tells what a project is, as its files say now.
    ///
    /// # Errors
    /// When it is unknown here, or cannot be read.
    pub fn facts(&self, project: &ProjectName) -> Result<ProjectFacts, EngineError> {
        Ok(ProjectFacts::of(&Project::open(&self.folder_of(project)?)?))
    }

    /// Lists the host names that the environments of the project in a folder declare, as its files say now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn domains(&self, folder: &Path) -> Result<Vec<String>, EngineError> {
        let environments = Project::open(folder)?.settings.environments;
        Ok(environments.into_values().map(|environment| environment.domain).collect())
    }

    /// Lists a project's runs, the newest first. One whose process is gone is abandoned, whatever it said last.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn runs(&self, project: &ProjectName, limit: u32) -> Result<Vec<RunRecord>, EngineError> {
        let dead = self.store.dead_runs(process::still_runs)?;
        let runs = self.store.runs(project, limit)?;
        Ok(runs.into_iter().map(|run| judged(run, &dead)).collect())
    }

    /// Returns a run with the events in it after a sequence number, at most `limit`.
    ///
    /// # Errors
    /// When it is unknown, or the memory of the home cannot be read.
    pub fn run_page(&self, run: &RunId, after: i64, limit: u32) -> Result<RunPage, EngineError> {
        // The record first: an end that comes in between is then among the events.
        let found = self.store.run(run)?.ok_or_else(|| {
            EngineError::user("run_unknown", "no such run is known here").with_hint("`nonevent history` lists what happened")
        })?;
        let dead = self.store.dead_runs(process::still_runs)?;
        Ok(RunPage { run: judged(found, &dead), events: self.store.events_after(after, Some(run), limit)? })
    }

    /// Returns where the new instances answer that a run showed last before traffic moves to them.
    ///
    /// # Errors
    /// When it showed none, or the memory of the home cannot be read.
    pub fn preview_of(&self, run: &RunId) -> Result<String, EngineError> {
        let events = self.store.events_after(0, Some(run), u32::MAX)?;
        let shown = events.into_iter().rev().find_map(|event| match event.body {
            EventBody::PreviewReady { url, .. } => Some(url),
            _ => None,
        });
        shown.flatten().ok_or_else(|| {
            EngineError::user("no_preview", "the run shows no new instances before traffic moves")
                .with_hint("ship with a look at them first: `nonevent ship --preview`")
        })
    }

    /// Lists a project's releases, the newest first, each in a few words.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn release_headers(&self, project: &ProjectName) -> Result<Vec<ReleaseHeader>, EngineError> {
        Ok(self.store.releases(project)?.iter().map(ReleaseHeader::from).collect())
    }

    /// Returns a release beside the one before it.
    ///
    /// # Errors
    /// When it is unknown, or the memory of the home cannot be read.
    pub fn release_page(&self, project: &ProjectName, release: &ReleaseId) -> Result<ReleasePage, EngineError> {
        let release = self.known_release(project, release)?;
        Ok(ReleasePage { before: self.store.release_before(&release)?, release })
    }

    /// Lists the newest rollouts of a project, the newest first.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn rollouts(&self, project: &ProjectName) -> Result<Vec<RolloutRecord>, EngineError> {
        Ok(self.store.rollouts(project, None, ROLLOUTS)?)
    }

    /// Reads a few lines of a project's file around one of them.
    ///
    /// # Errors
    /// When it is no readable file of the project.
    pub fn excerpt(&self, project: &ProjectName, file: &Path, line: u32) -> Result<Excerpt, EngineError> {
        pages::excerpt(&self.folder_of(project)?, file, line).map_err(|error| unreadable(file, &error))
    }

    /// Returns where a file of a project is; one outside of its folder is refused.
    ///
    /// # Errors
    /// When it is no file of the project.
    pub fn file_of(&self, project: &ProjectName, file: &Path) -> Result<PathBuf, EngineError> {
        pages::below(&self.folder_of(project)?, file).map_err(|error| unreadable(file, &error))
    }

    pub(super) fn known_release(&self, project: &ProjectName, release: &ReleaseId) -> Result<Release, EngineError> {
        self.store.release(project, release)?.ok_or_else(|| {
            EngineError::user("release_unknown", format!("no release {release} of {project} is known here"))
                .with_hint("`nonevent recover` learns those that serve")
        })
    }
}

fn judged(mut run: RunRecord, dead: &[RunId]) -> RunRecord {
    if run.state == RunState::Running && dead.contains(&run.id) {
        run.state = RunState::Abandoned;
    }
    run
}

fn unreadable(file: &Path, error: &std::io::Error) -> EngineError {
    EngineError::user("file_unreadable", format!("`{}` cannot be read: {error}", file.display()))
}
