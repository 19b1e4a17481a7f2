//! `[gauntlet]` and its gates.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::checks::{SecretsSection, check_label, check_secrets, check_variables, read_secrets};
use super::services::count;
use crate::model::CommandLine;
use crate::project::names::closest;
use crate::project::section::{Entry, Section, quoted};
use crate::project::{At, Located, ProjectError};

/// `[gauntlet]`.
#[derive(Debug, Default)]
pub(in crate::project) struct GauntletSection {
    pub required: Option<Located<Vec<String>>>,
    pub groups: Option<Located<Vec<String>>>,
    pub extras: Option<Located<Vec<String>>>,
    pub cores: Option<Located<i64>>,
    pub memory: Option<Located<u64>>,
    pub cache: Option<Located<u64>>,
    pub compose: Option<Located<ComposeChoice>>,
    pub retries: Option<Located<u32>>,
    pub gates: Vec<(String, GateEntry)>,
}

/// `compose = "path"`, or `false` for none although there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::project) enum ComposeChoice {
    None,
    File(PathBuf),
}

/// `NAME = { … }`, or `NAME = false`.
#[derive(Debug)]
pub(in crate::project) enum GateEntry {
    /// The gate is switched off.
    Off(At),
    /// What is said about it.
    On(Box<GateSection>),
}

/// `[gauntlet.NAME]`.
#[derive(Debug)]
pub(in crate::project) struct GateSection {
    pub at: At,
    pub run: Option<Located<CommandLine>>,
    pub needs: Option<Located<Vec<String>>>,
    pub services: Option<Located<Vec<String>>>,
    pub timeout: Option<Located<Duration>>,
    pub env: Vec<(String, Located<String>)>,
    pub secrets: SecretsSection,
    pub workers: Option<Located<u32>>,
    pub allow_failure: Option<Located<bool>>,
    pub network: Option<Located<bool>>,
    pub docker: Option<Located<bool>>,
    pub retries: Option<Located<u32>>,
}

impl GauntletSection {
    pub fn read(top: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = top.section("gauntlet")? else { return Ok(Self::default()) };
        let required = section.strings("required")?;
        let groups = section.strings("groups")?;
        let extras = section.strings("extras")?;
        let cores = section.integer("cores", 1..=1024, 4)?;
        let memory = section.bytes("memory")?;
        let cache = section.bytes("cache")?;
        let compose = read_compose(&section)?;
        let retries = read_retries(&section)?;
        let mut gates = Vec::new();
        for entry in section.entries() {
            check_label(&section, &entry)?;
            if entry.value.as_bool() == Some(false) {
                gates.push((entry.name, GateEntry::Off(entry.at)));
                continue;
            }
            if entry.value.as_table().is_none() {
                return Err(not_a_gate(&section, entry));
            }
            let gate = GateSection::read(&section.named(&entry)?)?;
            gates.push((entry.name, GateEntry::On(Box::new(gate))));
        }
        Ok(Self { required, groups, extras, cores, memory, cache, compose, retries, gates })
    }
}

fn read_compose(section: &Section<'_>) -> Result<Option<Located<ComposeChoice>>, ProjectError> {
    let Some((at, value)) = section.any("compose") else { return Ok(None) };
    let text = match value {
        DeValue::Boolean(false) => return Ok(Some(Located::new(ComposeChoice::None, at))),
        DeValue::String(text) => text,
        _ => return Err(section.wrong("compose", at, "a path or false", value, "compose = \"compose.yaml\"")),
    };
    let path = Path::new(text.as_ref());
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) && !text.is_empty();
    if !inside {
        let hint = "write a path relative to the project's folder".into();
        return Err(section.bad("compose", &at, &quoted(text), "a compose file lies inside the project".into(), hint));
    }
    Ok(Some(Located::new(ComposeChoice::File(path.components().filter(|part| *part != Component::CurDir).collect()), at)))
}

/// Explains a value that is neither a gate nor one of the table's own keys.
fn not_a_gate(section: &Section<'_>, entry: Entry<'_>) -> ProjectError {
    match closest(&entry.name, ["required", "groups", "extras", "cores", "memory", "cache", "compose", "retries"].into_iter()) {
        Some(close) => ProjectError::UnknownKey {
            key: section.key(&entry.name),
            at: entry.at,
            suggestion: Some(section.key(&close)),
            note: String::new(),
        },
        None => {
            let example = format!("{} = {{ run = \"…\" }}", entry.name);
            section.wrong(&entry.name, entry.at, "a table or false", entry.value, &example)
        }
    }
}

/// Reads how often failed tests run again.
fn read_retries(section: &Section<'_>) -> Result<Option<Located<u32>>, ProjectError> {
    let retries = section.integer("retries", 0..=10, 2)?;
    Ok(retries.map(|retries| Located::new(u32::try_from(retries.value).unwrap_or_default(), retries.at)))
}

impl GateSection {
    fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        let gate = Self {
            at: section.at.clone(),
            run: section.command("run")?,
            needs: section.strings("needs")?,
            services: section.strings("services")?,
            timeout: section.duration("timeout")?,
            env: section.string_table("env")?,
            secrets: read_secrets(section)?,
            workers: count(section, "workers", 1..=256, 4)?,
            allow_failure: section.flag("allow_failure")?,
            network: section.flag("network")?,
            docker: section.flag("docker")?,
            retries: read_retries(section)?,
        };
        section.finish()?;
        check_variables(&section.key("env"), &gate.env)?;
        check_secrets(section, gate.secrets.names.as_ref(), &gate.env)?;
        if let Some(timeout) = gate.timeout.as_ref().filter(|timeout| timeout.value.is_zero()) {
            let hint = "write `timeout = \"10m\"`".into();
            return Err(section.bad("timeout", &timeout.at, "zero", "no gate ends at once".into(), hint));
        }
        Ok(gate)
    }
}
