//! The configuration as it was written: `nonevent.toml`, or `[tool.nonevent]` of `pyproject.toml`.
//!
//! Owns the keys, their types and their bounds. Fills in no default and looks at no other file: that is `resolve`'s work.

mod app;
mod build;
mod checks;
mod environments;
mod gauntlet;
mod jobs;
mod logs;
mod notify;
mod probes;
mod services;
mod strategy;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use toml::de::{DeTable, DeValue};

pub(super) use app::{AppSection, ProcessEntry, ProcessSection, WebProcess};
pub(super) use build::{BuildSection, DockerfileChoice};
pub(super) use environments::{EnvironmentSection, HttpsChoice};
pub(super) use gauntlet::{ComposeChoice, GateEntry, GateSection, GauntletSection};
pub(super) use jobs::{JobSection, ZONE};
pub(super) use logs::LogsSection;
pub(super) use notify::NotifySection;
pub(super) use probes::{ProbeSection, RulesSection, WrittenProbe};
pub(super) use services::{HealthSection, ProbeKind, ReleaseSection, ServiceSection};

use super::document::Document;
use super::{At, Located, ProjectError};
use crate::model::Strictness;
use crate::project::section::Section;

/// The file that holds nothing but the configuration.
pub(super) const CONFIGURATION: &str = "nonevent.toml";

/// The file that may hold it beside the project's manifest.
pub(super) const MANIFEST: &str = "pyproject.toml";

/// Every value that the project's configuration gives, each with its line.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    /// The file that was read, relative to the project.
    pub file: Option<&'static str>,
    pub app: AppSection,
    pub processes: Vec<(String, ProcessEntry)>,
    pub jobs: Vec<(String, JobSection)>,
    pub build: BuildSection,
    pub unhashed: Option<Located<Strictness>>,
    pub gauntlet: GauntletSection,
    pub services: Vec<(String, ServiceSection)>,
    pub health: HealthSection,
    pub release: ReleaseSection,
    pub logs: LogsSection,
    pub notify: NotifySection,
    pub environments: Vec<(String, EnvironmentSection)>,
}

impl Configuration {
    /// Reads the project's configuration from whichever of the two places holds it.
    pub fn read(root: &Path, manifest: Option<&Document>) -> Result<Self, ProjectError> {
        if root.join(CONFIGURATION).is_dir() {
            return Err(ProjectError::Unreadable { path: CONFIGURATION.into(), reason: "it is a folder".into() });
        }
        let own = Document::read(root, CONFIGURATION)?;
        let in_manifest = manifest.map(tool_table).transpose()?.flatten();
        match (own, manifest, in_manifest) {
            (Some(_), _, Some(second)) => Err(ProjectError::BothConfigurations { first: CONFIGURATION.into(), second }),
            (Some(own), _, None) => {
                let table = own.table()?;
                let top = Section::top(&own, table.get_ref(), At::new(Path::new(CONFIGURATION), 1));
                Ok(Self { file: Some(CONFIGURATION), ..Self::parse(&top)? })
            }
            (None, Some(document), Some(at)) => {
                let table = document.table()?;
                match tool_value(table.get_ref()).map(DeValue::as_table) {
                    Some(Some(own)) => Ok(Self { file: Some(MANIFEST), ..Self::parse(&Section::top(document, own, at))? }),
                    _ => Err(ProjectError::WrongType {
                        at,
                        key: "tool.nonevent".into(),
                        expected: "a table".into(),
                        found: "something else",
                        example: "[tool.nonevent]".into(),
                    }),
                }
            }
            _ => Ok(Self::default()),
        }
    }

    fn parse(top: &Section<'_>) -> Result<Self, ProjectError> {
        let configuration = Self {
            file: None,
            app: AppSection::read(top)?,
            processes: ProcessSection::read_all(top)?,
            jobs: JobSection::read_all(top)?,
            build: BuildSection::read(top)?,
            unhashed: build::read_lock(top)?,
            gauntlet: GauntletSection::read(top)?,
            services: ServiceSection::read_all(top)?,
            health: HealthSection::read(top)?,
            release: ReleaseSection::read(top)?,
            logs: LogsSection::read(top)?,
            notify: NotifySection::read(top)?,
            environments: EnvironmentSection::read_all(top)?,
        };
        top.finish()?;
        Ok(configuration)
    }
}

/// Tells where `[tool.nonevent]` stands in a manifest.
pub(super) fn tool_table(document: &Document) -> Result<Option<At>, ProjectError> {
    let table = document.table()?;
    let Some(tool) = table.get_ref().get("tool").and_then(|tool| tool.get_ref().as_table()) else { return Ok(None) };
    Ok(tool.get_key_value("nonevent").map(|(key, _)| document.at(&key.span())))
}

fn tool_value<'d>(table: &'d DeTable<'d>) -> Option<&'d DeValue<'d>> {
    Some(table.get("tool")?.get_ref().as_table()?.get("nonevent")?.get_ref())
}

/// Lists every key that is asked for while a configuration is read, with `*` for names of the project's choice.
///
/// Keys of a table are asked for only where the table stands in the text; documentation and tests hand in one that has all.
///
/// # Errors
/// The first thing that is wrong with the text.
pub fn accepted_keys(text: &str) -> Result<BTreeSet<String>, ProjectError> {
    let document = Document { file: CONFIGURATION.into(), text: text.to_owned() };
    let table = document.table()?;
    let accepted = RefCell::default();
    Configuration::parse(&Section::top(&document, table.get_ref(), At::new(Path::new(CONFIGURATION), 1)).noting(&accepted))?;
    Ok(accepted.into_inner())
}
