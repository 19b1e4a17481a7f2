//! The projects of a home as they can be read, for those that look at them over and over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::EngineError;
use crate::model::ProjectName;
use crate::project::Project;
use crate::store::{KnownProject, Store};

/// Time in which a project is not read again.
const FRESH: Duration = Duration::from_secs(4);
/// Time that reading one may take: its folder may be on a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time in which one that took too long is left alone.
const ALONE: Duration = Duration::from_mins(5);

/// A project as it was read last.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub name: ProjectName,
    /// As it could be read last; none where it never could.
    pub project: Option<Arc<Project>>,
    /// Why it cannot be read now.
    pub trouble: Option<String>,
    folder: PathBuf,
    fresh_until: Instant,
}

/// Every project of a home. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Readings {
    store: Store,
    kept: Arc<Mutex<BTreeMap<ProjectName, Reading>>>,
}

impl Readings {
    pub fn of(store: Store) -> Self {
        Self { store, kept: Arc::default() }
    }

    /// Reads every project, unless that was done a moment ago. One that cannot be read now is as it was read last: what serves does not end
    /// with a line that somebody writes wrongly.
    pub async fn read(&self) -> Result<Vec<Reading>, EngineError> {
        let known = self.store.projects()?;
        let mut kept = self.kept.lock().await;
        kept.retain(|name, reading| known.iter().any(|one| one.name == *name && one.folder == reading.folder));
        for KnownProject { name, folder, .. } in known {
            if kept.get(&name).is_some_and(|reading| Instant::now() < reading.fresh_until) {
                continue;
            }
            let before = kept.get(&name).and_then(|reading| reading.project.clone());
            let reading = match tokio::time::timeout(PATIENCE, read(&name, &folder)).await {
                Ok(Ok(project)) => (Some(Arc::new(project)), None, FRESH),
                Ok(Err(trouble)) => (before, Some(trouble), FRESH),
                Err(_) => (before, Some(format!("`{}` cannot be read within {} s", folder.display(), PATIENCE.as_secs())), ALONE),
            };
            let (project, trouble, fresh) = reading;
            kept.insert(name.clone(), Reading { name, project, trouble, folder, fresh_until: Instant::now() + fresh });
        }
        Ok(kept.values().cloned().collect())
    }
}

async fn read(name: &ProjectName, folder: &Path) -> Result<Project, String> {
    let folder = folder.to_owned();
    let project = tokio::task::spawn_blocking(move || Project::open(&folder)).await;
    let project = project.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    match &project.settings.app.name {
        found if found == name => Ok(project),
        found => Err(format!("`{}` holds the project {found} now", project.root.display())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MANIFEST: &str = "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"flask\", \"gunicorn\"]\n";

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_now_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("pyproject.toml");
        std::fs::write(&manifest, MANIFEST).unwrap();
        std::fs::write(folder.path().join("main.py"), "from flask import Flask\n\napp = Flask(__name__)\n").unwrap();
        let store = Store::in_memory().unwrap();
        store.remember_project(&"shop".into(), folder.path()).unwrap();
        let readings = Readings::of(store);
        let look = async || {
            tokio::time::advance(FRESH).await;
            readings.read().await.unwrap().remove(0)
        };

        let read = look().await;
        assert!(read.project.is_some() && read.trouble.is_none(), "{read:?}");
        std::fs::write(&manifest, "<<<<<<< HEAD").unwrap();
        let broken = look().await;
        assert!(broken.project.is_some() && broken.trouble.unwrap().contains("pyproject.toml"));
        std::fs::write(&manifest, MANIFEST.replace("name = \"shop\"", "name = \"bakery\"")).unwrap();
        let other = look().await;
        assert!(other.project.is_some() && other.trouble.unwrap().contains("holds the project bakery now"));
        std::fs::write(&manifest, MANIFEST).unwrap();
        assert!(look().await.trouble.is_none());
    }
}
