//! Notices that a project's source was changed, as far as gates could see it.
//!
//! The system's word that something happened in a folder only makes us look: the tree is read again, by the same rules as for an
//! image, and what counts is whether it differs. So ignored files, tools' caches and files that are saved unchanged are no changes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::error::EngineError;
use crate::image::source::{self, Sources};
use crate::model::BuildSettings;
use crate::project::Project;

/// Editors save by writing, renaming and removing: quiet for this long means that they are done.
const QUIET: Duration = Duration::from_millis(40);

/// After this long it is looked at all the same.
const PATIENCE: Duration = Duration::from_millis(400);

/// Files that say how the project is proven and are not in its image, or not whole.
const CONFIGURATION: [&str; 2] = ["nonevent.toml", "pyproject.toml"];

/// Changes of a project's source, until it is dropped.
#[derive(Debug)]
pub struct SourceChanges {
    changes: mpsc::Receiver<Result<Vec<String>, EngineError>>,
}

impl SourceChanges {
    /// Waits for the next change; returns the changed paths, relative to the project.
    ///
    /// # Errors
    /// When the project cannot be watched any more.
    pub async fn next(&mut self) -> Result<Vec<String>, EngineError> {
        match self.changes.recv().await {
            Some(changes) => changes,
            None => Err(EngineError::ours("watching the project ended")),
        }
    }
}

/// Begins to watch a project.
///
/// # Errors
/// When it cannot be read, or the system cannot watch it.
pub async fn watch(project: &Project) -> Result<SourceChanges, EngineError> {
    let (sender, events) = mpsc::channel(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading is no change: we read ourselves.
        let heard = event.is_err() || event.is_ok_and(|event| !event.kind.is_access());
        if heard {
            // One word that waits is enough.
            let _ = sender.try_send(());
        }
    });
    let watcher = watcher.map_err(|error| unwatchable(&error))?;
    let root = project.root.clone();
    let settings = project.settings.build.clone();
    let mut eye = Eye { watcher, watched: BTreeSet::new(), root, settings, seen: None };
    eye.look().await?;
    let (tell, changes) = mpsc::channel(16);
    tokio::spawn(eye.watch(events, tell));
    Ok(SourceChanges { changes })
}

/// What watches, and what it saw last.
struct Eye {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    root: PathBuf,
    settings: BuildSettings,
    seen: Option<Seen>,
}

/// A project's source at one time.
#[derive(Clone)]
struct Seen {
    sources: Sources,
    configuration: Vec<Option<Vec<u8>>>,
}

impl Eye {
    async fn watch(mut self, mut events: mpsc::Receiver<()>, tell: mpsc::Sender<Result<Vec<String>, EngineError>>) {
        loop {
            tokio::select! {
                event = events.recv() => if event.is_none() { return },
                () = tell.closed() => return,
            }
            let quiet = async { while tokio::time::timeout(QUIET, events.recv()).await.is_ok_and(|event| event.is_some()) {} };
            let _ = tokio::time::timeout(PATIENCE, quiet).await;
            let told = match self.look().await {
                Ok(changed) if changed.is_empty() => continue,
                told => told,
            };
            if tell.send(told).await.is_err() {
                return;
            }
        }
    }

    /// Reads the tree again; returns what differs from the last time.
    async fn look(&mut self) -> Result<Vec<String>, EngineError> {
        let mut changed = BTreeSet::new();
        loop {
            let found = self.read().await?;
            if let Some(before) = &self.seen {
                changed.extend(before.sources.changes(&found.sources));
                let files = CONFIGURATION.iter().zip(before.configuration.iter().zip(&found.configuration));
                changed.extend(files.filter(|(_, (before, now))| before != now).map(|(file, _)| (*file).to_owned()));
            }
            self.seen = Some(found);
            if CONFIGURATION.iter().any(|file| changed.contains(*file))
                && let Ok(project) = Project::open(&self.root)
            {
                self.settings = project.settings.build;
            }
            // What came into a folder before it was watched is seen by reading once more.
            if self.follow().await? == Followed::Nothing {
                return Ok(changed.into_iter().collect());
            }
        }
    }

