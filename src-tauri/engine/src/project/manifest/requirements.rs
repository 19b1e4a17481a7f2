//! Finds requirement files and reads the names and versions that they ask for.
//!
//! What is unsafe in such a file (URLs, editable installs, missing hashes) is the lock's business; here it is passed over.

use std::path::{Component, Path, PathBuf};

use super::{Manifest, normal, requirement};
use crate::project::document::read_text;
use crate::project::section::Section;
use crate::project::{At, Located, ProjectError};

/// A file of requirements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequirementFile {
    /// The group that it is for; none for the app itself.
    pub group: Option<String>,
    /// What it is.
    pub format: RequirementFormat,
    /// Its path, relative to the project.
    pub path: PathBuf,
}

/// What a requirement file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequirementFormat {
    /// `.in`: what people write, for pip-compile or uv to resolve.
    Source,
    /// `.txt`: pinned, or written by hand.
    Text,
}

/// Names of files that hold what the app itself needs; one that includes another goes before it.
const OWN: [&str; 7] = ["", "production", "prod", "main", "requirements", "base", "common"];

/// More files than anybody keeps; a folder may hold anything.
const MOST_FILES: usize = 64;

/// Lists the requirement files of a project, the app's own first.
pub(super) fn find(root: &Path) -> Vec<RequirementFile> {
    let mut found: Vec<RequirementFile> =
        listed(root, "", requirement_group).chain(listed(root, "requirements", folder_group)).collect();
    found.sort_by_cached_key(|file| (file.group.clone(), rank(&file.path), file.format, file.path.clone()));
    found.truncate(MOST_FILES);
    found
}

/// Tells how near to the top of [`OWN`] a file stands; those in the project's folder go before those in `requirements/`.
fn rank(path: &Path) -> (usize, usize) {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let stem = stem.strip_prefix("requirements").unwrap_or(stem).trim_start_matches(['-', '_', '.']);
    (path.components().count(), OWN.iter().position(|own| *own == stem).unwrap_or(OWN.len()))
}

/// Tells whether a folder has requirement files of an app in a folder of their own.
pub(in crate::project) fn has_requirement_folder(root: &Path) -> bool {
    listed(root, "requirements", folder_group).any(|file| file.group.is_none())
}

/// Tells whether a file name is that of a requirement file.
pub(in crate::project) fn is_requirement_file(name: &str) -> bool {
    split(name).is_some_and(|(stem, _)| requirement_group(stem).is_some())
}

fn listed(
    root: &Path,
    folder: &'static str,
    group: impl Fn(&str) -> Option<Option<String>>,
) -> impl Iterator<Item = RequirementFile> {
    let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let name = entry.file_name();
        let (stem, format) = split(name.to_str()?)?;
        let group = group(stem)?;
        let path: PathBuf = Path::new(folder).join(&name);
        root.join(&path).is_file().then_some(RequirementFile { group, format, path })
    })
}

fn split(name: &str) -> Option<(&str, RequirementFormat)> {
    let text = name.strip_suffix(".txt").map(|stem| (stem, RequirementFormat::Text));
    text.or_else(|| name.strip_suffix(".in").map(|stem| (stem, RequirementFormat::Source)))
}

/// `requirements`, `requirements-dev`, `dev-requirements`: which group the file is for.
#[allow(clippy::option_option)]
fn requirement_group(stem: &str) -> Option<Option<String>> {
    let rest = match stem.strip_prefix("requirements") {
        Some(rest) if rest.is_empty() || rest.starts_with(['-', '_', '.']) => rest.trim_start_matches(['-', '_', '.']),
        Some(_) => return None,
        None => stem.strip_suffix("requirements")?.strip_suffix(['-', '_', '.'])?,
    };
    folder_group(rest)
}

/// `requirements/dev.txt`: which group the file is for.
#[allow(clippy::option_option, clippy::unnecessary_wraps)]
fn folder_group(stem: &str) -> Option<Option<String>> {
    Some((!OWN.contains(&stem)).then(|| normal(stem)))
}

