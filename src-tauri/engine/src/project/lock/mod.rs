//! The lock of a project: which one it is, whether it is fresh, and which files it pins for one interpreter.
//!
//! Reads `uv.lock`, `poetry.lock`, `pylock.toml` (PEP 751) and `requirements.txt` with hashes. Finding, judging and choosing
//! need no network, no subprocess and no Python, and depend on nothing but the files of the project. Three things call tools:
//! [`with_urls`], where a lock holds no URLs, [`unlocked`], and [`mend`]. Knows nothing of images, of the configuration or of a home folder.

mod error;
pub(super) mod file;
mod findings;
mod index;
mod manifest;
mod markers;
mod mend;
mod poetry;
mod pylock;
mod python;
mod requirement;
mod requirements;
mod selection;
mod tags;
mod tool;
mod unlocked;
mod urls;
mod uv;
mod wheel;

use std::path::{Path, PathBuf};

pub use error::{LockError, Unavailable};
pub use mend::{mend, missing};
pub use python::{Implementation, Libc, Machine, PythonTarget};
pub use selection::{Choice, LocalPackage, LockedFile, LockedPackage, MainDependencies, ResolvedWheel, Selection, Wanted};
pub use tags::{Tag, Tags, ordered as ordered_tags};
pub use unlocked::{Unlocked, our_version, unlocked};
pub use urls::with_urls;
pub use wheel::{NoWheel, WheelName};

use crate::model::{Digest, LockFinding, LockKind, LockReport, LockSituation};
use findings::Verdict;
use manifest::Manifest;

/// The lock that belongs to a project.
#[derive(Debug, Clone)]
pub struct LockFile {
    kind: LockKind,
    path: PathBuf,
    project: PathBuf,
    digest: Digest,
    notes: Vec<String>,
    content: Result<Content, LockError>,
}

#[derive(Debug, Clone)]
enum Content {
    Uv(Box<uv::UvLock>),
    Poetry(Box<poetry::PoetryLock>),
    Pylock(Box<pylock::Pylock>),
    Requirements(Box<requirements::Requirements>),
}

/// Finds the lock that belongs to a project: in its folder, or in the root of the uv workspace above it.
///
/// Where several are there, `poetry.lock` counts in a Poetry project, else the first of `uv.lock`, `poetry.lock`,
/// `pylock.toml` and `requirements.txt`; [`LockFile::notes`] names the others. A lock that cannot be read is found
/// nevertheless, and [`LockFile::check`] says why it cannot be used.
///
/// # Errors
/// `LockError::Manifest` when `pyproject.toml` is broken, `LockError::File` when a file cannot be read.
pub fn find(root: &Path) -> Result<Option<LockFile>, LockError> {
    let project = std::path::absolute(root).map_err(|error| LockError::File {
        path: root.to_path_buf(),
        verb: "read",
        reason: error.to_string(),
    })?;
    let project = file::normalize(&project);
    let manifest = Manifest::read(&project)?;
    let uv_path = uv::lock_root(&project)?.join("uv.lock");
    let mut found: Vec<(LockKind, PathBuf)> = vec![
        (LockKind::Uv, uv_path),
        (LockKind::Poetry, project.join("poetry.lock")),
        (LockKind::Pylock, project.join("pylock.toml")),
        (LockKind::Requirements, project.join(requirements::MAIN)),
    ];
    found.retain(|(_, path)| path.is_file());
    if manifest.as_ref().is_some_and(|manifest| shows_poetry(manifest) && !uv::shows_uv(manifest)) {
        found.sort_by_key(|(kind, _)| *kind != LockKind::Poetry);
    }
    let mut found = found.into_iter();
    let Some((kind, path)) = found.next() else { return Ok(None) };
    let others: Vec<String> = found.map(|(_, path)| name_of(&path)).collect();
    LockFile::read(kind, path, project, &others).map(Some)
}

