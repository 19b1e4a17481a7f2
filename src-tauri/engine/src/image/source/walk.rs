//! Walks a project's folder on all cores, reading what belongs to the wanted part.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::content;
use super::rules::{Folder, Rules, Verdict, is_never};
use super::{Executable, Part, SourceError, SourceFile, SourceKind};

/// What a walk brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<SourceFile>,
    /// Files that look like secrets.
    pub(super) secrets: Vec<String>,
    /// Warnings about names, links and files that no image can hold.
    pub(super) oddities: BTreeSet<String>,
}

/// What one visited entry is.
enum Visit {
    File(SourceFile),
    Secret(String),
    Odd(String),
    Nothing,
}

pub(super) fn walk(root: &Path, rules: &Arc<Rules>, part: Part) -> Result<Found, SourceError> {
    if !root.is_dir() {
        return Err(SourceError::NoFolder { root: root.to_owned() });
    }
    let found = Mutex::new(Found::default());
    let failure = Mutex::new(None);
    run(&ignoring(root, rules, part), Scope { root, rules, part, included: Included::No }, &found, &failure);
    if part == Part::Release {
        for folder in rules.include_roots.iter().filter(|folder| folder.exists()) {
            run(&everything(root, folder), Scope { root, rules, part, included: Included::Only }, &found, &failure);
        }
    }
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Lists the folders that a walk enters. One that cannot be read holds nothing that matters: reading the tree tells of it.
pub(super) fn folders(root: &Path, rules: &Arc<Rules>) -> BTreeSet<PathBuf> {
    let mut walks = vec![ignoring(root, rules, Part::Development)];
    walks.extend(rules.include_roots.iter().filter(|folder| folder.exists()).map(|folder| everything(root, folder)));
    let entries = walks.iter().flat_map(WalkBuilder::build).flatten();
    let folders = entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir()));
    folders.map(DirEntry::into_path).collect()
}

/// What one walk is about.
#[derive(Clone, Copy)]
struct Scope<'a> {
    root: &'a Path,
    rules: &'a Rules,
    part: Part,
    included: Included,
}

fn run(builder: &WalkBuilder, scope: Scope<'_>, found: &Mutex<Found>, failure: &Mutex<Option<SourceError>>) {
    builder.build_parallel().run(|| {
        Box::new(move |entry| match visit(scope, entry) {
            Ok(visit) => {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                match visit {
                    Visit::File(file) => found.files.push(file),
                    Visit::Secret(path) => found.secrets.push(path),
                    Visit::Odd(warning) => drop(found.oddities.insert(warning)),
                    Visit::Nothing => {}
                }
                WalkState::Continue
            }
            Err(error) => {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                WalkState::Quit
            }
        })
    });
}

/// Whether a walk is about what `[build] include` names alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Included {
    No,
    Only,
}

/// A walk that keeps to the rules. Ignore files of the person or of the machine are not among them: they would make the image depend
/// on where it is built.
fn ignoring(root: &Path, rules: &Arc<Rules>, part: Part) -> WalkBuilder {
    let mut builder = plain(root);
    builder.git_ignore(true).require_git(false);
    let (root, rules) = (root.to_owned(), Arc::clone(rules));
    builder.filter_entry(move |entry| {
        let Some(path) = relative(&root, entry.path()) else { return true };
        let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let ignored = rules.ignored_above(entry.path(), if folder { Folder::Yes } else { Folder::No });
        let entered = !folder || (rules.enters(&path, part) && !is_virtual_environment(entry.path()));
        !ignored && entered
    });
    builder
}

/// A walk that finds what ignore files name, but enters no virtual environment, cache or repository.
fn everything(root: &Path, folder: &Path) -> WalkBuilder {
    let mut builder = plain(folder);
    let root = root.to_owned();
    builder.filter_entry(move |entry| {
        let never = relative(&root, entry.path()).is_some_and(|path| is_never(&path));
        let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        !never && (!folder || !is_virtual_environment(entry.path()))
    });
    builder
}

fn is_virtual_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").exists()
}

