//! The choice from `poetry.lock`: every package has its groups and, for each, its marker.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, MarkerTree};
use url::Url;

use super::super::LockError;
use super::super::file::{file_name, normalize};
use super::super::manifest::{Manifest, group_name};
use super::super::markers;
use super::super::python::PythonTarget;
use super::super::selection::{Candidate, LocalPackage, MainDependencies, Selection, UncheckedFile, Wanted, choose, sha256};
use super::schema::{File, Markers, Package, PoetryLock};

/// Poetry's name of the project's own dependencies.
const MAIN: &str = "main";

impl PoetryLock {
    /// Chooses what a project needs.
    pub(in super::super) fn select(
        &self,
        project: &Path,
        target: &PythonTarget,
        wanted: &Wanted,
    ) -> Result<Selection, LockError> {
        self.require_python(target)?;
        let known_extras: Vec<String> = self.extras.keys().map(|extra| group_name(extra)).collect();
        let mut extras = Vec::new();
        for extra in &wanted.extras {
            let extra = group_name(extra);
            match ExtraName::new(extra.clone()) {
                Ok(name) if known_extras.contains(&extra) => extras.push(name),
                _ => return Err(LockError::UnknownExtra { extra, known: known_extras }),
            }
        }
        let known = self.groups(project)?;
        let mut groups: Vec<String> = Vec::new();
        for group in &wanted.groups {
            let group = group_name(group);
            if !known.contains(&group) {
                return Err(LockError::UnknownGroup { file: "poetry.lock".into(), group, known });
            }
            groups.push(group);
        }
        if wanted.project == MainDependencies::Include || !extras.is_empty() {
            groups.push(MAIN.into());
        }

        let (mut candidates, mut local) = (Vec::new(), Vec::new());
        for package in &self.packages {
            if !package.is_wanted(&groups, &extras, wanted, target)? {
                continue;
            }
            let (name, version) = (group_name(&package.name), package.version.clone());
            let (kind, url) = package.source.as_ref().map_or(("", ""), |source| (source.kind.as_str(), source.url.as_str()));
            match kind {
                "directory" => local.push(LocalPackage { name, version: Some(version), path: normalize(&project.join(url)) }),
                "git" => return Err(LockError::Git { name, url: url.to_owned() }),
                _ => candidates.push(package.candidate(name, kind, url, project)),
            }
        }
        Ok(Selection { packages: choose(candidates, target)?, local })
    }

    /// Names the extras.
    pub(in super::super) fn extras(&self) -> Vec<String> {
        self.extras.keys().map(|extra| group_name(extra)).collect()
    }

    /// Names the groups: those with packages, and those that the manifest declares without any.
    pub(in super::super) fn groups(&self, project: &Path) -> Result<Vec<String>, LockError> {
        let mut names: BTreeSet<String> =
            self.packages.iter().flat_map(|package| package.groups.iter()).map(|group| group_name(group)).collect();
        names.extend(declared(project)?);
        names.remove(MAIN);
        Ok(names.into_iter().collect())
    }

    /// Names the groups that Poetry installs by itself: all that are not optional.
    pub(in super::super) fn default_groups(&self, project: &Path) -> Result<Vec<String>, LockError> {
        let manifest = Manifest::read(project)?;
        let optional = |group: &String| {
            let groups = manifest.as_ref().and_then(|manifest| manifest.section(&["tool", "poetry", "group"]));
            let table = groups.into_iter().flatten().find(|(name, _)| group_name(name) == *group);
            table.and_then(|(_, table)| table.get("optional")?.as_bool()) == Some(true)
        };
        Ok(self.groups(project)?.into_iter().filter(|group| !optional(group)).collect())
    }

    /// Counts the packages that are not folders of this machine.
    pub(in super::super) fn pinned(&self) -> usize {
        let local = |package: &&Package| package.source.as_ref().is_some_and(|source| source.kind == "directory");
        self.packages.iter().filter(|package| !local(package)).count()
    }

    /// Lists the packages whose files have no sha256.
    pub(in super::super) fn unhashed(&self) -> Vec<String> {
        let bare = |package: &&Package| {
            let kind = package.source.as_ref().map_or("", |source| source.kind.as_str());
            !matches!(kind, "directory" | "git") && package.files.iter().all(|file| sha256(&file.hash).is_none())
        };
        self.packages.iter().filter(bare).map(|package| format!("{} {}", package.name, package.version)).collect()
    }