    async fn read(&self) -> Result<Seen, EngineError> {
        /// A file may be gone between the moments when it is listed and read: the next look sees that.
        const TRIES: u32 = 20;
        let (root, settings) = (self.root.clone(), self.settings.clone());
        let read = move || {
            let mut failed = None;
            for _ in 0..TRIES {
                match source::read_all(&root, &settings) {
                    Ok(sources) => {
                        let configuration = CONFIGURATION.iter().map(|file| std::fs::read(root.join(file)).ok()).collect();
                        return Ok(Seen { sources, configuration });
                    }
                    Err(error) => failed = Some(error),
                }
                std::thread::sleep(QUIET);
            }
            Err(failed)
        };
        let read = spawn_blocking(read).await.map_err(|error| EngineError::ours(error.to_string()))?;
        read.map_err(|error| match error {
            Some(error) => crate::image::ImageError::from(error).into(),
            None => EngineError::ours("the project was not read"),
        })
    }

    /// Watches the folders that there are now.
    async fn follow(&mut self) -> Result<Followed, EngineError> {
        let (root, settings) = (self.root.clone(), self.settings.clone());
        let folders = spawn_blocking(move || source::folders(&root, &settings)).await;
        let folders = folders.map_err(|error| EngineError::ours(error.to_string()))?;
        let folders = folders.map_err(crate::image::ImageError::from)?;
        let mut followed = Followed::Nothing;
        for gone in self.watched.difference(&folders) {
            // The system forgets a folder that is gone by itself.
            let _ = self.watcher.unwatch(gone);
        }
        for new in folders.difference(&self.watched) {
            match self.watcher.watch(new, RecursiveMode::NonRecursive) {
                Ok(()) => followed = Followed::New,
                Err(error) if is_gone(&error, new) => {}
                Err(error) => return Err(unwatchable(&error)),
            }
        }
        self.watched = folders;
        Ok(followed)
    }
}

/// Whether there was a folder that was not watched before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Followed {
    Nothing,
    New,
}

fn is_gone(error: &notify::Error, folder: &Path) -> bool {
    let missing = match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    };
    missing || !folder.exists()
}

fn unwatchable(error: &notify::Error) -> EngineError {
    let told = EngineError::user("unwatchable", format!("the project cannot be watched: {error}"));
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            told.with_hint("raise the system's limit, for example with `sysctl fs.inotify.max_user_watches=524288`")
        }
        notify::ErrorKind::Io(error) if error.raw_os_error() == Some(nix::libc::EMFILE) => {
            told.with_hint("raise the system's limit, for example with `sysctl fs.inotify.max_user_instances=1024`")
        }
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    const MANIFEST: &str =
        "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n";

    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        let app = "from fastapi import FastAPI\n\napp = FastAPI()\n";
        for (path, text) in [("pyproject.toml", MANIFEST), ("main.py", app)].iter().chain(files) {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let project = Project::open(folder.path()).unwrap();
        (folder, project)
    }

    #[tokio::test]
    async fn only_what_gates_could_see_is_a_change() {
        let (folder, project) = project(&[(".gitignore", "*.log\nbuild/\n"), ("tests/test_a.py", "")]);
        let root = folder.path();
        let mut changes = watch(&project).await.unwrap();
        // None of these is one: ignored, caches, saved unchanged, ours.
        fs::write(root.join("a.log"), "x").unwrap();
        fs::create_dir_all(root.join("build/deep")).unwrap();
        fs::write(root.join("build/deep/x.py"), "x").unwrap();
        fs::create_dir_all(root.join(".pytest_cache/v")).unwrap();
        fs::write(root.join(".pytest_cache/v/x"), "x").unwrap();
        fs::write(root.join("tests/test_a.py"), "").unwrap();
        fs::write(root.join("nonevent.lock"), "x").unwrap();
        fs::write(root.join("main.py"), "app = None\n").unwrap();
        assert_eq!(changes.next().await.unwrap(), ["main.py"]);
        // The system tells of folders that are new, and of what is put into them later.
        fs::create_dir_all(root.join("tests/deep/er")).unwrap();
        fs::write(root.join("tests/deep/er/test_b.py"), "x").unwrap();
        assert_eq!(changes.next().await.unwrap(), ["tests/deep/er/test_b.py"]);
        fs::write(root.join("tests/deep/er/test_b.py"), "y").unwrap();
        assert_eq!(changes.next().await.unwrap(), ["tests/deep/er/test_b.py"]);
        fs::remove_dir_all(root.join("tests/deep")).unwrap();
        assert_eq!(changes.next().await.unwrap(), ["tests/deep/er/test_b.py"]);
        fs::write(root.join("nonevent.toml"), "[app]\nport = 9000\n").unwrap();
        assert_eq!(changes.next().await.unwrap(), ["nonevent.toml"]);
    }
}
