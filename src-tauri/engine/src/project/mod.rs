//! What a project is and how it is run: its manifest, its configuration, and what its sources say.
//!
//! Reads files and nothing else: no network, no Python, no Docker. Knows neither releases nor targets.

mod compose;
mod config;
mod detect;
mod document;
mod error;
mod explain;
mod init;
mod known;
pub mod lock;
pub mod manifest;
mod names;
pub mod pins;
mod place;
mod resolve;
mod root;
mod section;
mod source;
mod units;
mod yaml;

use std::path::{Path, PathBuf};

pub use config::accepted_keys;
pub use detect::migrations;
pub use error::{ProjectError, Warning};
pub use init::{InitReport, init, init_with};
pub use manifest::Manifest;
pub use names::is_variable;
pub use place::{At, Located};
pub use source::{commits_between, source_state};

use crate::model::{Framework, ProjectSettings, Setting, SourceState};
use config::{Configuration, MANIFEST};
use detect::Detection;
use document::Document;
use resolve::Inputs;

/// A project, read and understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its folder, absolute, links resolved.
    pub root: PathBuf,
    /// The file that configures it, relative to the folder; none when everything was inferred.
    pub configuration: Option<PathBuf>,
    /// Every effective value.
    pub settings: ProjectSettings,
    /// Every effective value with its origin, in the order of the configuration.
    pub explained: Vec<Setting>,
    /// What it says about itself.
    pub manifest: Manifest,
    /// What a person should know and that stops nothing.
    pub warnings: Vec<Warning>,
}

/// Something that could be the app, when more than one thing could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What a person would call it, such as `shop.main:app`; a [`Choice`] names it so.
    pub entry: String,
    /// The framework.
    pub framework: Framework,
    /// Where it stands.
    pub at: At,
    /// The line that makes it.
    pub source: String,
    /// The lines of the configuration that decide for it: a table's header and its `command`.
    pub configuration: String,
}

/// Which of several candidates a person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The entry of a [`Candidate`].
    pub entry: String,
}

impl Project {
    /// Opens the project that a folder belongs to: the nearest one at or above it, within its Git repository.
    ///
    /// Takes milliseconds: it reads files only.
    ///
    /// # Errors
    /// Where there is no project, where a file of it is wrong, or where what to run cannot be told.
    pub fn open(start: &Path) -> Result<Self, ProjectError> {
        Self::read(start, None)
    }

    /// Opens a project with more than one thing that could be the app, taking the one that a person chose.
    ///
    /// # Errors
    /// As [`Project::open`]; [`ProjectError::UnknownChoice`] where nothing has that name.
    pub fn open_with(start: &Path, choice: &Choice) -> Result<Self, ProjectError> {
        Self::read(start, Some(choice))
    }

    /// Lists what could be the app, when more than one thing could; empty when there is nothing to choose.
    ///
    /// # Errors
    /// As [`Project::open`].
    pub fn candidates(start: &Path) -> Result<Vec<Candidate>, ProjectError> {
        match Self::open(start) {
            Ok(_) => Ok(Vec::new()),
            Err(ProjectError::TwoCandidates { candidates }) => Ok(candidates),
            Err(error) => Err(error),
        }
    }

    /// Returns the folder whose files decide what is built: the uv workspace's, where the project belongs to one.
    pub fn source_root(&self) -> &Path {
        self.manifest.workspace.as_ref().map_or(&self.root, |workspace| &workspace.root)
    }

    /// Returns the state of the source.
    pub fn source_state(&self) -> SourceState {
        source_state(self.source_root())
    }

    fn read(start: &Path, choice: Option<&Choice>) -> Result<Self, ProjectError> {
        let root = root::find(start)?;
        let pyproject = Document::read(&root, MANIFEST)?;
        let configuration = Configuration::read(&root, pyproject.as_ref())?;
        let manifest = Manifest::read(&root, pyproject.as_ref())?;
        let detection = Detection::of(&root, &manifest);
        let inputs = Inputs { root: &root, configuration: &configuration, manifest: &manifest, detection: &detection, choice };
        let resolved = resolve::resolve(&inputs)?;
        Ok(Self {
            configuration: configuration.file.map(PathBuf::from),
            settings: resolved.settings,
            explained: resolved.explained,
            warnings: resolved.warnings,
            manifest,
            root,
        })
    }
}
