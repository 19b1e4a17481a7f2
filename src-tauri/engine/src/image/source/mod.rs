//! The tree that goes into an image: which of a project's files, and their bytes.
//!
//! Left out altogether: what `.gitignore` files name (those of the project and of its repository; not the person's own global ones,
//! which would make the image depend on the person), version control, virtual environments, caches, and whatever looks like a secret.
//! Left out of a release, but there for its gates: what `.dockerignore` and `[build] exclude` name, tests, documentation, CI, locks and
//! the configuration of development tools; `rules` has the lists. `[build] include` brings anything back.
//!
//! `pyproject.toml` goes in without its `[tool.nonevent]` table: a changed replica count must not change the image.
//! Knows nothing of wheels and layers.

mod content;
mod docker_ignore;
mod error;
mod rules;
mod secrets;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::SourceError;

pub(crate) use content::{TreeContent, TreeFile};

use self::rules::Rules;
use super::layer::Mode;
use crate::model::{BuildSettings, Digest};

/// Which part of a project's tree is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What a release holds.
    Release,
    /// What only its gates need.
    Development,
}

/// A project's files, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTree {
    /// The project's folder.
    pub root: PathBuf,
    /// Its files and links.
    pub files: Vec<SourceFile>,
    /// What was left out although nobody asked for that, and what may be there by mistake, in words.
    pub warnings: Vec<String>,
}

/// One file of a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Its path below the project's folder, with `/` between its parts.
    pub path: String,
    /// What it is.
    pub kind: SourceKind,
}

/// What a file of a project is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: Executable,
        /// Its bytes.
        size: u64,
        /// sha256 of its bytes.
        digest: DigestText,
    },
    /// A symbolic link that stays inside the tree.
    Link {
        /// Where it points.
        target: String,
    },
}

/// A digest as sortable text.
pub type DigestText = String;

/// Whether a file's owner may execute it: the one permission that version control keeps too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Executable {
    /// It is plain.
    No,
    /// It may be executed.
    Yes,
}

impl Executable {
    pub(crate) fn mode(self) -> Mode {
        match self {
            Self::No => Mode::Plain,
            Self::Yes => Mode::Executable,
        }
    }
}

/// Reads one part of a project's tree. Takes the time of reading its files: call it where blocking is allowed.
///
/// # Errors
/// When the folder or one of its files cannot be read, and when a pattern of the settings is none.
pub fn read(root: &Path, settings: &BuildSettings, part: Part) -> Result<SourceTree, SourceError> {
    let rules = Arc::new(Rules::of(root, settings)?);
    let mut found = walk::walk(root, &rules, part)?;
    found.files.sort();
    found.files.dedup_by(|a, b| a.path == b.path);
    let mut warnings = found.oddities.into_iter().collect::<Vec<_>>();
    warnings.extend(secrets::warning(&found.secrets));
    if part == Part::Release {
        warnings.extend(crowd_warning(&found.files));
    }
    Ok(SourceTree { root: root.to_owned(), files: found.files, warnings })
}

/// More files than this are rarely the sources of an app.
const CROWD: usize = 10_000;

fn crowd_warning(files: &[SourceFile]) -> Option<String> {
    if files.len() <= CROWD {
        return None;
    }
    let mut folders = BTreeMap::<&str, usize>::new();
    for (folder, _) in files.iter().filter_map(|file| file.path.split_once('/')) {
        *folders.entry(folder).or_default() += 1;
    }
    let most = folders.into_iter().max_by_key(|(_, count)| *count);
    let most = most.map(|(folder, count)| format!(", {count} of them in `{folder}/`")).unwrap_or_default();
    let total = files.len();
    Some(format!("the image holds {total} files of the project{most}; what the app does not read belongs into `.dockerignore`"))
}

/// Both parts of a project's tree, read at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// What a release holds.
    pub release: SourceTree,
    /// What only its gates need.
    pub development: SourceTree,
}

/// Reads both parts of a project's tree. Takes the time of reading its files: call it where blocking is allowed.
///
/// # Errors
/// As [`read`].
pub fn read_all(root: &Path, settings: &BuildSettings) -> Result<Sources, SourceError> {
    let (release, development) = rayon::join(|| read(root, settings, Part::Release), || read(root, settings, Part::Development));
    Ok(Sources { release: release?, development: development? })
}

/// Lists the folders in which files of the tree are, or could come to be; the project's own among them.
///
/// # Errors
/// When the folder cannot be read, and when a pattern of the settings is none.
pub fn folders(root: &Path, settings: &BuildSettings) -> Result<std::collections::BTreeSet<PathBuf>, SourceError> {
    let rules = Arc::new(Rules::of(root, settings)?);
    Ok(walk::folders(root, &rules))
}

impl Sources {
    /// Returns a text that changes when any file does whose path is wanted.
    pub fn fingerprint(&self, wanted: impl Fn(&str) -> bool) -> Digest {
        let files = self.release.files.iter().chain(&self.development.files);
        fingerprint(files.filter(|file| wanted(&file.path)))
    }

    /// Lists the paths at which another tree differs.
    pub fn changes(&self, other: &Self) -> Vec<String> {
        let all = |sources: &Self| -> std::collections::BTreeSet<SourceFile> {
            sources.release.files.iter().chain(&sources.development.files).cloned().collect()
        };
        let paths =
            all(self).symmetric_difference(&all(other)).map(|file| file.path.clone()).collect::<std::collections::BTreeSet<_>>();
        paths.into_iter().collect()
    }
}

impl SourceTree {
    /// Returns a text that changes when anything in the tree does.
    pub(crate) fn fingerprint(&self) -> Digest {
        fingerprint(self.files.iter())
    }
}

fn fingerprint<'a>(files: impl Iterator<Item = &'a SourceFile>) -> Digest {
    let mut text = String::new();
    for file in files {
        let line = match &file.kind {
            SourceKind::File { executable, size, digest } => format!("{executable:?} {size} {digest}"),
            SourceKind::Link { target } => format!("-> {target}"),
        };
        text.push_str(&format!("{}\0{line}\n", file.path));
    }
    super::digest::sha256(text.as_bytes())
}

#[cfg(test)]
mod tests;