fn plain(folder: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(folder);
    builder.standard_filters(false).follow_links(false).threads(rayon::current_num_threads());
    builder
}

fn visit(scope: Scope<'_>, entry: Result<DirEntry, ignore::Error>) -> Result<Visit, SourceError> {
    let Scope { root, rules, part, included } = scope;
    let entry = entry.map_err(|error| walk_error(root, error))?;
    let Some(kind) = entry.file_type() else { return Ok(Visit::Nothing) };
    if kind.is_dir() {
        return Ok(Visit::Nothing);
    }
    let Some(path) = relative(root, entry.path()) else {
        let shown = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned();
        // Whether a rule names it cannot be asked; its readable form decides.
        return Ok(match (included, rules.judge(&shown), part) {
            (Included::No, Verdict::Release, Part::Release) => {
                Visit::Odd(format!("`{shown}` was left out: its name is not UTF-8; rename it to keep it"))
            }
            _ => Visit::Nothing,
        });
    };
    if included == Included::Only && !rules.includes(&path) {
        return Ok(Visit::Nothing);
    }
    match (rules.judge(&path), part) {
        (Verdict::Release, Part::Release) | (Verdict::Development, Part::Development) => {}
        (Verdict::Secret, Part::Release) => return Ok(Visit::Secret(path)),
        _ => return Ok(Visit::Nothing),
    }
    if kind.is_symlink() {
        return link(&entry, path);
    }
    if !kind.is_file() {
        return Ok(Visit::Odd(format!("`{path}` was left out: it is neither a file nor a link")));
    }
    let failed = |source: io::Error| SourceError::Unreadable { path: path.clone(), source };
    let metadata = fs::metadata(entry.path()).map_err(failed)?;
    let (digest, size) = content::digest(entry.path(), &path).map_err(failed)?;
    let kind = SourceKind::File { executable: executable(&metadata), size, digest: digest.as_str().to_owned() };
    Ok(Visit::File(SourceFile { path, kind }))
}

fn link(entry: &DirEntry, path: String) -> Result<Visit, SourceError> {
    let target = fs::read_link(entry.path()).map_err(|source| SourceError::Unreadable { path: path.clone(), source })?;
    let Some(text) = target.to_str() else {
        return Ok(Visit::Odd(format!("`{path}` was left out: what it links to has a name that is not UTF-8")));
    };
    match stays_inside(&path, &target) {
        true => Ok(Visit::File(SourceFile { kind: SourceKind::Link { target: text.to_owned() }, path })),
        false => Ok(Visit::Odd(format!(
            "`{path}` was left out: it links to `{text}`, outside of the project; copy what the app needs into the project"
        ))),
    }
}

/// Tells whether a link's target, followed from the link, ever leaves the tree.
fn stays_inside(path: &str, target: &Path) -> bool {
    let mut depth = path.matches('/').count();
    for part in target.components() {
        match part {
            Component::ParentDir if depth == 0 => return false,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

#[cfg(unix)]
fn executable(metadata: &Metadata) -> Executable {
    use std::os::unix::fs::PermissionsExt as _;
    match metadata.permissions().mode() & 0o100 {
        0 => Executable::No,
        _ => Executable::Yes,
    }
}

#[cfg(not(unix))]
fn executable(_: &Metadata) -> Executable {
    Executable::No
}

/// The path below the root, with `/` between its parts; `None` when it is the root itself or not UTF-8.
fn relative(root: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str());
    let path = parts.collect::<Option<Vec<_>>>()?.join("/");
    (!path.is_empty()).then_some(path)
}

fn walk_error(root: &Path, error: ignore::Error) -> SourceError {
    let path = failing_path(&error).map_or_else(|| ".".to_owned(), |path| relative(root, path).unwrap_or_else(|| ".".to_owned()));
    let text = error.to_string();
    SourceError::Unreadable { path, source: error.into_io_error().unwrap_or_else(|| io::Error::other(text)) }
}

fn failing_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => failing_path(err),
        _ => None,
    }
}
