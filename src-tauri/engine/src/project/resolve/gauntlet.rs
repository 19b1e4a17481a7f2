//! `[gauntlet]`: the usual gates that the project has set up, and its own.

use std::collections::BTreeMap;

use super::Inputs;
use super::build::check_names;
use super::gates::{Suggestion, Tools};
use super::services::Services;
use super::suites::Suites;
use crate::model::{GateBudget, GateSettings, GauntletSettings, Origin};
use crate::project::config::{GateEntry, GateSection, GauntletSection};
use crate::project::detect::Distributions;
use crate::project::explain::{Bytes, Effective, Explained, Shown};
use crate::project::manifest::normal;
use crate::project::{Located, ProjectError, Warning};

/// The gates that every project is looked at for, in the order in which they are shown.
const USUAL: [&str; 5] = ["lint", "format", "types", "unit", "integration"];

/// Groups and extras that hold the tools of gates, by custom.
const DEVELOPMENT: [&str; 6] = ["dev", "test", "tests", "lint", "typing", "types"];

pub(super) fn resolve(
    inputs: &Inputs<'_>,
    distributions: &Distributions,
    services: &Services,
    warnings: &mut Vec<Warning>,
) -> Result<(GauntletSettings, Explained), ProjectError> {
    let configuration = &inputs.configuration.gauntlet;
    let manifest = inputs.manifest;
    let mut explained = Explained::default();
    check_names("gauntlet.groups", "group", &configuration.groups, manifest.groups.keys())?;
    check_names("gauntlet.extras", "extra", &configuration.extras, manifest.extras.keys())?;
    let required = Effective::or(configuration.required.clone(), || Effective::default(Vec::new()));
    let required = explained.take("gauntlet.required", required);
    let groups = development(&configuration.groups, manifest.groups.keys(), &manifest.default_groups);
    let groups = explained.take("gauntlet.groups", groups);
    let extras = development(&configuration.extras, manifest.extras.keys(), &[]);
    let extras = explained.take("gauntlet.extras", extras);
    let retries = Effective::or(configuration.retries.clone(), || Effective::default(0));
    let retries = explained.take("gauntlet.retries", retries);
    let suggestions = Suggestions::new(&Tools { inputs, distributions }, inputs, services, warnings)?;
    let own = configuration.gates.iter().map(|(name, _)| name.as_str()).filter(|name| !USUAL.contains(name));
    let mut gates = Vec::new();
    for name in USUAL.into_iter().chain(own) {
        let entry = configuration.gates.iter().find(|(own, _)| own == name).map(|(_, entry)| entry);
        gates.extend(gate(name, entry, &suggestions, services, retries, &mut explained)?);
    }
    check(inputs, services, &gates)?;
    let budget = budget(configuration, &mut explained);
    Ok((GauntletSettings { gates, required, groups, extras, budget }, explained))
}

/// The configured names, else those of the usual ones that exist.
fn development<'a>(
    configured: &Option<Located<Vec<String>>>,
    known: impl Iterator<Item = &'a String>,
    also: &[String],
) -> Effective<Vec<String>> {
    if let Some(configured) = configured {
        return Effective::at(configured.value.iter().map(|name| normal(name)).collect(), &configured.at);
    }
    let found: Vec<String> = known.filter(|name| DEVELOPMENT.contains(&name.as_str()) || also.contains(name)).cloned().collect();
    if found.is_empty() { Effective::default(found) } else { Effective::inferred(found, "those that exist under a usual name") }
}

/// What is said about what gates may use together; what is not said is the engine's to say.
fn budget(configuration: &GauntletSection, explained: &mut Explained) -> GateBudget {
    let cores = configuration.cores.as_ref().map(|cores| explained.take("gauntlet.cores", Effective::at(cores.value, &cores.at)));
    let mut bytes = |key: &str, found: &Option<Located<u64>>| {
        found.as_ref().map(|bytes| explained.take(key, Effective::at(Bytes(bytes.value), &bytes.at)).0)
    };
    GateBudget {
        cores: cores.and_then(|cores| u32::try_from(cores).ok()),
        memory: bytes("gauntlet.memory", &configuration.memory),
        cache: bytes("gauntlet.cache", &configuration.cache),
    }
}

