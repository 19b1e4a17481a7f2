//! Whether `uv.lock` was made for the manifests as they are now: what uv itself asks before it resolves, without uv, without
//! a network, without a build.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::PackageName;

use super::super::LockError;
use super::super::file;
use super::super::findings::{Verdict, Words, Written};
use super::super::manifest::Manifest;
use super::super::requirement::{PythonRange, Requirement};
use super::lower::{Owner, Place, recorded};
use super::schema::{METADATA_OPTIONAL, Metadata, Package, Source, UvLock, Wish};
use super::workspace::{Unbuilt, Workspace, is_package, lock_root};
use super::{groups, settings};

/// The command that mends a `uv.lock`.
pub(super) const HINT: &str = "run `uv lock`";

/// One look at one lock.
pub(super) struct Look<'l> {
    pub(super) lock: &'l UvLock,
    pub(super) dir: &'l Path,
    pub(super) workspace: &'l Workspace,
    pub(super) python: PythonRange,
    pub(super) verdict: Verdict,
}

impl UvLock {
    /// Compares the lock in a folder with the manifests that it was made for.
    pub(in super::super) fn check(&self, dir: &Path) -> Result<Verdict, LockError> {
        let verdict = Verdict { findings: Vec::new(), doubts: Vec::new() };
        let Some(workspace) = Workspace::read(dir)? else {
            return Err(LockError::Manifest { path: dir.join("pyproject.toml"), reason: "there is none beside uv.lock".into() });
        };
        let specifiers = VersionSpecifiers::from_str(&self.requires_python).map_err(|_| LockError::Unreadable {
            file: "uv.lock".into(),
            reason: format!("`{}` is no range of Python versions", self.requires_python),
            hint: HINT.into(),
        })?;
        let mut look = Look { lock: self, dir, workspace: &workspace, python: PythonRange::of(&specifiers), verdict };
        look.members();
        look.python()?;
        look.lists()?;
        look.settings()?;
        for (name, manifest) in &workspace.members {
            look.member(name, manifest)?;
        }
        look.path_dependencies()?;
        Ok(look.verdict)
    }
}

