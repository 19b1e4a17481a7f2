//! What can go wrong with a lock, and what a person does about it.

use std::path::PathBuf;

use super::wheel::NoWheel;

/// Why a lock cannot be found, read, used or mended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// A file cannot be read or written.
    #[error("{} cannot be {verb}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// What the system said.
        reason: String,
    },
    /// The manifest is broken.
    #[error("{} cannot be understood: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where that is known.
        reason: String,
    },
    /// The lock is broken, too old or too new.
    #[error("{file} cannot be used: {reason}")]
    Unreadable {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        reason: String,
        /// What mends it.
        hint: String,
    },
    /// No version of Python was given.
    #[error("`{version}` is no full version of Python 3")]
    PythonVersion {
        /// What was given.
        version: String,
    },
    /// A processor that wheels are not chosen for.
    #[error("no wheels are chosen for the processor `{name}`")]
    Machine {
        /// Its name.
        name: String,
    },
    /// The lock was made for other versions of Python.
    #[error("the lock says Python {wants}, the base runs {has}")]
    Python {
        /// The lock's range.
        wants: String,
        /// The base's version.
        has: String,
    },
    /// The lock was made for other systems.
    #[error("the lock is only for {wants}, which the base is not")]
    Environment {
        /// The lock's markers.
        wants: String,
    },
    /// An extra that the project does not have.
    #[error("the project has no extra `{extra}`")]
    UnknownExtra {
        /// What was asked for.
        extra: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A dependency group that the lock does not have.
    #[error("{file} has no dependency group `{group}`")]
    UnknownGroup {
        /// The lock's name.
        file: String,
        /// What was asked for.
        group: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The project is not in the lock that stands for it.
    #[error("{file} does not hold the project in {}", project.display())]
    NotInLock {
        /// The lock's name.
        file: String,
        /// The project's folder.
        project: PathBuf,
    },
    /// The lock names a package that it does not hold.
    #[error("{file} names `{name}`, but does not hold it")]
    Dangling {
        /// The lock's name.
        file: String,
        /// The package.
        name: String,
    },
    /// The lock holds two versions of a package for one environment.
    #[error("{name} is locked twice for this Python: {}", versions.join(" and "))]
    Twice {
        /// The package.
        name: String,
        /// Both versions.
        versions: Vec<String>,
    },
    /// A dependency comes from a repository, which has no sha256.
    #[error("{name} comes from a git repository ({url}), whose files have no sha256")]
    Git {
        /// The package.
        name: String,
        /// The repository.
        url: String,
    },
    /// A locked file has no sha256.
    #[error("{name} {version} is locked without a sha256")]
    Unhashed {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
    /// A requirement is not pinned to one version.
    #[error("`{requirement}` is not pinned to one version")]
    Unpinned {
        /// The requirement.
        requirement: String,
    },
    /// Packages without a wheel that the base can take.
    #[error("{}", list(packages))]
    NoWheel {
        /// All of them.
        packages: Vec<Unavailable>,
    },
    /// The index does not have the file that the lock names.
    #[error("no index has a file of {name} {version} with a sha256 from the lock")]
    NoUrl {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
    /// The index has another file than the one that the lock names.
    #[error("sha256 of {file} is {has}, the lock says {wants}: not used")]
    Mismatch {
        /// The file.
        file: String,
        /// What the index says.
        has: String,
        /// What the lock says.
        wants: String,
    },
    /// A tool is not installed.
    #[error("`{tool}` is not installed, and {purpose} needs it")]
    ToolMissing {
        /// Its name.
        tool: String,
        /// What for.
        purpose: String,
    },
    /// A tool failed.
    #[error("`{command}` failed: {reason}")]
    ToolFailed {
        /// What was run.
        command: String,
        /// Its last words.
        reason: String,
    },
    /// There is nothing that a lock could be made from.
    #[error("{} has no pyproject.toml and no requirements file, so nothing can be locked", root.display())]
    NothingToLock {
        /// The project's folder.
        root: PathBuf,
    },
}

/// A package that cannot be installed from a wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Why.
    pub reason: NoWheel,
}

fn list(packages: &[Unavailable]) -> String {
    let lines: Vec<String> = packages.iter().map(|p| format!("{} {} {}", p.name, p.version, p.reason)).collect();
    lines.join("; ")
}

impl LockError {
    /// Returns what a person can do about it, most useful first.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Unreadable { hint, .. } => vec![hint.clone()],
            Self::Manifest { path, .. } => vec![format!("correct {}", path.display())],
            Self::PythonVersion { .. } => vec!["give major, minor and patch, such as 3.13.5".into()],
            Self::Machine { .. } => vec!["choose a base for linux/amd64 or linux/arm64".into()],
            Self::Python { wants, .. } => {
                vec![format!("choose a base image with Python {wants}, or change requires-python and lock again")]
            }
            Self::Environment { .. } => vec!["add Linux to the environments that the lock is made for, and lock again".into()],
            Self::UnknownExtra { known, .. } | Self::UnknownGroup { known, .. } if known.is_empty() => {
                vec!["the project has none".into()]
            }
            Self::UnknownExtra { known, .. } | Self::UnknownGroup { known, .. } => vec![format!("known: {}", known.join(", "))],
            Self::NotInLock { .. } | Self::Dangling { .. } | Self::Twice { .. } => {
                vec!["run `nonevent lock` to make it again".into()]
            }
            Self::Git { name, .. } => {
                vec![format!("depend on a release of {name}, or on the URL of a wheel of it, and lock again")]
            }
            Self::Unhashed { .. } | Self::Unpinned { .. } => vec!["run `nonevent lock`, which writes versions and hashes".into()],
            Self::NoWheel { packages } => no_wheel_hints(packages),
            Self::NoUrl { .. } => vec!["check the index in the configuration of uv or pip, then lock again".into()],
            Self::Mismatch { .. } => vec!["find out why the file changed before you lock again".into()],
            Self::ToolMissing { tool, .. } => vec![format!("install {tool}, or run the command where it is installed")],
            Self::NothingToLock { .. } => vec!["write the dependencies into pyproject.toml, then run `uv lock`".into()],
            Self::File { .. } | Self::ToolFailed { .. } => Vec::new(),
        }
    }
}

fn no_wheel_hints(packages: &[Unavailable]) -> Vec<String> {
    let mut hints = Vec::new();
    let mut add = |hint: String| {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    };
    for package in packages {
        add(match &package.reason {
            NoWheel::OnlySource => {
                "choose a version with a wheel, or build the image by a Dockerfile (`build.dockerfile`)".into()
            }
            NoWheel::OlderGlibc { .. } => "choose a newer base image, or an older version of the package".into(),
            NoWheel::Musl => "choose a base on Debian, such as the one without `alpine` in its tag".into(),
            NoWheel::OtherPython { .. } => "choose a base with one of these versions, or another version of the package".into(),
            NoWheel::OtherPlatform { .. } => {
                "choose another platform, or build the image by a Dockerfile (`build.dockerfile`)".into()
            }
        });
    }
    hints
}
