//! The tags of wheels that an interpreter takes, the best first: the order of `packaging.tags` (PEP 425, PEP 600, PEP 656).
//!
//! Knows no files: a pure table of a [`PythonTarget`].

use std::collections::HashMap;

use super::python::{Implementation, Libc, PythonTarget};

/// One tag of a wheel (PEP 425).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag {
    /// Such as `cp313` or `py3`.
    pub python: String,
    /// Such as `cp313`, `abi3` or `none`.
    pub abi: String,
    /// Such as `manylinux_2_28_x86_64` or `any`.
    pub platform: String,
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// Every tag that an interpreter takes, with its rank; 0 is the best.
#[derive(Debug, Clone)]
pub struct Tags {
    ranks: HashMap<Tag, usize>,
}

impl Tags {
    /// Makes the table for an interpreter.
    pub fn of(target: &PythonTarget) -> Self {
        let mut ranks = HashMap::new();
        for (rank, tag) in ordered(target).into_iter().enumerate() {
            ranks.entry(tag).or_insert(rank);
        }
        Self { ranks }
    }

    /// Returns the rank of a tag, or nothing when the interpreter does not take it.
    pub fn rank(&self, tag: &Tag) -> Option<usize> {
        self.ranks.get(tag).copied()
    }
}

/// Lists the tags that an interpreter takes, the best first.
pub fn ordered(target: &PythonTarget) -> Vec<Tag> {
    let minor = target.minor();
    let platforms = platforms(target);
    let own = format!("cp3{minor}");
    let (abi, stable) = match target.implementation() {
        Implementation::CPython => (own.clone(), "abi3"),
        Implementation::FreeThreaded => (format!("{own}t"), "abi3t"),
    };

    let mut tags = Vec::new();
    let mut native = |python: &str, abi: &str| tags.extend(platforms.iter().map(|platform| tag(python, abi, platform)));
    native(&own, &abi);
    native(&own, stable);
    native(&own, "none");
    // The stable ABI began with Python 3.2 (PEP 384).
    for older in (2..minor).rev() {
        native(&format!("cp3{older}"), stable);
    }
    for python in pure(minor) {
        native(&python, "none");
    }
    tags.push(tag(&own, "none", "any"));
    tags.extend(pure(minor).iter().map(|python| tag(python, "none", "any")));
    tags
}

fn tag(python: &str, abi: &str, platform: &str) -> Tag {
    Tag { python: python.to_owned(), abi: abi.to_owned(), platform: platform.to_owned() }
}

/// The tags of plain Python, newest first, the bare `py3` right after the interpreter's own.
fn pure(minor: u64) -> Vec<String> {
    let older = (0..minor).rev().map(|older| format!("py3{older}"));
    [format!("py3{minor}"), "py3".to_owned()].into_iter().chain(older).collect()
}

/// The platform tags of a base image, the best first.
fn platforms(target: &PythonTarget) -> Vec<String> {
    let machine = target.machine();
    let mut platforms = vec![format!("linux_{machine}")];
    match target.libc() {
        Libc::Glibc { major, minor } => {
            // PEP 600 and its forerunners: 2.5 is the oldest on x86_64, 2.17 elsewhere.
            let oldest = match machine {
                super::python::Machine::X86_64 => 5,
                super::python::Machine::Aarch64 => 17,
            };
            for minor in (oldest..=minor).rev() {
                platforms.push(format!("manylinux_{major}_{minor}_{machine}"));
                if let Some(alias) = alias(major, minor) {
                    platforms.push(format!("{alias}_{machine}"));
                }
            }
        }
        Libc::Musl { major, minor } => {
            platforms.extend((0..=minor).rev().map(|minor| format!("musllinux_{major}_{minor}_{machine}")));
        }
    }
    platforms
}

/// The name that a glibc version had before PEP 600 (PEP 513, 571, 599).
pub(super) fn alias(major: u16, minor: u16) -> Option<&'static str> {
    match (major, minor) {
        (2, 17) => Some("manylinux2014"),
        (2, 12) => Some("manylinux2010"),
        (2, 5) => Some("manylinux1"),
        _ => None,
    }
}

/// Reads the glibc that a platform tag needs, such as 2.28 of `manylinux_2_28_x86_64`.
pub(super) fn needed_glibc(platform: &str, machine: &str) -> Option<(u16, u16)> {
    let rest = platform.strip_suffix(machine)?.strip_suffix('_')?;
    match rest {
        "manylinux2014" => Some((2, 17)),
        "manylinux2010" => Some((2, 12)),
        "manylinux1" => Some((2, 5)),
        _ => {
            let (major, minor) = rest.strip_prefix("manylinux_")?.split_once('_')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        }
    }
}
