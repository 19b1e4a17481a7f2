//! What the engine reads from its own memory: the projects of a home, what happened in it, and that something did.
//!
//! Asks no target and reads no project: every answer is there at once.

use std::path::PathBuf;

use tokio::sync::watch;

use super::Engine;
use crate::error::EngineError;
use crate::event::Event;
use crate::model::ProjectName;
use crate::request::{Change, KnownProjects};
use crate::store::{self, Store};

impl Engine {
    /// Lists the projects as they are remembered, with the sequence number after which [`Engine::events_after`] goes on.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn known_projects(&self) -> Result<KnownProjects, EngineError> {
        // Read first: what happens in between is then told twice, never missed.
        let seq = self.store.latest_seq()?;
        Ok(KnownProjects { seq, projects: self.store.projects()? })
    }

    /// Returns the folder of a project on this laptop.
    ///
    /// # Errors
    /// When this home knows no such project.
    pub fn folder_of(&self, project: &ProjectName) -> Result<PathBuf, EngineError> {
        let known = self.store.projects()?;
        let found = known.into_iter().find(|known| known.name == *project);
        found.map(|known| known.folder).ok_or_else(|| {
            EngineError::user("unknown_project", format!("no project `{project}` is known here"))
                .with_hint("add its folder again, or run `nonevent ship` in it")
        })
    }

    /// Reads the events after a sequence number, at most `limit`, in order.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<Event>, EngineError> {
        Ok(self.store.events_after(seq, None, limit)?)
    }

    /// Tells to look again whenever something changed in this home, by whichever process; once at the start.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn changes(&self) -> Result<watch::Receiver<Change>, EngineError> {
        // A connection of its own: SQLite tells one connection only about what others wrote, and then it is told about ours as well.
        Ok(store::watch(Store::open(&self.home.data)?)?)
    }
}
