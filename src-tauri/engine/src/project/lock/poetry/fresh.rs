//! Whether `poetry.lock` was made for the manifest as it is now: by Poetry's own content hash.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use pep440_rs::Version;

use crate::model::LockFinding;

use super::super::LockError;
use super::super::findings::{Verdict, Words};
use super::super::manifest::{Manifest, group_name};
use super::hash::{Groups, content_hash};
use super::schema::PoetryLock;

const HINT: &str = "run `poetry lock`";

/// The first Poetry that hashes dependency groups.
const HASHES_GROUPS: [u64; 2] = [2, 3];

impl PoetryLock {
    /// Compares the lock with the manifest beside it.
    pub(in super::super) fn check(&self, manifest: &Manifest) -> Result<Verdict, LockError> {
        let words = Words { lock: "poetry.lock", manifest: "pyproject.toml".into(), hint: HINT };
        let mut verdict = Verdict { findings: Vec::new(), doubts: Vec::new() };
        let locked = &self.metadata.content_hash;
        let groups = manifest.groups()?;
        let with_groups = content_hash(&manifest.table, Groups::Hashed) == *locked;
        let without = !with_groups && self.is_older() && content_hash(&manifest.table, Groups::Left) == *locked;

        if !with_groups && !without {
            verdict.findings = self.reasons(manifest, &words)?;
            if verdict.findings.is_empty() {
                verdict.findings.push(words.stale("pyproject.toml was changed after it was made"));
            }
        } else if without && !groups.is_empty() {
            for (group, requirements) in &groups {
                verdict.findings.extend(self.unmet(requirements, &format!(" in group `{group}`"), &words));
            }
            verdict.doubts.push("this version of Poetry does not record dependency groups in its hash".into());
        }
        Ok(verdict)
    }

    fn is_older(&self) -> bool {
        let version = self.written_by.as_deref().and_then(|version| Version::from_str(version).ok());
        version.is_some_and(|version| version < Version::new(HASHES_GROUPS))
    }

    /// Names the requirements of a changed manifest that the lock cannot meet.
    fn reasons(&self, manifest: &Manifest, words: &Words<'_>) -> Result<Vec<LockFinding>, LockError> {
        let mut findings = self.unmet(&manifest.dependencies()?, "", words);
        for (extra, requirements) in manifest.extras()? {
            findings.extend(self.unmet(&requirements, &format!(" in extra `{extra}`"), words));
        }
        for (group, requirements) in manifest.groups()? {
            findings.extend(self.unmet(&requirements, &format!(" in group `{group}`"), words));
        }
        let known: BTreeSet<String> = self.packages.iter().map(|package| group_name(&package.name)).collect();
        for (place, names) in poetry_tables(manifest) {
            for name in names.into_iter().filter(|name| name != "python" && !known.contains(name)) {
                findings.push(words.stale(&format!("pyproject.toml requires \"{name}\"{place}, the lock was made without it")));
            }
        }
        if let Some(python) = manifest.requires_python().filter(|python| *python != self.metadata.python_versions) {
            let then = &self.metadata.python_versions;
            findings.push(words.stale(&format!("pyproject.toml requires Python \"{python}\", the lock was made for \"{then}\"")));
        }
        Ok(findings)
    }

    fn unmet(&self, requirements: &[String], place: &str, words: &Words<'_>) -> Vec<LockFinding> {
        let mut locked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for package in &self.packages {
            locked.entry(group_name(&package.name)).or_default().push(package.version.clone());
        }
        words.unmet(requirements, place, &locked)
    }
}

/// Lists what `[tool.poetry]` asks for, by table.
fn poetry_tables(manifest: &Manifest) -> Vec<(String, Vec<String>)> {
    let names = |keys: &[&str]| -> Vec<String> {
        manifest.section(keys).into_iter().flat_map(|table| table.keys()).map(|name| group_name(name)).collect()
    };
    let mut tables = vec![
        (String::new(), names(&["tool", "poetry", "dependencies"])),
        (" in group `dev`".to_owned(), names(&["tool", "poetry", "dev-dependencies"])),
    ];
    for group in manifest.section(&["tool", "poetry", "group"]).into_iter().flat_map(|groups| groups.keys()) {
        tables.push((format!(" in group `{group}`"), names(&["tool", "poetry", "group", group, "dependencies"])));
    }
    tables
}
