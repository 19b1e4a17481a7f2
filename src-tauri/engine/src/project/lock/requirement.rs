//! One requirement in the form in which a manifest's and a lock's are compared.
//!
//! Knows neither of them. Two requirements are equal when a resolver could not tell them apart: names normalised, extras
//! sorted, versions compared as versions, markers as functions of the environment, paths without `..`.

use std::fmt;
use std::ops::Bound;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::LazyLock;

use pep440_rs::{Version, VersionSpecifiers, release_specifiers_to_ranges};
use pep508_rs::{ExtraName, MarkerExpression, MarkerTree, MarkerValueExtra, PackageName};

/// A requirement, with where it is to come from.
#[derive(Debug, Clone)]
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

/// Every environment that there can be: markers may speak of others, and uv leaves those out of what it writes.
static POSSIBLE: LazyLock<MarkerTree> = LazyLock::new(|| {
    // A marker that is never true is written as `python_version < '0'`.
    let mut rules = vec!["python_full_version >= '0'".to_owned()];
    for (system, platform) in [("Linux", "linux"), ("Windows", "win32"), ("Darwin", "darwin")] {
        let (is, is_not) = (
            format!("platform_system == '{system}' and sys_platform == '{platform}'"),
            format!("platform_system != '{system}' and sys_platform != '{platform}'"),
        );
        rules.push(format!("({is}) or ({is_not})"));
    }
    for platform in ["linux", "darwin", "ios"] {
        rules.push(format!("os_name != 'nt' or sys_platform != '{platform}'"));
    }
    rules.push("os_name != 'posix' or sys_platform != 'win32'".to_owned());
    let platforms = ["aix", "android", "emscripten", "ios", "linux", "darwin", "win32", "cygwin", "wasi"];
    for system in ["FreeBSD", "NetBSD", "OpenBSD", "SunOS", "iOS", "iPadOS"] {
        for platform in platforms.iter().filter(|platform| **platform != "ios" || !system.starts_with('i')) {
            rules.push(format!("platform_system != '{system}' or sys_platform != '{platform}'"));
        }
    }
    let mut possible = MarkerTree::TRUE;
    for rule in rules {
        possible.and(MarkerTree::from_str(&rule).unwrap_or_default());
    }
    possible
});

/// Tells whether two markers say the same of every environment that there can be.
pub(super) fn same_marker(one: &MarkerTree, other: &MarkerTree) -> bool {
    // Trees that say the same are not always the same tree, but what one says and the other denies is then impossible.
    let implies = |one: &MarkerTree, other: &MarkerTree| {
        let mut one = one.clone();
        one.and(POSSIBLE.clone());
        one.is_disjoint(&other.negate())
    };
    one == other || implies(one, other) && implies(other, one)
}

impl PartialEq for Requirement {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.extras == other.extras
            && self.source == other.source
            && same_marker(&self.marker, &other.marker)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_the_same_when_no_environment_tells_them_apart() {
        let check = |one: &str, other: &str, expected: bool| {
            let marker = |text: &str| MarkerTree::from_str(text).unwrap();
            assert_eq!(same_marker(&marker(one), &marker(other)), expected, "{one} | {other}");
        };
        check("platform_system == 'Windows'", "sys_platform == 'win32'", true);
        check("platform_system == 'Windows' and os_name == 'nt'", "os_name == 'nt' and sys_platform == 'win32'", true);
        check("platform_system != 'Linux'", "sys_platform != 'linux'", true);
        check("os_name == 'nt' and sys_platform == 'linux'", "python_version < '0'", true);
        check("platform_system == 'FreeBSD' and sys_platform == 'linux'", "python_version < '0'", true);
        check("os_name == 'nt' and sys_platform == 'linux'", "os_name == 'posix'", false);
        check("os_name == 'nt'", "sys_platform == 'win32'", false);
        check("python_version >= '3.8'", "python_full_version >= '3.8'", true);
        check("extra == 'a_b'", "extra == 'a-b'", true);
    }
}
