//! What a project says about itself: name, Python, dependencies, scripts, layout. Plain data for whoever locks or builds.
//!
//! Reads `pyproject.toml` (PEP 621, PEP 735, Poetry, uv) and requirement files. Runs nothing, resolves nothing, knows no lock.

mod layout;
mod poetry;
mod pyproject;
mod requirement;
mod requirements;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use layout::Layout;
pub(super) use layout::{NOT_THE_APP, TOOLS};
pub(super) use requirement::parse as parse_requirement;
pub use requirements::{RequirementFile, RequirementFormat};
pub(super) use requirements::{has_requirement_folder, is_requirement_file};
pub use workspace::Workspace;

use super::config::MANIFEST;
use super::document::Document;
use super::{Located, ProjectError};

/// What a project says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// The file that holds the dependencies, relative to the project: `pyproject.toml`, or a requirement file.
    pub file: Option<PathBuf>,
    /// The project's name as it is written.
    pub name: Option<Located<String>>,
    /// Its version, unless the build backend computes it.
    pub version: Option<String>,
    /// `requires-python` as version specifiers (PEP 440).
    pub requires_python: Option<Located<String>>,
    /// Direct dependencies (PEP 508).
    pub dependencies: Vec<Located<String>>,
    /// Optional dependencies by extra (normalised, PEP 685).
    pub extras: BTreeMap<String, Vec<Located<String>>>,
    /// Dependency groups (normalised), includes resolved (PEP 735), Poetry's and uv's own groups and `requirements-dev.txt` among them.
    pub groups: BTreeMap<String, Vec<Located<String>>>,
    /// Groups that uv installs unless told otherwise (`[tool.uv] default-groups`).
    pub default_groups: Vec<String>,
    /// Console scripts, each with its `module:function`.
    pub scripts: BTreeMap<String, Located<String>>,
    /// Fields that only the build backend knows (`[project] dynamic`).
    pub dynamic: Vec<String>,
    /// Where importable code lies.
    pub layout: Layout,
    /// `[build-system]`.
    pub build_system: Option<BuildSystem>,
    /// Whether the project itself is installed beside its dependencies.
    pub install: Install,
    /// The uv workspace that the project is a member or the root of.
    pub workspace: Option<Workspace>,
    /// Requirement files, the app's own first.
    pub requirements: Vec<RequirementFile>,
    /// Files of an older kind (`setup.py`, `setup.cfg`, `Pipfile`) that are not read.
    pub unread: Vec<PathBuf>,
    /// The tables under `[tool]`.
    pub tools: BTreeSet<String>,
}

/// `[build-system]` (PEP 518).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildSystem {
    /// What the backend needs.
    pub requires: Vec<String>,
    /// The backend; setuptools' legacy one where none is named.
    pub backend: Option<String>,
}

/// Whether the project itself is installed beside its dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Install {
    /// It is: it has a build system, and nothing says otherwise.
    Package,
    /// It runs from its folder.
    #[default]
    Folder,
}

impl Manifest {
    /// Reads the manifest of a folder that another project depends on.
    ///
    /// # Errors
    /// Where a file of it is wrong.
    pub fn of(root: &Path) -> Result<Self, ProjectError> {
        Self::read(root, Document::read(root, MANIFEST)?.as_ref())
    }

    /// Reads the manifest of a project.
    pub(super) fn read(root: &Path, pyproject: Option<&Document>) -> Result<Self, ProjectError> {
        let mut manifest = match pyproject {
            Some(document) => pyproject::read(root, document)?,
            None => Self::default(),
        };
        manifest.requirements = requirements::find(root);
        requirements::fill(root, &mut manifest)?;
        manifest.unread = ["setup.py", "setup.cfg", "Pipfile"]
            .map(PathBuf::from)
            .into_iter()
            .filter(|file| root.join(file).is_file())
            .collect();
        manifest.workspace = workspace::find(root, pyproject)?;
        manifest.layout = layout::find(root, pyproject, manifest.name.as_ref().map(|name| name.value.as_str()))?;
        Ok(manifest)
    }

    /// Returns the direct dependency of this name.
    pub fn dependency(&self, name: &str) -> Option<&Located<String>> {
        named(&self.dependencies, name)
    }

    /// Returns the requirement of this name in any group or extra.
    pub fn development_dependency(&self, name: &str) -> Option<&Located<String>> {
        self.groups.values().chain(self.extras.values()).find_map(|requirements| named(requirements, name))
    }
}

fn named<'a>(requirements: &'a [Located<String>], name: &str) -> Option<&'a Located<String>> {
    requirements.iter().find(|requirement| requirement_name(&requirement.value) == normal(name))
}

/// Normalises the name of a distribution, extra or group (PEP 503).
pub fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

/// Returns the normalised name at the start of a requirement (PEP 508).
pub fn requirement_name(requirement: &str) -> String {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(requirement.len());
    normal(requirement.get(..end).unwrap_or_default())
}

/// Returns the extras that a requirement asks for, normalised.
pub fn requirement_extras(requirement: &str) -> Vec<String> {
    let Some((name, rest)) = requirement.split_once('[') else { return Vec::new() };
    let plain = name.trim().chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    match rest.split_once(']') {
        Some((extras, _)) if plain => {
            extras.split(',').map(|extra| normal(extra.trim())).filter(|extra| !extra.is_empty()).collect()
        }
        _ => Vec::new(),
    }
}
