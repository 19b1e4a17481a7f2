//! The words in which a lock is found wanting, the same for every format.

use std::collections::BTreeMap;
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::{MarkerTree, VersionOrUrl};

use crate::model::{LockFinding, LockSituation};
use crate::project::manifest::parse_requirement;

use super::requirement::Requirement;

/// What a look at a lock brought to light.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) findings: Vec<LockFinding>,
    /// What could not be looked at, in words; empty when freshness is proven.
    pub(super) doubts: Vec<String>,
}

/// A requirement as a person wrote it, beside what it comes to.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) requirement: Requirement,
}

/// Names lock, manifest and command for findings about one list of requirements.
#[derive(Debug, Clone)]
pub(super) struct Words<'w> {
    /// Such as `uv.lock`.
    pub(super) lock: &'w str,
    /// Such as `pyproject.toml`.
    pub(super) manifest: String,
    /// What mends it.
    pub(super) hint: &'w str,
}

impl Words<'_> {
    /// Says that the lock was made for another manifest.
    pub(super) fn stale(&self, what: &str) -> LockFinding {
        LockFinding {
            situation: LockSituation::Stale,
            message: format!("{} is stale: {what}", self.lock),
            hint: self.hint.to_owned(),
        }
    }

    /// Compares what a manifest asks for with what a lock was made for, one finding for each difference.
    ///
    /// `place` follows the requirement, such as ` in group `dev``; empty for a project's own dependencies.
    pub(super) fn compare(&self, asked: &[Written], made_for: &[Requirement], place: &str) -> Vec<LockFinding> {
        let mut gone: Vec<&Requirement> =
            made_for.iter().filter(|known| asked.iter().all(|wish| wish.requirement != **known)).collect();
        let new = asked.iter().filter(|wish| !made_for.contains(&wish.requirement));
        let mut findings = Vec::new();
        for Written { text, requirement } in new {
            let before =
                gone.iter().position(|known| known.name == requirement.name && known.asked_by() == requirement.asked_by());
            let what = match before.map(|at| gone.remove(at)) {
                Some(known) => format!("the lock was made for {}", quoted(known, text)),
                None => "the lock was made without it".to_owned(),
            };
            let place = extra_place(requirement).unwrap_or_else(|| place.to_owned());
            findings.push(self.stale(&format!("{} requires \"{text}\"{place}, {what}", self.manifest)));
        }
        for known in gone {
            let place = extra_place(known).unwrap_or_else(|| place.to_owned());
            let what = format!("{} no longer requires \"{known}\"{place}, the lock was made with it", self.manifest);
            findings.push(self.stale(&what));
        }
        findings.dedup();
        findings
    }
}

impl Words<'_> {
    /// Finds requirements that a flat list of versions cannot meet, on whatever Linux.
    pub(super) fn unmet(&self, texts: &[String], place: &str, locked: &BTreeMap<String, Vec<String>>) -> Vec<LockFinding> {
        let mut findings = Vec::new();
        for text in texts {
            let Ok(requirement) = parse_requirement(text) else { continue };
            let empty = Vec::new();
            let versions = locked.get(&requirement.name.to_string()).unwrap_or(&empty);
            let fits = |version: &String| match (&requirement.version_or_url, Version::from_str(version)) {
                (Some(VersionOrUrl::VersionSpecifier(specifiers)), Ok(version)) => specifiers.contains(&version),
                _ => true,
            };
            // A requirement for some environments only may rightly be missing.
            if versions.iter().any(fits) || (versions.is_empty() && !everywhere(requirement.marker)) {
                continue;
            }
            let what = match versions.as_slice() {
                [] => "the lock was made without it".to_owned(),
                locked => format!("the lock holds {}", locked.join(" and ")),
            };
            findings.push(self.stale(&format!("{} requires \"{text}\"{place}, {what}", self.manifest)));
        }
        findings
    }
}

/// Tells whether a marker holds on every Linux.
fn everywhere(marker: MarkerTree) -> bool {
    let linux = "sys_platform == 'linux' and platform_system == 'Linux' and os_name == 'posix'";
    let mut miss = marker.negate();
    miss.and(MarkerTree::from_str(linux).unwrap_or_default());
    miss.is_false()
}

fn extra_place(requirement: &Requirement) -> Option<String> {
    requirement.asked_by().map(|extra| format!(" in extra `{extra}`"))
}

/// Two requirements may read alike and still come from two sources.
fn quoted(known: &Requirement, text: &str) -> String {
    let known = known.to_string();
    if known == text { format!("\"{known}\" from another source") } else { format!("\"{known}\"") }
}
