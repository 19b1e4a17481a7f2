//! What is asked of a lock, and what it answers: which packages, each as one file with its sha256.
//!
//! Knows no format: every reader of a lock ends here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

use super::error::{LockError, Unavailable};
use super::python::PythonTarget;
use super::tags::Tags;
use super::wheel::{NoWheel, pick};

/// Which part of a project is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Extras of the project (PEP 621, `optional-dependencies`).
    pub extras: Vec<String>,
    /// Dependency groups (PEP 735), or Poetry's, or `dev` for `requirements-dev.txt`.
    pub groups: Vec<String>,
    /// Whether the project's own dependencies are wanted too.
    pub project: MainDependencies,
}

/// Whether the dependencies of the project itself are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MainDependencies {
    /// They are.
    #[default]
    Include,
    /// Only those of the groups are.
    Exclude,
}

/// What a lock answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Packages to install, by name.
    pub packages: Vec<LockedPackage>,
    /// Packages that are folders on this machine: members of the workspace, path dependencies; never the project itself.
    pub local: Vec<LocalPackage>,
}

/// One locked package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Its normalised name (PEP 503).
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file to install.
    pub choice: Choice,
    /// The index that the lock names for it, where it names one without naming URLs (Poetry's sources).
    pub index: Option<Url>,
}

/// Which file of a package is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The best wheel for the interpreter.
    Wheel(LockedFile),
    /// No wheel fits; this must be built first.
    Sdist {
        /// The source distribution.
        file: LockedFile,
        /// Why no wheel was taken.
        reason: NoWheel,
    },
    /// The lock names no files, only hashes: the file is known once an index was asked.
    Hashes(Vec<String>),
}

/// One file of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// Its name.
    pub filename: String,
    /// Its sha256, as 64 hex digits.
    pub sha256: String,
    /// Where it is; `file:` for a file on this machine, nothing where the lock does not say.
    pub url: Option<Url>,
    /// Its size in bytes, where the lock says.
    pub size: Option<u64>,
}

/// A package that is a folder on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPackage {
    /// Its normalised name (PEP 503).
    pub name: String,
    /// Its version, where the lock says.
    pub version: Option<String>,
    /// Its folder, absolute.
    pub path: PathBuf,
}

/// A wheel that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedWheel {
    /// The package's normalised name (PEP 503).
    pub name: String,
    /// Its version.
    pub version: String,
    /// The wheel's file name.
    pub filename: String,
    /// Where it is.
    pub url: Url,
    /// Its sha256, as 64 hex digits.
    pub sha256: String,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
}

impl Selection {
    /// Lists the packages that must be built from source first, and why.
    pub fn unavailable(&self) -> Vec<Unavailable> {
        let sdist = |package: &LockedPackage| match &package.choice {
            Choice::Sdist { reason, .. } => {
                Some(Unavailable { name: package.name.clone(), version: package.version.clone(), reason: reason.clone() })
            }
            Choice::Wheel(_) | Choice::Hashes(_) => None,
        };
        self.packages.iter().filter_map(sdist).collect()
    }

    /// Refuses a selection that needs a build from source.
    ///
    /// # Errors
    /// `LockError::NoWheel` with all packages that have no fitting wheel.
    pub fn require_wheels(&self) -> Result<(), LockError> {
        let packages = self.unavailable();
        if packages.is_empty() { Ok(()) } else { Err(LockError::NoWheel { packages }) }
    }
}

/// A package as a reader found it, before a file is chosen.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) wheels: Vec<UncheckedFile>,
    pub(super) sdist: Option<UncheckedFile>,
    pub(super) hashes: Vec<String>,
    pub(super) index: Option<Url>,
}

/// A file as a lock holds it: perhaps without a hash.
#[derive(Debug, Clone)]
pub(super) struct UncheckedFile {
    pub(super) filename: String,
    pub(super) sha256: Option<String>,
    pub(super) url: Option<Url>,
    pub(super) size: Option<u64>,
}

/// Chooses a file for each package; two versions of one package are refused, and so is a file without a sha256.
pub(super) fn choose(candidates: Vec<Candidate>, target: &PythonTarget) -> Result<Vec<LockedPackage>, LockError> {
    let tags = Tags::of(target);
    let mut chosen: BTreeMap<String, LockedPackage> = BTreeMap::new();
    let mut missing = Vec::new();
    for candidate in candidates {
        let (name, version) = (candidate.name.clone(), candidate.version.clone());
        match choose_one(candidate, target, &tags)? {
            Ok(package) => match chosen.get(&name) {
                Some(other) if other.version != version => {
                    return Err(LockError::Twice { name, versions: vec![other.version.clone(), version] });
                }
                Some(_) => {}
                None => {
                    chosen.insert(name, package);
                }
            },
            Err(reason) => missing.push(Unavailable { name, version, reason }),
        }
    }
    if missing.is_empty() { Ok(chosen.into_values().collect()) } else { Err(LockError::NoWheel { packages: missing }) }
}

fn choose_one(candidate: Candidate, target: &PythonTarget, tags: &Tags) -> Result<Result<LockedPackage, NoWheel>, LockError> {
    let Candidate { name, version, wheels, sdist, hashes, index } = candidate;
    let checked = |file: &UncheckedFile| match &file.sha256 {
        Some(sha256) => {
            Ok(LockedFile { filename: file.filename.clone(), sha256: sha256.clone(), url: file.url.clone(), size: file.size })
        }
        None => Err(LockError::Unhashed { name: name.clone(), version: version.clone() }),
    };
    let choice = if wheels.is_empty() && sdist.is_none() && !hashes.is_empty() {
        Choice::Hashes(hashes)
    } else {
        match (pick(&wheels, |file| &file.filename, target, tags), &sdist) {
            (Ok(wheel), _) => Choice::Wheel(checked(wheel)?),
            (Err(reason), Some(file)) => Choice::Sdist { file: checked(file)?, reason },
            (Err(reason), None) => return Ok(Err(reason)),
        }
    };
    Ok(Ok(LockedPackage { name, version, choice, index }))
}

/// Reads a hash such as `sha256:…`; nothing when it is of another kind.
pub(super) fn sha256(hash: &str) -> Option<String> {
    let hex = hash.strip_prefix("sha256:").or_else(|| hash.strip_prefix("sha256="))?;
    let whole = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.then(|| hex.to_ascii_lowercase())
}
