//! `[app]` and `[process.*]`.

use std::time::Duration;

use toml::de::DeValue;

use super::checks::{check_label, check_variables};
use crate::model::{CommandLine, VolumeMount};
use crate::project::names::{dns_label, is_label};
use crate::project::section::{Entry, Section, quoted};
use crate::project::{Located, ProjectError};

/// `[app]`.
#[derive(Debug, Default)]
pub(in crate::project) struct AppSection {
    pub name: Option<Located<String>>,
    pub command: Option<Located<CommandLine>>,
    pub port: Option<Located<u16>>,
    pub env: Vec<(String, Located<String>)>,
    pub volumes: Option<Located<Vec<VolumeMount>>>,
    pub stop_grace: Option<Located<Duration>>,
}

/// `[process.NAME]`, or `process.web = false`.
#[derive(Debug)]
pub(in crate::project) enum ProcessEntry {
    /// There is no such process, although the sources suggest one.
    Off,
    /// What is said about it.
    On(Box<ProcessSection>),
}

/// Whether a process that is called `web` is meant to receive requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::project) enum WebProcess {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// `[process.NAME]`.
#[derive(Debug)]
pub(in crate::project) struct ProcessSection {
    pub at: crate::project::At,
    pub command: Option<Located<CommandLine>>,
    pub port: Option<Located<u16>>,
    pub replicas: Option<Located<u16>>,
    pub stop_grace: Option<Located<Duration>>,
}

impl AppSection {
    pub fn read(top: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = top.section("app")? else { return Ok(Self::default()) };
        let app = Self {
            name: section.string("name")?,
            command: section.command("command")?,
            port: read_port(&section)?,
            env: section.string_table("env")?,
            volumes: read_volumes(&section)?,
            stop_grace: section.duration("stop_grace")?,
        };
        section.finish()?;
        if let Some(name) = app.name.as_ref().filter(|name| !is_label(&name.value)) {
            let reason = "it becomes part of host names, so it must be of small letters, digits and hyphens".into();
            let hint = dns_label(&name.value)
                .map_or_else(|| "write `name = \"shop\"`".into(), |label| format!("write `name = \"{label}\"`"));
            return Err(section.bad("name", &name.at, &quoted(&name.value), reason, hint));
        }
        check_variables("app.env", &app.env)?;
        Ok(app)
    }
}

impl ProcessSection {
    pub fn read_all(top: &Section<'_>) -> Result<Vec<(String, ProcessEntry)>, ProjectError> {
        let Some(all) = top.section("process")? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in all.entries() {
            check_label(&all, &entry)?;
            if entry.value.as_bool() == Some(false) {
                found.push((entry.name, ProcessEntry::Off));
                continue;
            }
            let section = all.named(&entry)?;
            let process = Self {
                at: section.at.clone(),
                command: section.command("command")?,
                port: read_port(&section)?,
                replicas: read_replicas(&section, 0)?,
                stop_grace: section.duration("stop_grace")?,
            };
            section.finish()?;
            found.push((entry.name, ProcessEntry::On(Box::new(process))));
        }
        Ok(found)
    }

    /// Tells whether the process receives requests: it has a port, or is called `web`.
    pub fn web(&self, name: &str) -> WebProcess {
        if self.port.is_some() || name == "web" { WebProcess::Yes } else { WebProcess::No }
    }
}

fn read_port(section: &Section<'_>) -> Result<Option<Located<u16>>, ProjectError> {
    let port = section.integer("port", 1..=65535, 8000)?;
    Ok(port.and_then(|port| Some(Located::new(u16::try_from(port.value).ok()?, port.at))))
}

/// Reads `replicas`, from the least that makes sense.
pub(super) fn read_replicas(section: &Section<'_>, least: i64) -> Result<Option<Located<u16>>, ProjectError> {
    let replicas = section.integer("replicas", least..=1000, 2)?;
    Ok(replicas.and_then(|replicas| Some(Located::new(u16::try_from(replicas.value).ok()?, replicas.at))))
}

/// Reads `"/app/media"`, or `{ path = "/app/media", shared = false }`.
fn read_volume<'d>(section: &Section<'d>, entry: Entry<'d>) -> Result<VolumeMount, ProjectError> {
    if let Some(path) = entry.value.as_str() {
        return Ok(VolumeMount { name: entry.name, path: path.to_owned(), exclusive: false });
    }
    const EXAMPLE: &str = "{ path = \"/app/media\", shared = false }";
    if entry.value.as_table().is_none() {
        let example = format!("{} = {EXAMPLE}", entry.name);
        return Err(section.wrong("volumes", entry.at.clone(), "a path or a table", entry.value, &example));
    }
    let volumes = section.section("volumes")?;
    let inner = volumes.as_ref().map(|volumes| volumes.named(&entry)).transpose()?;
    let Some(inner) = inner else { return Err(section.missing("volumes", EXAMPLE)) };
    let path = inner.string("path")?.ok_or_else(|| inner.missing("path", "path = \"/app/media\""))?;
    let shared = inner.flag("shared")?;
    inner.finish()?;
    Ok(VolumeMount { name: entry.name, path: path.value, exclusive: shared.is_some_and(|shared| !shared.value) })
}

/// Reads `{ media = "/app/media" }`, or a list of `"/app/media"` and `"media:/app/media"`.
fn read_volumes(section: &Section<'_>) -> Result<Option<Located<Vec<VolumeMount>>>, ProjectError> {
    const EXAMPLE: &str = "volumes = { media = \"/app/media\" }";
    let Some((at, value)) = section.any("volumes") else { return Ok(None) };
    let wrong = || section.wrong("volumes", at.clone(), "a table of paths or a list of them", value, EXAMPLE);
    let mut volumes = Vec::new();
    match value {
        DeValue::Table(_) => {
            for entry in section.section("volumes")?.iter().flat_map(Section::entries) {
                volumes.push(read_volume(section, entry)?);
            }
        }
        DeValue::Array(items) => {
            for item in items {
                let text = item.get_ref().as_str().ok_or_else(wrong)?;
                let (name, path) = match text.split_once(':') {
                    Some((name, path)) => (Some(name.to_owned()), path),
                    None => (text.rsplit('/').find(|part| !part.is_empty()).and_then(dns_label), text),
                };
                volumes.push(VolumeMount { name: name.unwrap_or_default(), path: path.to_owned(), exclusive: false });
            }
        }
        _ => return Err(wrong()),
    }
    for (index, volume) in volumes.iter().enumerate() {
        let refuse =
            |reason: &str| Err(section.bad("volumes", &at, &quoted(&volume.path), reason.into(), format!("write `{EXAMPLE}`")));
        if !volume.path.starts_with('/')
            || volume.path.split('/').all(str::is_empty)
            || volume.path.split('/').any(|part| part == "..")
        {
            return refuse("a volume's path is absolute and names a folder inside the container");
        }
        if !is_label(&volume.name) {
            return refuse("a volume's name is of small letters, digits and hyphens");
        }
        let same = |other: &VolumeMount| {
            other.name == volume.name || other.path.trim_end_matches('/') == volume.path.trim_end_matches('/')
        };
        if volumes.iter().take(index).any(same) {
            return refuse("two volumes have one name or one path");
        }
    }
    Ok(Some(Located::new(volumes, at)))
}
