//! `requirements.txt` with exact versions and hashes, its development files, and the `.in` files that they come from.

mod parse;
mod select;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) use parse::Sheet;

use super::LockError;
use super::file;
use super::findings::{Verdict, Words};
use super::manifest::{Manifest, group_name};
use crate::model::Digest;
use parse::{Entry, File};

/// The name of the file that counts as the lock.
pub(super) const MAIN: &str = "requirements.txt";

/// `requirements.txt` and the files for development beside it.
#[derive(Debug, Clone)]
pub(super) struct Requirements {
    main: Sheet,
    /// By the name of the group: `dev` for `requirements-dev.txt` or `dev-requirements.txt`.
    groups: BTreeMap<String, Sheet>,
    digest: Digest,
}

impl Requirements {
    /// Reads the files of a project.
    pub(super) fn read(project: &Path) -> Result<Self, LockError> {
        let main = Sheet::read(project, MAIN)?;
        let mut groups = BTreeMap::new();
        for (group, name) in development(project) {
            groups.insert(group, Sheet::read(project, &name)?);
        }
        let mut files: Vec<&File> = main.files.iter().chain(groups.values().flat_map(|sheet| &sheet.files)).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.dedup_by(|a, b| a.name == b.name);
        let digest = match files.as_slice() {
            [only] => file::digest(only.text.as_bytes()),
            all => {
                let lines = all.iter().map(|file| format!("{} {}\n", file.name, file::digest(file.text.as_bytes())));
                file::digest(lines.collect::<String>().as_bytes())
            }
        };
        Ok(Self { main, groups, digest })
    }

    /// Lists the files of a project that this would read, the app's own first, whether it is there or not.
    pub(super) fn names(project: &Path) -> Vec<String> {
        let groups = development(project).into_iter().map(|(_, name)| name);
        std::iter::once(MAIN.to_owned()).chain(groups).collect()
    }

    /// Returns the sha256 of the file's bytes; of all files together where there are several.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Looks for lines that a lock must not hold, and for direct requirements that are not met.
    pub(super) fn check(&self, project: &Path) -> Result<Verdict, LockError> {
        let mut findings = Vec::new();
        for (name, sheet) in self.sheets() {
            let hint = compile_hint(project, &name)?;
            findings.extend(sheet.faults(&hint));
            let words = Words { lock: &name, manifest: String::new(), hint: &hint };
            let (source, direct) = direct(project, &name)?;
            let words = Words { manifest: source, ..words };
            findings.extend(words.unmet(&direct, "", &sheet.versions()));
        }
        findings.dedup();
        Ok(Verdict {
            findings,
            doubts: vec!["requirements.txt does not record what it was made for: only direct requirements were compared".into()],
        })
    }

    /// Names the groups: one for each development file.
    pub(super) fn groups(&self) -> Vec<String> {
        self.groups.keys().cloned().collect()
    }

    /// Counts the pinned packages of the app itself.
    pub(super) fn pinned(&self) -> usize {
        self.main.versions().len()
    }

    fn sheets(&self) -> Vec<(String, &Sheet)> {
        std::iter::once(&self.main).chain(self.groups.values()).map(|sheet| (sheet.name.clone(), sheet)).collect()
    }
}

/// Finds `requirements-dev.txt`, `dev-requirements.txt` and their like.
fn development(project: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(project).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(stem) = name.strip_suffix(".txt") else { continue };
        let group = stem.strip_prefix("requirements-").or_else(|| stem.strip_suffix("-requirements"));
        let group = group.or_else(|| stem.strip_prefix("requirements_")).or_else(|| stem.strip_suffix("_requirements"));
        if let Some(group) = group.filter(|group| !group.is_empty()) {
            found.push((group_name(group), name));
        }
    }
    found.sort();
    found
}

/// Returns the file that a requirements file was compiled from, when it is there.
pub(super) fn source_of(project: &Path, name: &str) -> Option<PathBuf> {
    let source = PathBuf::from(name).with_extension("in");
    project.join(&source).is_file().then_some(source)
}

/// Returns what a requirements file must meet, and the name of where that is written.
fn direct(project: &Path, name: &str) -> Result<(String, Vec<String>), LockError> {
    if let Some(source) = source_of(project, name) {
        let source = source.display().to_string();
        let sheet = Sheet::read(project, &source)?;
        let texts = sheet.entries.into_iter().filter_map(|line| match line.entry {
            Entry::Pin(pin) => Some(pin.text),
            Entry::Loose(text) => Some(text),
            Entry::Unsafe { .. } => None,
        });
        return Ok((source, texts.collect()));
    }
    let manifest = if name == MAIN { Manifest::read(project)? } else { None };
    Ok(("pyproject.toml".into(), manifest.map_or(Ok(Vec::new()), |manifest| manifest.dependencies())?))
}

/// Returns the command that makes a requirements file anew.
pub(super) fn compile_command(project: &Path, name: &str) -> Result<Option<Vec<String>>, LockError> {
    let source = match source_of(project, name) {
        Some(source) => source.display().to_string(),
        None if name == MAIN && Manifest::read(project)?.is_some_and(|manifest| manifest.project().is_some()) => {
            "pyproject.toml".into()
        }
        None => return Ok(None),
    };
    let words = ["uv", "pip", "compile", &source, "--generate-hashes", "-o", name];
    Ok(Some(words.into_iter().map(str::to_owned).collect()))
}

fn compile_hint(project: &Path, name: &str) -> Result<String, LockError> {
    if let Some(command) = compile_command(project, name)? {
        return Ok(format!("run `{}`", command.join(" ")));
    }
    let source = PathBuf::from(name).with_extension("in").display().to_string();
    Ok(format!("rename {name} to {source}, then run `uv pip compile {source} --generate-hashes -o {name}`"))
}
