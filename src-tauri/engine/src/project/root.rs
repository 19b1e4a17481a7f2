//! Finds the folder of a project: the nearest one, at or above where a person stands, that something marks as such.

use std::path::{Path, PathBuf};

use super::config::CONFIGURATION;
use super::{ProjectError, manifest};

/// Files that mark a project's folder.
const MARKS: [&str; 6] = [CONFIGURATION, "pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "manage.py"];

/// A folder may hold anything.
const MOST_ENTRIES: usize = 512;

/// Finds the project's folder; links are resolved, and a Git repository is never left.
pub(super) fn find(start: &Path) -> Result<PathBuf, ProjectError> {
    let start = std::fs::canonicalize(start).map_err(|error| ProjectError::unreadable(start, &error))?;
    let folder = if start.is_dir() { start.as_path() } else { start.parent().unwrap_or(&start) };
    for candidate in ancestors_in_repository(folder) {
        if is_marked(candidate)? {
            return Ok(candidate.to_owned());
        }
    }
    Err(ProjectError::NotAProject { folder: folder.to_owned(), below: below(folder) })
}

/// Lists the folders in a folder that are projects.
fn below(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_ENTRIES);
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let projects = folders.filter(|entry| is_marked(&entry.path()).unwrap_or_default());
    let mut names: Vec<_> =
        projects.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Goes up from a folder to the root of its Git repository, or to the file system's where there is none.
pub(super) fn ancestors_in_repository(folder: &Path) -> impl Iterator<Item = &Path> {
    let mut left = false;
    folder.ancestors().take_while(move |folder| {
        let inside = !left;
        left = folder.join(".git").exists();
        inside
    })
}

fn is_marked(folder: &Path) -> Result<bool, ProjectError> {
    if MARKS.iter().any(|mark| folder.join(mark).is_file()) {
        return Ok(true);
    }
    if manifest::has_requirement_folder(folder) {
        return Ok(true);
    }
    let entries = std::fs::read_dir(folder).map_err(|error| ProjectError::unreadable(folder, &error))?;
    let named = |entry: std::fs::DirEntry| {
        entry.file_name().to_str().is_some_and(manifest::is_requirement_file) && entry.path().is_file()
    };
    Ok(entries.flatten().any(named))
}