/// Tells whether a manifest is one of Poetry's.
fn shows_poetry(manifest: &Manifest) -> bool {
    let backend = manifest.section(&["build-system"]).and_then(|system| system.get("build-backend")?.as_str());
    manifest.section(&["tool", "poetry"]).is_some() || backend.is_some_and(|backend| backend.starts_with("poetry."))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl LockFile {
    fn read(kind: LockKind, path: PathBuf, project: PathBuf, others: &[String]) -> Result<Self, LockError> {
        let mut notes = Vec::new();
        if !others.is_empty() {
            notes.push(format!("{} is the lock; {} beside it is not read", name_of(&path), others.join(" and ")));
        }
        let (digest, content) = if kind == LockKind::Requirements {
            let requirements = requirements::Requirements::read(&project)?;
            (requirements.digest().clone(), Ok(Content::Requirements(Box::new(requirements))))
        } else {
            let text = file::read_text(&path)?.unwrap_or_default();
            let content = match kind {
                LockKind::Uv => uv::UvLock::parse(&text).map(|lock| {
                    notes.extend(lock.notes());
                    Content::Uv(Box::new(lock))
                }),
                LockKind::Poetry => poetry::PoetryLock::parse(&text).map(|lock| {
                    notes.extend(lock.notes());
                    Content::Poetry(Box::new(lock))
                }),
                LockKind::Pylock | LockKind::Requirements => {
                    pylock::Pylock::parse(&text).map(|lock| Content::Pylock(Box::new(lock)))
                }
            };
            (file::digest(text.as_bytes()), content)
        };
        Ok(Self { kind, path, project, digest, notes, content })
    }

    /// Returns its kind.
    pub fn kind(&self) -> LockKind {
        self.kind
    }

    /// Returns where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder of the project that it was found for, absolute.
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// Returns the sha256 of its bytes; of all files together where requirements files include others.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns what a person should know and need not act upon: other locks beside it, a newer revision.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Looks whether the lock was made for the manifest as it is now and pins everything by hash, without network, tools or
    /// Python. What could not be looked at follows in [`LockFile::doubts`].
    pub fn check(&self) -> LockReport {
        let verdict = self.verdict();
        let packages = match &self.content {
            Ok(Content::Uv(lock)) => lock.pinned(),
            Ok(Content::Poetry(lock)) => lock.pinned(),
            Ok(Content::Pylock(lock)) => lock.pinned(),
            Ok(Content::Requirements(lock)) => lock.pinned(),
            Err(_) => 0,
        };
        LockReport {
            file: file::relative(&self.project, &self.path),
            kind: self.kind,
            digest: self.digest.clone(),
            packages: u32::try_from(packages).unwrap_or(u32::MAX),
            proven: verdict.findings.is_empty() && verdict.doubts.is_empty(),
            findings: verdict.findings,
        }
    }

    /// Says why freshness is only not disproved; empty when it is proven.
    pub fn doubts(&self) -> Vec<String> {
        self.verdict().doubts
    }

    fn verdict(&self) -> Verdict {
        let verdict = match &self.content {
            Ok(content) => self.judge(content),
            Err(error) => Err(error.clone()),
        };
        verdict.unwrap_or_else(|error| Verdict { findings: vec![unreadable(&error)], doubts: Vec::new() })
    }

    fn judge(&self, content: &Content) -> Result<Verdict, LockError> {
        let (mut verdict, unhashed, git) = match content {
            Content::Uv(lock) => (lock.check(self.folder())?, lock.unhashed(), lock.repositories()),
            Content::Poetry(lock) => {
                let manifest = Manifest::read(&self.project)?.ok_or_else(|| LockError::Manifest {
                    path: self.project.join("pyproject.toml"),
                    reason: "there is none beside poetry.lock".into(),
                })?;
                (lock.check(&manifest)?, lock.unhashed(), lock.repositories())
            }
            Content::Pylock(lock) => (lock.check(Manifest::read(&self.project)?.as_ref())?, lock.unhashed(), lock.repositories()),
            Content::Requirements(lock) => (lock.check(&self.project)?, Vec::new(), Vec::new()),
        };
        let lock = name_of(&self.path);
        verdict.findings.extend(unhashed.iter().map(|package| LockFinding {
            situation: LockSituation::Unhashed,
            message: format!("{lock} pins {package} without a sha256"),
            hint: "take it from an index that publishes hashes, and lock again".into(),
        }));
        verdict.findings.extend(git.iter().map(|(name, url)| LockFinding {
            situation: LockSituation::Unsafe,
            message: format!("{lock} takes {name} from a git repository ({url}), whose files have no sha256"),
            hint: format!("depend on a release of {name}, or on the URL of a wheel of it, and lock again"),
        }));
        Ok(verdict)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.project)
    }

    /// Chooses the packages that a project needs on an interpreter, each as one file with its sha256.
    ///
    /// # Errors
    /// The lock cannot be read, is for another Python or system, lacks an extra or a group, holds a package from a repository
    /// or without a hash, or a package has neither a fitting wheel nor a source distribution.
    pub fn select(&self, target: &PythonTarget, wanted: &Wanted) -> Result<Selection, LockError> {
        match self.content.as_ref().map_err(Clone::clone)? {
            Content::Uv(lock) => lock.select(self.folder(), &self.project, target, wanted),
            Content::Poetry(lock) => lock.select(&self.project, target, wanted),
            Content::Pylock(lock) => lock.select(&self.project, target, wanted),
            Content::Requirements(lock) => lock.select(target, wanted),
        }
    }

    /// Names the extras that can be asked for.
    pub fn extras(&self) -> Vec<String> {
        match &self.content {
            Ok(Content::Uv(lock)) => lock.names(self.folder(), &self.project).0,
            Ok(Content::Poetry(lock)) => lock.extras(),
            Ok(Content::Pylock(lock)) => lock.names().0,
            Ok(Content::Requirements(_)) | Err(_) => Vec::new(),
        }
    }

    /// Names the dependency groups that can be asked for.
    ///
    /// # Errors
    /// `LockError::Manifest` when `pyproject.toml` is broken.
    pub fn groups(&self) -> Result<Vec<String>, LockError> {
        match &self.content {
            Ok(Content::Uv(lock)) => Ok(lock.names(self.folder(), &self.project).1),
            Ok(Content::Poetry(lock)) => lock.groups(&self.project),
            Ok(Content::Pylock(lock)) => Ok(lock.names().1),
            Ok(Content::Requirements(lock)) => Ok(lock.groups()),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Names the groups that the project's own tool installs for development when it is not told otherwise.
    ///
    /// # Errors
    /// `LockError::Manifest` when `pyproject.toml` is broken.
    pub fn default_groups(&self) -> Result<Vec<String>, LockError> {
        match &self.content {
            Ok(Content::Uv(lock)) => lock.default_groups(&self.project),
            Ok(Content::Poetry(lock)) => lock.default_groups(&self.project),
            Ok(Content::Pylock(lock)) => Ok(lock.default_groups()),
            Ok(Content::Requirements(lock)) => Ok(lock.groups()),
            Err(_) => Ok(Vec::new()),
        }
    }
}

fn unreadable(error: &LockError) -> LockFinding {
    LockFinding {
        situation: LockSituation::Unreadable,
        message: error.to_string(),
        hint: error.hints().into_iter().next().unwrap_or_else(|| "correct it, then lock again".into()),
    }
}