impl Look<'_> {
    pub(super) fn words(&self, manifest: &Manifest) -> Words<'static> {
        let way = file::relative(self.dir, &manifest.path);
        Words { lock: "uv.lock", manifest: way.display().to_string(), hint: HINT }
    }

    pub(super) fn stale(&mut self, what: &str) {
        let finding = self.words(&self.workspace.root).stale(what);
        self.verdict.findings.push(finding);
    }

    fn members(&mut self) {
        let mut now: BTreeSet<String> = self.workspace.members.keys().map(ToString::to_string).collect();
        // A workspace of one project needs no list.
        if now.len() == 1 && !self.workspace.is_virtual_root() {
            now.clear();
        }
        let then: BTreeSet<String> = self.lock.manifest.members.iter().cloned().collect();
        for new in now.difference(&then) {
            self.stale(&format!("`{new}` is a member of the workspace, the lock was made without it"));
        }
        for gone in then.difference(&now) {
            self.stale(&format!("`{gone}` is no longer a member of the workspace, the lock was made with it"));
        }
    }

    fn python(&mut self) -> Result<(), LockError> {
        let mut all = Vec::new();
        let mut texts = Vec::new();
        for member in self.workspace.members.values().chain([&self.workspace.root]) {
            let Some(text) = member.requires_python() else { continue };
            let specifiers = VersionSpecifiers::from_str(text)
                .map_err(|_| member.broken(format!("`{text}` is no range of Python versions")))?;
            all.extend(specifiers);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.is_empty() {
            self.verdict.doubts.push("pyproject.toml says no requires-python, so the lock's cannot be compared".into());
            return Ok(());
        }
        if PythonRange::of(&VersionSpecifiers::from_iter(all)) != self.python {
            let manifest = self.words(&self.workspace.root).manifest;
            let (now, then) = (texts.join(","), &self.lock.requires_python);
            self.stale(&format!("{manifest} requires Python \"{now}\", the lock was made for \"{then}\""));
        }
        Ok(())
    }

    /// Compares one member of the workspace with its entry.
    fn member(&mut self, name: &PackageName, manifest: &Manifest) -> Result<(), LockError> {
        let words = self.words(manifest);
        let local = |package: &&Package| package.name == name.to_string() && package.source.folder().is_some();
        let Some(package) = self.lock.packages.iter().find(local) else {
            self.verdict.findings.push(words.stale(&format!("it does not hold the project `{name}`")));
            return Ok(());
        };
        let unbuilt = if self.workspace.required.contains_key(name) { Unbuilt::Package } else { Unbuilt::Virtual };
        let expected = match (is_package(manifest, unbuilt), self.workspace.required.get(name).copied().flatten()) {
            (false, _) => "virtual",
            (true, Some(false)) => "not editable",
            (true, _) => "editable",
        };
        let found = kind(&package.source);
        if expected != found {
            let what = format!("`{name}` is {expected} by {}, the lock was made when it was {found}", words.manifest);
            self.verdict.findings.push(words.stale(&what));
        }
        self.version(package, manifest, &words);
        self.requirements(package, manifest, self.workspace, &words)
    }

    fn version(&mut self, package: &Package, manifest: &Manifest, words: &Words<'_>) {
        let what = match (&package.version, manifest.version()) {
            (Some(then), Some(now)) if Version::from_str(then).ok() != Version::from_str(now).ok() => {
                format!("{} has version {now}, the lock was made for {then}", words.manifest)
            }
            (Some(_), None) if manifest.is_dynamic("version") => {
                format!("the version in {} is dynamic, the lock was made for a fixed one", words.manifest)
            }
            (None, Some(now)) => format!("{} has version {now}, the lock was made for a dynamic one", words.manifest),
            _ => return,
        };
        self.verdict.findings.push(words.stale(&what));
    }

    /// Compares dependencies, extras and groups of a local package with what the lock was made for.
    fn requirements(
        &mut self,
        package: &Package,
        manifest: &Manifest,
        workspace: &Workspace,
        words: &Words<'_>,
    ) -> Result<(), LockError> {
        if manifest.is_dynamic("dependencies") || manifest.is_dynamic("optional-dependencies") {
            self.verdict.doubts.push(format!("the build backend decides what {} requires", words.manifest));
            return Ok(());
        }
        let owner = Owner { manifest, workspace };
        let mut asked = self.written(&owner, manifest.dependencies()?, &Place::Main)?;
        for (extra, requirements) in manifest.extras()? {
            asked.extend(self.written(&owner, requirements, &Place::Extra(extra))?);
        }
        let groups = groups::of(manifest)?;
        if package.metadata.is_none() && self.lock.revision >= METADATA_OPTIONAL {
            self.by_edges(package, &asked, words);
            return Ok(());
        }
        let empty = Metadata::default();
        let metadata = package.metadata.as_ref().unwrap_or(&empty);
        let then = self.recorded(&metadata.requires_dist)?;
        self.verdict.findings.extend(words.compare(&asked, &then, ""));
        self.extras(manifest, metadata, words)?;

        let names: BTreeSet<&String> = groups.keys().chain(metadata.requires_dev.keys()).collect();
        for name in names {
            let place = format!(" in group `{name}`");
            let asked = match groups.get(name) {
                Some(group) => self.group(&owner, name, group)?,
                None => Vec::new(),
            };
            let then = self.recorded(metadata.requires_dev.get(name).map_or(&[][..], Vec::as_slice))?;
            let differences = words.compare(&asked, &then, &place);
            let in_both = groups.contains_key(name) == metadata.requires_dev.contains_key(name);
            if differences.is_empty() && !in_both && self.lock.revision >= 1 {
                let what = if groups.contains_key(name) { "was made without it" } else { "still has it" };
                self.verdict.findings.push(words.stale(&format!("{} changed group `{name}`, the lock {what}", words.manifest)));
            }
            self.verdict.findings.extend(differences);
        }
        Ok(())
    }

    fn extras(&mut self, manifest: &Manifest, metadata: &Metadata, words: &Words<'_>) -> Result<(), LockError> {
        // Revision 0 did not record them.
        if self.lock.revision == 0 {
            return Ok(());
        }
        let now: BTreeSet<String> = manifest.extras()?.keys().map(ToString::to_string).collect();
        let then: BTreeSet<String> = metadata.provides_extras.iter().cloned().collect();
        for new in now.difference(&then) {
            self.verdict
                .findings
                .push(words.stale(&format!("{} has extra `{new}`, the lock was made without it", words.manifest)));
        }
        for gone in then.difference(&now) {
            let what = format!("{} no longer has extra `{gone}`, the lock was made with it", words.manifest);
            self.verdict.findings.push(words.stale(&what));
        }
        Ok(())
    }

    /// Where the lock did not record what was asked for, only that every name was resolved can be seen.
    fn by_edges(&mut self, package: &Package, asked: &[Written], words: &Words<'_>) {
        let edges = package.dependencies.iter().chain(package.optional_dependencies.values().flatten());
        let names: BTreeSet<&str> = edges.map(|edge| edge.name.as_str()).collect();
        for Written { text, requirement } in asked {
            let own = requirement.name.to_string() == package.name;
            if !own && !requirement.marker.is_false() && !names.contains(requirement.name.to_string().as_str()) {
                self.verdict
                    .findings
                    .push(words.stale(&format!("{} requires \"{text}\", the lock was made without it", words.manifest)));
            }
        }
        self.verdict.doubts.push("uv.lock does not record what it was made for".into());
    }

    pub(super) fn group(&self, owner: &Owner<'_>, name: &str, group: &groups::Group) -> Result<Vec<Written>, LockError> {
        let mut all = Vec::new();
        for (text, python) in &group.requirements {
            for mut written in self.written(owner, vec![text.clone()], &Place::Group(name.to_owned()))? {
                written.requirement.marker.and(python.clone());
                written.requirement = written.requirement.simplified(&self.python);
                all.push(written);
            }
        }
        Ok(all)
    }

    pub(super) fn written(&self, owner: &Owner<'_>, texts: Vec<String>, place: &Place) -> Result<Vec<Written>, LockError> {
        let mut all = Vec::new();
        for text in texts {
            for requirement in owner.lower(&text, place)? {
                all.push(Written { text: text.clone(), requirement: requirement.simplified(&self.python) });
            }
        }
        Ok(all)
    }

    pub(super) fn recorded(&self, wishes: &[Wish]) -> Result<Vec<Requirement>, LockError> {
        let read = |wish: &Wish| {
            recorded(wish, self.dir).map(|requirement| requirement.simplified(&self.python)).ok_or_else(|| {
                LockError::Unreadable {
                    file: "uv.lock".into(),
                    reason: format!("what it was made for is not understood at `{}`", wish.name),
                    hint: HINT.into(),
                }
            })
        };
        wishes.iter().map(read).collect()
    }

    /// Compares folders outside the workspace that the lock holds.
    fn path_dependencies(&mut self) -> Result<(), LockError> {
        for package in &self.lock.packages {
            let Some(folder) = package.source.folder() else { continue };
            let folder = file::normalize(&self.dir.join(folder));
            if self.workspace.members.values().any(|member| file::normalize(&member.dir) == folder) {
                continue;
            }
            if !folder.is_dir() {
                let name = &package.name;
                self.stale(&format!("it holds `{name}` from {}, which is no folder", folder.display()));
                continue;
            }
            let doubt = || format!("what `{}` requires is decided by its build backend", package.name);
            let Some(manifest) = Manifest::read(&folder)? else {
                self.verdict.doubts.push(doubt());
                continue;
            };
            let Some(own) = Workspace::read(&lock_root(&folder)?)? else { continue };
            if manifest.project().is_none() {
                self.verdict.doubts.push(doubt());
                continue;
            }
            let words = self.words(&manifest);
            self.version(package, &manifest, &words);
            self.requirements(package, &manifest, &own, &words)?;
        }
        Ok(())
    }

    fn settings(&mut self) -> Result<(), LockError> {
        settings::check(self)
    }
}

fn kind(source: &Source) -> &'static str {
    if source.editable.is_some() {
        "editable"
    } else if source.r#virtual.is_some() {
        "virtual"
    } else {
        "not editable"
    }
}
