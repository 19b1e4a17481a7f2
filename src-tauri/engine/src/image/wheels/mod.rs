//! The wheel builder: locked wheels and a source tree, joined to a base without running anything of the project.
//!
//! The image holds a virtual environment at `/opt/venv` (dependencies, and what makes the project look installed) and the source at
//! `/app`; it runs as a user without a name, on a root that may be read-only. Its digest is a function of the format, the wheels, the
//! source's bytes and x bits, the base's digest and the settings that are in its config: not of the machine, the folder or the time.
//! There is no bytecode in it yet.

mod archive;
mod dependencies;
mod elf;
mod entry_points;
mod error;
mod fetch;
mod install;
mod local;
mod record;
mod release;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::WheelError;
pub use release::build;

pub(crate) use dependencies::{Blobs, Dependencies, DependencyLayers, dependency_layers};
pub(crate) use install::Scheme;
pub(crate) use local::{add_source, below};
pub(crate) use release::{ReleaseRecord, VENV, release_record};

use super::base::BaseImage;
use super::source::SourceTree;
use crate::model::{AppSettings, BuildSettings};

/// A wheel as a lock pins it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// The distribution's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The wheel's file name.
    pub filename: String,
    /// Where it lies: `https:`, `http:` or `file:`.
    pub url: String,
    /// sha256 of its bytes, in hex.
    pub sha256: String,
    /// Its bytes, where the lock tells them.
    pub size: Option<u64>,
}

/// The project itself, as its manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalProject {
    /// The distribution's name.
    pub name: String,
    /// Its version; without one (a dynamic one, or a project that is no package) the image tells no metadata of it.
    pub version: Option<String>,
    /// Scripts by name, each with the `module:function` that it calls.
    pub scripts: BTreeMap<String, String>,
    /// Other entry points: group → name → target.
    pub entry_points: BTreeMap<String, BTreeMap<String, String>>,
    /// Folders from which its packages are imported, relative to its root: `.`, `src`.
    pub import_roots: Vec<String>,
    /// Its folder.
    pub root: PathBuf,
}

/// Everything that a build is made of.
pub struct WheelBuild<'a> {
    /// The base.
    pub base: &'a BaseImage,
    /// The locked wheels of the release: no development groups.
    pub wheels: &'a [Wheel],
    /// The project.
    pub project: &'a LocalProject,
    /// Its files, when they have been read.
    pub tree: Option<&'a SourceTree>,
    /// Local packages that it needs, such as other members of its workspace.
    pub companions: &'a [LocalProject],
    /// How it is built.
    pub settings: &'a BuildSettings,
    /// What it runs.
    pub app: &'a AppSettings,
    /// The folder of the builder's cache.
    pub cache: &'a Path,
    /// Told what is being done, in words.
    pub progress: &'a (dyn Fn(String) + Send + Sync),
}

#[cfg(test)]
mod tests;
