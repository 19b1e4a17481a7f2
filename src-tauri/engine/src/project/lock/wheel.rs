//! Names of wheels (PEP 427), and the choice of the best one for an interpreter.
//!
//! Knows no lock: it is given the files of one package.

use std::fmt;

use super::python::{Libc, PythonTarget};
use super::tags::{Tag, Tags, needed_glibc};

/// A wheel's file name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// The distribution's name, escaped as in the file name.
    pub distribution: String,
    /// The version, escaped as in the file name.
    pub version: String,
    build: Option<(u64, String)>,
    tags: Vec<Tag>,
}

impl WheelName {
    /// Reads a file name; nothing when it is no wheel's.
    pub fn parse(file: &str) -> Option<Self> {
        let parts: Vec<&str> = file.strip_suffix(".whl")?.split('-').collect();
        let (distribution, version, build, [python, abi, platform]) = match parts.as_slice() {
            [name, version, python, abi, platform] => (name, version, None, [python, abi, platform]),
            [name, version, build, python, abi, platform] => (name, version, Some(split_build(build)?), [python, abi, platform]),
            _ => return None,
        };
        let mut tags = Vec::new();
        for python in python.split('.') {
            for abi in abi.split('.') {
                for platform in platform.split('.') {
                    tags.push(Tag { python: python.into(), abi: abi.into(), platform: platform.into() });
                }
            }
        }
        Some(Self { distribution: (*distribution).into(), version: (*version).into(), build, tags })
    }

    /// Returns the tags, the compressed ones (PEP 425) spread out.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Returns the rank of the best tag, or nothing when the interpreter takes none.
    pub fn rank(&self, tags: &Tags) -> Option<usize> {
        self.tags.iter().filter_map(|tag| tags.rank(tag)).min()
    }
}

/// A build number begins with a digit and sorts by it (PEP 427).
fn split_build(text: &str) -> Option<(u64, String)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest.to_owned()))
}

/// Why a package has no wheel for an interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoWheel {
    /// It has no wheel at all.
    OnlySource,
    /// Its wheels need a newer glibc.
    OlderGlibc {
        /// What the least demanding of them needs, such as `2.28`.
        needs: String,
        /// What the base has, such as `2.17`.
        has: String,
    },
    /// It has wheels for glibc, and the base has musl.
    Musl,
    /// Its wheels are for other versions of Python.
    OtherPython {
        /// Those it has wheels for, such as `cp311`.
        offered: Vec<String>,
        /// The interpreter's, such as `3.13`.
        python: String,
    },
    /// Its wheels are for other systems or processors.
    OtherPlatform {
        /// The base's, such as `linux/aarch64`.
        platform: String,
    },
}

impl fmt::Display for NoWheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlySource => f.write_str("has only a source distribution"),
            Self::OlderGlibc { needs, has } => write!(f, "needs glibc {needs}, the base has {has}"),
            Self::Musl => f.write_str("has wheels for glibc only, the base has musl"),
            Self::OtherPython { offered, python } => {
                write!(f, "has no wheel for Python {python} (only {})", offered.join(", "))
            }
            Self::OtherPlatform { platform } => write!(f, "has no wheel for {platform}"),
        }
    }
}

/// Picks the best wheel of a package: the best tag, then the highest build number, then the name.
///
/// # Errors
/// Why there is none.
pub(super) fn pick<'f, F>(
    files: &'f [F],
    name: impl Fn(&F) -> &str,
    target: &PythonTarget,
    tags: &Tags,
) -> Result<&'f F, NoWheel> {
    let wheels: Vec<(&F, WheelName)> =
        files.iter().filter_map(|file| WheelName::parse(name(file)).map(|wheel| (file, wheel))).collect();
    wheels
        .iter()
        .filter_map(|(file, wheel)| Some((wheel.rank(tags)?, std::cmp::Reverse(wheel.build.clone()), name(file), *file)))
        .min_by(|a, b| (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)))
        .map(|(_, _, _, file)| file)
        .ok_or_else(|| diagnose(wheels.iter().flat_map(|(_, wheel)| wheel.tags()), target, tags))
}

/// Finds the nearest miss: which one fact about the base, were it different, would let a wheel fit.
fn diagnose<'t>(offered: impl Iterator<Item = &'t Tag>, target: &PythonTarget, tags: &Tags) -> NoWheel {
    let offered: Vec<&Tag> = offered.collect();
    if offered.is_empty() {
        return NoWheel::OnlySource;
    }
    let machine = target.machine().as_str();
    // A tag fits in every respect but the platform when it fits with the base's plainest one.
    let plain = format!("linux_{machine}");
    let fits_python = |tag: &Tag| tags.rank(&Tag { platform: plain.clone(), ..tag.clone() }).is_some();
    let needed = offered.iter().filter(|tag| fits_python(tag)).filter_map(|tag| needed_glibc(&tag.platform, machine)).min();
    if let Some((major, minor)) = needed {
        return match target.libc() {
            Libc::Glibc { major: has, minor: has_minor } => {
                NoWheel::OlderGlibc { needs: format!("{major}.{minor}"), has: format!("{has}.{has_minor}") }
            }
            Libc::Musl { .. } => NoWheel::Musl,
        };
    }
    let fits_platform = |tag: &Tag| tag.platform == "any" || tag.platform.ends_with(machine) && tag.platform.contains("linux");
    let mut pythons: Vec<String> = offered.iter().filter(|tag| fits_platform(tag)).map(|tag| tag.python.clone()).collect();
    pythons.sort_by_key(|python| (python.len(), python.clone()));
    pythons.dedup();
    if pythons.is_empty() || offered.iter().any(|tag| fits_python(tag) && !fits_platform(tag)) {
        return NoWheel::OtherPlatform { platform: format!("linux/{machine}") };
    }
    NoWheel::OtherPython { offered: pythons, python: format!("3.{}", target.minor()) }
}
