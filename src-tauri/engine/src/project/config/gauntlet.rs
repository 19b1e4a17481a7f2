//! `[gauntlet]` and its gates.

use std::time::Duration;

use super::checks::{check_label, check_secrets, check_variables};
use crate::model::CommandLine;
use crate::project::names::closest;
use crate::project::section::{Entry, Section};
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
    pub gates: Vec<(String, GateEntry)>,
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
    pub secrets: Option<Located<Vec<String>>>,
    pub allow_failure: Option<Located<bool>>,
    pub network: Option<Located<bool>>,
    pub docker: Option<Located<bool>>,
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
        Ok(Self { required, groups, extras, cores, memory, cache, gates })
    }
}

/// Explains a value that is neither a gate nor one of the table's own keys.
fn not_a_gate(section: &Section<'_>, entry: Entry<'_>) -> ProjectError {
    match closest(&entry.name, ["required", "groups", "extras", "cores", "memory", "cache"].into_iter()) {
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

impl GateSection {
    fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        let gate = Self {
            at: section.at.clone(),
            run: section.command("run")?,
            needs: section.strings("needs")?,
            services: section.strings("services")?,
            timeout: section.duration("timeout")?,
            env: section.string_table("env")?,
            secrets: section.strings("secrets")?,
            allow_failure: section.flag("allow_failure")?,
            network: section.flag("network")?,
            docker: section.flag("docker")?,
        };
        section.finish()?;
        check_variables(&section.key("env"), &gate.env)?;
        check_secrets(section, gate.secrets.as_ref(), &gate.env)?;
        if let Some(timeout) = gate.timeout.as_ref().filter(|timeout| timeout.value.is_zero()) {
            let hint = "write `timeout = \"10m\"`".into();
            return Err(section.bad("timeout", &timeout.at, "zero", "no gate ends at once".into(), hint));
        }
        Ok(gate)
    }
}
