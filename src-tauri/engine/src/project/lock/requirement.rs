//! One requirement in the form in which a manifest's and a lock's are compared.
//!
//! Knows neither of them. Two requirements are equal when a resolver could not tell them apart: names normalised, extras
//! sorted, versions compared as versions, markers as functions of the environment, paths without `..`.

use std::fmt;
use std::ops::Bound;
use std::path::PathBuf;

use pep440_rs::{Version, VersionSpecifiers, release_specifiers_to_ranges};
use pep508_rs::{ExtraName, MarkerExpression, MarkerTree, MarkerValueExtra, PackageName};

/// A requirement, with where it is to come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Requirement {
    pub(super) name: PackageName,
    pub(super) extras: Vec<ExtraName>,
    pub(super) marker: MarkerTree,
    pub(super) source: Source,
}

/// Where a requirement is to come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// An index: any unless one is named.
    Index { specifier: VersionSpecifiers, index: Option<String>, conflict: Option<String> },
    /// The URL of an archive.
    Url { url: String, subdirectory: Option<String> },
    /// A repository; `reference` is such as `tag=v1`.
    Git { url: String, reference: Option<String>, subdirectory: Option<String>, lfs: Lfs },
    /// A file of this machine.
    Archive { path: PathBuf },
    /// A folder of this machine.
    Folder { path: PathBuf, kind: FolderKind },
}

/// How a folder is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FolderKind {
    /// Its files are copied.
    Copied,
    /// Its files are used in place.
    Editable,
    /// Only its dependencies are installed.
    Virtual,
}

/// Whether large files of a repository are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lfs {
    /// They are.
    Fetched,
    /// They are not.
    Left,
}

/// The lowest and the highest Python of a project.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PythonRange {
    pub(super) lower: Bound<Version>,
    pub(super) upper: Bound<Version>,
}

impl PythonRange {
    /// Reads the outer bounds of specifiers such as `>=3.11, <4`; what is excluded between them does not count.
    pub(super) fn of(specifiers: &VersionSpecifiers) -> Self {
        let ranges = release_specifiers_to_ranges(specifiers.clone());
        match ranges.bounding_range() {
            Some((lower, upper)) => Self { lower: lower.cloned(), upper: upper.cloned() },
            None => Self { lower: Bound::Unbounded, upper: Bound::Unbounded },
        }
    }

    /// Drops from a marker what is true of every Python in the range.
    pub(super) fn simplify(&self, marker: MarkerTree) -> MarkerTree {
        marker.simplify_python_versions(self.lower.as_ref(), self.upper.as_ref())
    }
}

impl Requirement {
    /// Takes out of the marker what is true of every Python in the range.
    pub(super) fn simplified(mut self, python: &PythonRange) -> Self {
        self.marker = python.simplify(self.marker);
        self
    }

    /// Returns the extra of the project that asks for it, where the marker holds exactly one.
    pub(super) fn asked_by(&self) -> Option<String> {
        let MarkerExpression::Extra { name, .. } = self.marker.top_level_extra()? else { return None };
        match name {
            MarkerValueExtra::Extra(name) => Some(name.to_string()),
            MarkerValueExtra::Arbitrary(_) => None,
        }
    }
}

impl fmt::Display for Requirement {
    /// Writes it as a person would, without the extra that asks for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if !self.extras.is_empty() {
            let extras: Vec<String> = self.extras.iter().map(ToString::to_string).collect();
            write!(f, "[{}]", extras.join(","))?;
        }
        match &self.source {
            Source::Index { specifier, .. } => {
                let specifiers: Vec<String> = specifier.iter().map(ToString::to_string).collect();
                f.write_str(&specifiers.join(","))?;
            }
            Source::Url { url, .. } => write!(f, " @ {url}")?,
            Source::Git { url, reference, .. } => {
                write!(f, " @ git+{url}")?;
                if let Some((_, reference)) = reference.as_deref().and_then(|reference| reference.split_once('=')) {
                    write!(f, "@{reference}")?;
                }
            }
            Source::Archive { path } | Source::Folder { path, .. } => write!(f, " @ {}", path.display())?,
        }
        let extra = self.asked_by().and_then(|extra| ExtraName::new(extra).ok());
        let marker = self.marker.clone().simplify_extras(extra.as_slice());
        match marker.try_to_string() {
            Some(marker) => write!(f, "; {marker}"),
            None => Ok(()),
        }
    }
}