/// Adds to a manifest what the requirement files say and `pyproject.toml` does not.
pub(super) fn fill(root: &Path, manifest: &mut Manifest) -> Result<(), ProjectError> {
    let declared = manifest.file.is_some();
    for file in manifest.requirements.clone() {
        match &file.group {
            None if declared || manifest.file.is_some() => {}
            None => {
                manifest.dependencies = read(root, &file.path)?;
                manifest.file = Some(file.path);
            }
            Some(group) if manifest.groups.contains_key(group) => {}
            Some(group) => {
                let requirements = read(root, &file.path)?;
                manifest.groups.insert(group.clone(), requirements);
            }
        }
    }
    Ok(())
}

/// `[tool.setuptools.dynamic] dependencies = { file = ["requirements.in"] }`.
pub(super) fn fill_dynamic(root: &Path, project: &Section<'_>, manifest: &mut Manifest) -> Result<(), ProjectError> {
    let dynamic = ["tool", "setuptools", "dynamic", "dependencies"]
        .iter()
        .try_fold(project.root_table(), |value, key| value.get(*key)?.get_ref().as_table());
    let Some(file) = dynamic.and_then(|dynamic| dynamic.get("file")) else { return Ok(()) };
    let files = file.get_ref().as_array().into_iter().flatten().map(toml::Spanned::get_ref).chain(Some(file.get_ref()));
    for name in files.filter_map(|file| file.as_str()) {
        let path = Path::new(name);
        if path.components().all(|part| matches!(part, Component::Normal(_))) {
            manifest.dependencies.extend(read(root, path)?);
        }
    }
    Ok(())
}

/// Reads the requirements of a file and of those that it includes with `-r`.
fn read(root: &Path, file: &Path) -> Result<Vec<Located<String>>, ProjectError> {
    let mut found = Vec::new();
    read_into(root, file, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn read_into(root: &Path, file: &Path, seen: &mut Vec<PathBuf>, found: &mut Vec<Located<String>>) -> Result<(), ProjectError> {
    if seen.iter().any(|other| other == file) || seen.len() >= MOST_FILES {
        return Ok(());
    }
    seen.push(file.to_owned());
    let Some(text) = read_text(root, file)? else { return Ok(()) };
    for (number, line) in logical_lines(&text) {
        let at = At::new(file, number);
        if let Some(include) = line.strip_prefix("-r").or_else(|| line.strip_prefix("--requirement")) {
            let include = include.trim_start_matches(['=', ' ']).trim();
            let path = file.parent().unwrap_or(Path::new("")).join(include);
            if path.components().all(|part| matches!(part, Component::Normal(_))) {
                read_into(root, &path, seen, found)?;
            }
            continue;
        }
        let text = line.split(" --").next().unwrap_or_default().trim();
        if !text.starts_with('-') && requirement::parse(text).is_ok() {
            found.push(Located::new(text.to_owned(), at));
        }
    }
    Ok(())
}

/// Joins continued lines and drops comments; each with its number, from 1.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        let line = if line.starts_with('#') { "" } else { line.split(" #").next().unwrap_or_default().trim_end() };
        let (first, mut joined) = open.take().unwrap_or((number, String::new()));
        match line.strip_suffix('\\') {
            Some(continued) => {
                joined.push_str(continued);
                open = Some((first, joined));
            }
            None => {
                joined.push_str(line);
                lines.push((first, joined));
            }
        }
    }
    lines.extend(open);
    lines.retain(|(_, line)| !line.trim().is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_tell_their_group() {
        for (name, group) in [
            ("requirements.txt", Some(None)),
            ("requirements.in", Some(None)),
            ("requirements-dev.txt", Some(Some("dev"))),
            ("requirements_test.in", Some(Some("test"))),
            ("dev-requirements.txt", Some(Some("dev"))),
            ("requirements.prod.txt", Some(None)),
            ("requirementsfoo.txt", None),
            ("notes.txt", None),
            ("requirements.toml", None),
        ] {
            let found = split(name).and_then(|(stem, _)| requirement_group(stem));
            assert_eq!(found, group.map(|group| group.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn continued_lines_and_comments_are_read() {
        let text = "# top\nflask==3.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via x\n-r base.txt  # more\nb>=1 # why\\\n";
        let lines = logical_lines(text);
        assert_eq!(
            lines,
            [
                (2, "flask==3.1 --hash=sha256:aa --hash=sha256:bb".to_owned()),
                (6, "-r base.txt".to_owned()),
                (7, "b>=1".to_owned())
            ]
        );
    }
}
