//! A workspace of uv: the root and its members, found as uv finds them.
//!
//! A project without a workspace is one of a single member.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use pep508_rs::PackageName;
use toml::{Table, Value};

use super::super::LockError;
use super::super::file;
use super::super::manifest::Manifest;

/// The projects that one `uv.lock` stands for.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    pub(super) root: Manifest,
    /// Every member with a name, the root among them when it is a project.
    pub(super) members: BTreeMap<PackageName, Manifest>,
    /// Members that another one depends on, and whether it says `editable`.
    pub(super) required: BTreeMap<PackageName, Option<bool>>,
}

/// Finds the folder whose `uv.lock` stands for a project: the workspace above it, else its own.
pub(in super::super) fn lock_root(project: &Path) -> Result<PathBuf, LockError> {
    let Some(manifest) = Manifest::read(project)? else { return Ok(project.to_path_buf()) };
    let unmanaged = uv(&manifest).and_then(|uv| uv.get("managed")).and_then(Value::as_bool) == Some(false);
    if unmanaged || workspace_table(&manifest).is_some() {
        return Ok(project.to_path_buf());
    }
    for above in project.ancestors().skip(1) {
        let Some(candidate) = Manifest::read(above)? else { continue };
        let Some(table) = workspace_table(&candidate) else { continue };
        let member = relative_member(above, project, table, &candidate)?;
        return Ok(if member { above.to_path_buf() } else { project.to_path_buf() });
    }
    Ok(project.to_path_buf())
}

/// Tells whether a project's manifest speaks of uv.
pub(in super::super) fn shows_uv(manifest: &Manifest) -> bool {
    uv(manifest).is_some()
}

fn uv(manifest: &Manifest) -> Option<&Table> {
    manifest.section(&["tool", "uv"])
}

fn workspace_table(manifest: &Manifest) -> Option<&Table> {
    uv(manifest)?.get("workspace")?.as_table()
}

fn relative_member(root: &Path, project: &Path, table: &Table, manifest: &Manifest) -> Result<bool, LockError> {
    let way = file::relative(root, project);
    if excluded(&way, table, manifest)? {
        return Ok(false);
    }
    let members = patterns(table, "members", manifest)?;
    Ok(members.iter().any(|pattern| pattern.is_match(&way)))
}

fn excluded(way: &Path, table: &Table, manifest: &Manifest) -> Result<bool, LockError> {
    Ok(patterns(table, "exclude", manifest)?.iter().any(|pattern| pattern.is_match(way)))
}

fn patterns(table: &Table, key: &str, manifest: &Manifest) -> Result<Vec<GlobMatcher>, LockError> {
    let patterns = table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    patterns.map(|pattern| matcher(pattern, manifest)).collect()
}

fn matcher(pattern: &str, manifest: &Manifest) -> Result<GlobMatcher, LockError> {
    let normal = file::normalize(Path::new(pattern));
    GlobBuilder::new(&normal.to_string_lossy())
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| manifest.broken(format!("tool.uv.workspace: {error}")))
}

impl Workspace {
    /// Reads the workspace whose root is a folder; nothing when the folder has no manifest.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, LockError> {
        let Some(root) = Manifest::read(folder)? else { return Ok(None) };
        let mut members = BTreeMap::new();
        if let Some(name) = root.name() {
            members.insert(name, root.clone());
        }
        if let Some(table) = workspace_table(&root) {
            for pattern in table.get("members").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                for dir in expand(folder, pattern, &root)? {
                    if excluded(&file::relative(folder, &dir), table, &root)? {
                        continue;
                    }
                    if let Some(member) = Manifest::read(&dir)?
                        && uv(&member).and_then(|uv| uv.get("managed")).and_then(Value::as_bool) != Some(false)
                        && let Some(name) = member.name()
                    {
                        members.insert(name, member);
                    }
                }
            }
        }
        let required = required(&root, &members);
        Ok(Some(Self { root, members, required }))
    }

    /// Tells whether the root is no project itself.
    pub(super) fn is_virtual_root(&self) -> bool {
        self.root.project().is_none()
    }
}

/// Lists the folders that a pattern such as `packages/*` names.
fn expand(root: &Path, pattern: &str, manifest: &Manifest) -> Result<Vec<PathBuf>, LockError> {
    let normal = file::normalize(Path::new(pattern));
    let mut found = vec![root.to_path_buf()];
    for part in normal.components() {
        let part = part.as_os_str().to_string_lossy();
        found = match part.as_ref() {
            "**" => found.iter().flat_map(|dir| descendants(dir)).collect(),
            plain if !plain.contains(['*', '?', '[', '{']) => found.iter().map(|dir| dir.join(plain)).collect(),
            wild => {
                let matcher = matcher(wild, manifest)?;
                let fits = |dir: &PathBuf| dir.file_name().is_some_and(|name| matcher.is_match(Path::new(name)));
                found.iter().flat_map(|dir| folders(dir)).filter(fits).collect()
            }
        };
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn descendants(dir: &Path) -> Vec<PathBuf> {
    let shown = |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    let walk = walkdir::WalkDir::new(dir).into_iter().filter_entry(shown).flatten();
    walk.filter(|entry| entry.file_type().is_dir()).map(walkdir::DirEntry::into_path).collect()
}

/// Members named as `{ workspace = true }` in the sources of the root or of another member.
fn required(root: &Manifest, members: &BTreeMap<PackageName, Manifest>) -> BTreeMap<PackageName, Option<bool>> {
    let mut required = BTreeMap::new();
    let owners = members.values().chain(std::iter::once(root));
    for owner in owners {
        let own = owner.name();
        for (name, sources) in super::lower::sources_of(owner) {
            if Some(&name) == own.as_ref() {
                continue;
            }
            for source in sources {
                if source.get("workspace").and_then(Value::as_bool) == Some(true) {
                    let editable = source.get("editable").and_then(Value::as_bool);
                    let known = required.entry(name.clone()).or_insert(editable);
                    *known = known.or(editable);
                }
            }
        }
    }
    required
}

/// Tells whether a project is installed itself, or only its dependencies (`tool.uv.package`, else a build system).
pub(super) fn is_package(manifest: &Manifest, without_build_system: Unbuilt) -> bool {
    match uv(manifest).and_then(|uv| uv.get("package")).and_then(Value::as_bool) {
        Some(package) => package,
        None => manifest.table.contains_key("build-system") || without_build_system == Unbuilt::Package,
    }
}

/// What a project without a build system counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unbuilt {
    /// A package all the same, since another project depends on it.
    Package,
    /// Only a list of dependencies.
    Virtual,
}