/// What the usual gates would run.
struct Suggestions {
    lint: Suggestion,
    format: Suggestion,
    types: Suggestion,
    unit: Suggestion,
    integration: Option<Suggestion>,
}

impl Suggestions {
    fn new(
        tools: &Tools<'_, '_>,
        inputs: &Inputs<'_>,
        services: &Services,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ProjectError> {
        let Suites { unit, integration } = Suites::new(tools, inputs, &services.usual, warnings)?;
        Ok(Self { lint: tools.lint(), format: tools.format(), types: tools.types()?, unit, integration })
    }

    fn get(&self, gate: &str) -> Option<&Suggestion> {
        match gate {
            "lint" => Some(&self.lint),
            "format" => Some(&self.format),
            "types" => Some(&self.types),
            "unit" => Some(&self.unit),
            "integration" => self.integration.as_ref(),
            _ => None,
        }
    }
}

/// Makes one gate; none when it is switched off, or of no concern.
fn gate(
    name: &str,
    entry: Option<&GateEntry>,
    suggestions: &Suggestions,
    services: &Services,
    retries: u32,
    explained: &mut Explained,
) -> Result<Option<GateSettings>, ProjectError> {
    let key = format!("gauntlet.{name}");
    let section = match entry {
        Some(GateEntry::Off(at)) => {
            explained.take(&key, Effective::at(false, at));
            return Ok(None);
        }
        Some(GateEntry::On(section)) => Some(section.as_ref()),
        None => None,
    };
    let suggestion = suggestions.get(name);
    let run = match (section.and_then(|section| section.run.as_ref()), suggestion, section) {
        (Some(run), ..) => Some(explained.take(&format!("{key}.run"), Effective::at(run.value.clone(), &run.at))),
        (None, Some(Suggestion::Run(run, because)), _) => {
            Some(explained.take(&format!("{key}.run"), Effective::inferred(run.clone(), because.clone())))
        }
        (None, Some(Suggestion::NotSetUp(because)), None) => {
            explained.note(&key, false.shown(), Origin::Inferred { because: because.clone() });
            None
        }
        (None, _, Some(section)) => {
            let example = format!("{name} = {{ run = \"pytest tests/{name}\" }}");
            return Err(ProjectError::MissingKey { at: section.at.clone(), key: format!("{key}.run"), example });
        }
        (None, None, None) => return Ok(None),
    };
    let settings = GateSettings { retries, ..GateSettings::new(name, run) };
    if settings.run.is_none() {
        return Ok(Some(settings));
    }
    Ok(Some(details(settings, section, services, explained)))
}

/// Adds what is said about a gate that runs.
fn details(settings: GateSettings, section: Option<&GateSection>, known: &Services, explained: &mut Explained) -> GateSettings {
    let key = |name: &str| format!("gauntlet.{}.{name}", settings.name);
    let list = |found: Option<&Option<Located<Vec<String>>>>, otherwise: Effective<Vec<String>>| {
        Effective::or(found.cloned().flatten(), || otherwise)
    };
    let flag = |found: Option<&Option<Located<bool>>>| Effective::or(found.cloned().flatten(), || Effective::default(false));
    let services = if settings.name == "integration" && !known.usual.is_empty() {
        let because = known.file.as_ref().map_or_else(|| "all services".to_owned(), |file| format!("the services of {file}"));
        Effective::inferred(known.usual.clone(), because)
    } else {
        Effective::default(Vec::new())
    };
    let needs = explained.take(&key("needs"), list(section.map(|section| &section.needs), Effective::default(Vec::new())));
    let services = explained.take(&key("services"), list(section.map(|section| &section.services), services));
    let timeout =
        Effective::or(section.and_then(|section| section.timeout.clone()), || Effective::default(GateSettings::TIMEOUT));
    let timeout = explained.take(&key("timeout"), timeout);
    let env = section.map(|section| section.env.as_slice()).unwrap_or_default();
    explained.table(&key("env"), env);
    let mut env: BTreeMap<String, String> = env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    if !services.is_empty() {
        // The variables by which the app finds its services in the compose file are those by which its tests do.
        for (name, shown) in known.app_env.iter().filter(|(name, _)| !env.contains_key(name)).cloned().collect::<Vec<_>>() {
            explained.table(&key("env"), &[(name.clone(), shown)]);
            let value = known.app_values.get(&name).cloned().unwrap_or_default();
            env.insert(name, value);
        }
    }
    let secrets = section.and_then(|section| section.secrets.names.as_ref());
    let secrets = secrets.map(|secrets| explained.take(&key("secrets"), Effective::at(secrets.value.clone(), &secrets.at)));
    let secrets = secrets.unwrap_or_default();
    let secret_commands =
        super::environments::commands(explained, &key("secrets"), section.map(|section| section.secrets.commands.as_slice()));
    let workers = section.and_then(|section| section.workers.clone());
    let workers = workers.map(|workers| explained.take(&key("workers"), Effective::at(workers.value, &workers.at)));
    let allow_failure = explained.take(&key("allow_failure"), flag(section.map(|section| &section.allow_failure)));
    let network = explained.take(&key("network"), flag(section.map(|section| &section.network)));
    let docker = explained.take(&key("docker"), flag(section.map(|section| &section.docker)));
    let retries = match section.and_then(|section| section.retries.clone()) {
        Some(own) => explained.take(&key("retries"), Effective::at(own.value, &own.at)),
        None => settings.retries,
    };
    GateSettings {
        needs,
        services,
        timeout,
        env,
        secrets,
        secret_commands,
        workers,
        allow_failure,
        network,
        docker,
        retries,
        ..settings
    }
}

/// Refuses names that nothing defines, and gates that wait for each other.
fn check(inputs: &Inputs<'_>, services: &Services, gates: &[GateSettings]) -> Result<(), ProjectError> {
    let configuration = &inputs.configuration.gauntlet;
    let names: Vec<String> = gates.iter().map(|gate| gate.name.clone()).collect();
    if let Some(required) = &configuration.required {
        for name in &required.value {
            if let Some((_, GateEntry::Off(at))) = configuration.gates.iter().find(|(own, _)| own == name) {
                return Err(ProjectError::Contradiction {
                    at: at.clone(),
                    message: format!("the gate `{name}` is required ({}) and switched off", required.at),
                    hint: format!("remove it from `required`, or `{name} = false`"),
                });
            }
            known("gauntlet.required", "gate", name, &names, required)?;
        }
    }
    let services: Vec<String> = services.settings.keys().cloned().collect();
    for (name, entry) in &configuration.gates {
        let GateEntry::On(section) = entry else { continue };
        for (key, kind, found, all) in
            [("needs", "gate", &section.needs, &names), ("services", "service", &section.services, &services)]
        {
            let Some(found) = found else { continue };
            for wanted in &found.value {
                known(&format!("gauntlet.{name}.{key}"), kind, wanted, all, found)?;
            }
        }
        if let Some(path) = super::environments::cycle(name, &|gate| {
            gates.iter().find(|other| other.name == gate).map(|gate| gate.needs.clone()).unwrap_or_default()
        }) {
            return Err(ProjectError::Cycle { at: section.at.clone(), what: "gates", path });
        }
    }
    Ok(())
}

fn known(key: &str, kind: &'static str, name: &str, all: &[String], list: &Located<Vec<String>>) -> Result<(), ProjectError> {
    if all.iter().any(|known| known == name) {
        return Ok(());
    }
    Err(ProjectError::UnknownName { at: list.at.clone(), key: key.into(), kind, name: name.into(), known: all.to_vec() })
}
