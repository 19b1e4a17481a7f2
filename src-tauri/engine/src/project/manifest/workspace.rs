//! Finds the uv workspace that a project belongs to (`[tool.uv.workspace]` of a folder above, or its own).

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use toml::de::DeTable;

use crate::project::ProjectError;
use crate::project::document::Document;
use crate::project::root::ancestors_in_repository;

/// A uv workspace: one lock for several projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The folder that holds the lock.
    pub root: PathBuf,
    /// The project's folder, relative to the root; empty for the root itself.
    pub member: PathBuf,
    /// Every other member's folder, relative to the root, when the project is the root itself.
    pub members: Vec<PathBuf>,
}

pub(super) fn find(root: &Path, pyproject: Option<&Document>) -> Result<Option<Workspace>, ProjectError> {
    let Some(pyproject) = pyproject else { return Ok(None) };
    if let Some(patterns) = patterns(pyproject)? {
        let members = list_members(root, &patterns);
        return Ok(Some(Workspace { root: root.to_owned(), member: PathBuf::new(), members }));
    }
    for above in ancestors_in_repository(root).skip(1) {
        let Some(document) = Document::read(above, "pyproject.toml")? else { continue };
        let (Some(patterns), Ok(member)) = (patterns(&document)?, root.strip_prefix(above)) else { continue };
        if patterns.hold(member) {
            return Ok(Some(Workspace { root: above.to_owned(), member: member.to_owned(), members: Vec::new() }));
        }
    }
    Ok(None)
}

/// `members` and `exclude` of a workspace.
struct Patterns {
    members: GlobSet,
    exclude: GlobSet,
    depth: usize,
}

impl Patterns {
    fn hold(&self, folder: &Path) -> bool {
        self.members.is_match(folder) && !self.exclude.is_match(folder)
    }
}

fn patterns(document: &Document) -> Result<Option<Patterns>, ProjectError> {
    let table = document.table()?;
    let workspace = ["tool", "uv", "workspace"]
        .iter()
        .try_fold(table.get_ref(), |table: &DeTable<'_>, key| table.get(*key)?.get_ref().as_table());
    let Some(workspace) = workspace else { return Ok(None) };
    let texts = |key: &str| -> Vec<String> {
        let list = workspace.get(key).and_then(|list| list.get_ref().as_array());
        list.into_iter()
            .flatten()
            .filter_map(|item| item.get_ref().as_str())
            .map(|text| text.trim_end_matches('/').to_owned())
            .collect()
    };
    let members = texts("members");
    let depth =
        members.iter().map(|member| if member.contains("**") { 4 } else { member.split('/').count() }).max().unwrap_or(0).min(6);
    Ok(Some(Patterns { members: globs(&members), exclude: globs(&texts("exclude")), depth }))
}

fn globs(patterns: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = globset::GlobBuilder::new(pattern).literal_separator(true).build() {
            builder.add(glob);
        } else if let Ok(glob) = Glob::new(&globset::escape(pattern)) {
            builder.add(glob);
        }
    }
    builder.build().unwrap_or_else(|_| GlobSet::empty())
}

fn list_members(root: &Path, patterns: &Patterns) -> Vec<PathBuf> {
    let mut walk = ignore::WalkBuilder::new(root);
    walk.max_depth(Some(patterns.depth)).require_git(false).sort_by_file_name(Ord::cmp);
    let folders = walk.build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir()));
    let relative = folders.filter_map(|entry| entry.path().strip_prefix(root).ok().map(Path::to_owned));
    relative.filter(|folder| patterns.hold(folder) && root.join(folder).join("pyproject.toml").is_file()).take(256).collect()
}