    /// Lists the packages from repositories, with the address.
    pub(in super::super) fn repositories(&self) -> Vec<(String, String)> {
        let git = |package: &Package| {
            let source = package.source.as_ref().filter(|source| source.kind == "git")?;
            Some((package.name.clone(), source.url.clone()))
        };
        self.packages.iter().filter_map(git).collect()
    }

    fn require_python(&self, target: &PythonTarget) -> Result<(), LockError> {
        let wants = &self.metadata.python_versions;
        // A range that only Poetry can read, such as one with `||`, is not judged.
        let Ok(specifiers) = VersionSpecifiers::from_str(&pep440(wants)) else { return Ok(()) };
        if specifiers.contains(&target.version().only_release()) {
            return Ok(());
        }
        Err(LockError::Python { wants: wants.clone(), has: target.version().to_string() })
    }
}

fn declared(project: &Path) -> Result<Vec<String>, LockError> {
    let Some(manifest) = Manifest::read(project)? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    // A group with packages is in the lock, or the lock is stale; only an empty one is learned here.
    for (name, requirements) in manifest.groups()? {
        if requirements.is_empty() {
            names.push(name);
        }
    }
    for (name, group) in manifest.section(&["tool", "poetry", "group"]).into_iter().flatten() {
        if group.get("dependencies").and_then(toml::Value::as_table).is_none_or(toml::Table::is_empty) {
            names.push(group_name(name));
        }
    }
    Ok(names)
}

/// Writes Poetry's caret and tilde ranges of Python as PEP 440 does; others are left as they are.
fn pep440(range: &str) -> String {
    let one = |part: &str| -> String {
        let part = part.trim();
        let Some(rest) = part.strip_prefix('^') else {
            return match part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
                Some(rest) => tilde(rest.trim()),
                None if part == "*" => String::new(),
                None => part.to_owned(),
            };
        };
        let major = rest.trim().split('.').next().and_then(|major| major.parse::<u64>().ok());
        major.map_or_else(|| part.to_owned(), |major| format!(">={},<{}", rest.trim(), major + 1))
    };
    range.split(',').map(one).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
}

fn tilde(version: &str) -> String {
    let mut numbers = version.split('.').map_while(|number| number.parse::<u64>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => format!(">={version},<{major}.{}", minor + 1),
        (Some(major), None) => format!(">={version},<{}", major + 1),
        (None, _) => format!("~{version}"),
    }
}

impl Package {
    fn is_wanted(
        &self,
        groups: &[String],
        extras: &[ExtraName],
        wanted: &Wanted,
        target: &PythonTarget,
    ) -> Result<bool, LockError> {
        for group in self.groups.iter().map(|group| group_name(group)).filter(|group| groups.contains(group)) {
            let marker = match self.marker(&group) {
                Some(text) => markers::parse(text, "poetry.lock")?,
                None => MarkerTree::TRUE,
            };
            // Extras alone, without the project, are what their absence would leave out.
            let only_extras = group == MAIN && wanted.project == MainDependencies::Exclude;
            let of_project = || only_extras && marker.evaluate(target.markers(), &[]);
            if marker.evaluate(target.markers(), extras) && !of_project() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn marker(&self, group: &str) -> Option<&str> {
        match self.markers.as_ref()? {
            Markers::All(text) => Some(text),
            Markers::ByGroup(texts) => texts.iter().find(|(name, _)| group_name(name) == group).map(|(_, text)| text.as_str()),
        }
    }

    fn candidate(&self, name: String, kind: &str, url: &str, project: &Path) -> Candidate {
        let place = match kind {
            "url" => Url::parse(url).ok(),
            "file" => Url::from_file_path(normalize(&project.join(url))).ok(),
            _ => None,
        };
        let located = |file: &File| UncheckedFile {
            filename: file.file.clone(),
            sha256: sha256(&file.hash),
            url: place.clone().filter(|place| file_name(place).as_ref() == Some(&file.file)),
            size: None,
        };
        let (wheels, others): (Vec<&File>, Vec<&File>) = self.files.iter().partition(|file| file.file.ends_with(".whl"));
        Candidate {
            name,
            version: self.version.clone(),
            wheels: wheels.into_iter().map(located).collect(),
            sdist: others.first().copied().map(located),
            hashes: Vec::new(),
            index: (kind == "legacy").then(|| Url::parse(url).ok()).flatten(),
        }
    }
}
