//! `[gauntlet]`: the usual gates that the project has set up, and its own.

use std::time::Duration;

use super::Inputs;
use super::build::check_names;
use super::gates::{Suggestion, Tools};
use crate::model::{CommandLine, GateSettings, GauntletSettings, Origin};
use crate::project::config::{GateEntry, GateSection};
use crate::project::detect::Distributions;
use crate::project::explain::{Effective, Explained, Shown};
use crate::project::manifest::normal;
use crate::project::{Located, ProjectError, Warning};

const TIMEOUT: Duration = Duration::from_secs(600);

/// The gates that every project is looked at for, in the order in which they are shown.
const USUAL: [&str; 5] = ["lint", "format", "types", "unit", "integration"];

/// Groups and extras that hold the tools of gates, by custom.
const DEVELOPMENT: [&str; 6] = ["dev", "test", "tests", "lint", "typing", "types"];

pub(super) fn resolve(
    inputs: &Inputs<'_>,
    distributions: &Distributions,
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
    let suggestions = Suggestions::new(&Tools { inputs, distributions }, inputs, warnings)?;
    let own = configuration.gates.iter().map(|(name, _)| name.as_str()).filter(|name| !USUAL.contains(name));
    let mut gates = Vec::new();
    for name in USUAL.into_iter().chain(own) {
        let entry = configuration.gates.iter().find(|(own, _)| own == name).map(|(_, entry)| entry);
        gates.extend(gate(name, entry, &suggestions, retries, &mut explained)?);
    }
    check(inputs, &gates)?;
    Ok((GauntletSettings { gates, required, groups, extras }, explained))
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

/// What the usual gates would run.
struct Suggestions {
    lint: Suggestion,
    format: Suggestion,
    types: Suggestion,
    unit: Suggestion,
    integration: Option<Suggestion>,
    /// What an integration gate is given when the configuration names no services for it.
    services: Vec<String>,
}

impl Suggestions {
    fn new(tools: &Tools<'_, '_>, inputs: &Inputs<'_>, warnings: &mut Vec<Warning>) -> Result<Self, ProjectError> {
        let is_folder = |path: &str| inputs.root.join(path).is_dir();
        let services: Vec<String> = inputs.configuration.services.iter().map(|(name, _)| name.clone()).collect();
        let configured = inputs.configuration.gauntlet.gates.iter().find(|(name, _)| name == "integration");
        let is_off = matches!(configured, Some((_, GateEntry::Off(_))));
        let apart = is_folder("tests/integration") && !is_off && (configured.is_some() || !services.is_empty());
        let (unit, integration) = match tools.pytest() {
            None => {
                let has_tests = ["tests", "test"].into_iter().find(|folder| is_folder(folder));
                if let Some(folder) =
                    has_tests.filter(|_| !inputs.configuration.gauntlet.gates.iter().any(|(name, _)| name == "unit"))
                {
                    let message = format!(
                        "there is a folder `{folder}`, but pytest is neither configured nor a dependency: no test is run"
                    );
                    warnings.push(Warning::new(
                        message,
                        "add pytest to the group `dev`, or name the command: [gauntlet] unit = { run = \"…\" }",
                    ));
                }
                (Suggestion::NotSetUp("pytest is neither configured nor a dependency".into()), None)
            }
            Some(because) => {
                let pytest = |arguments: &[&str]| {
                    CommandLine::Exec(std::iter::once("pytest").chain(arguments.iter().copied()).map(str::to_owned).collect())
                };
                let (arguments, why): (&[&str], _) = match (is_folder("tests/unit"), apart) {
                    (true, _) => (&["tests/unit"], format!("{because}, there is a folder `tests/unit`")),
                    (false, true) => {
                        (&["--ignore=tests/integration"], format!("{because}, integration tests have their own gate"))
                    }
                    (false, false) => (&[], because.clone()),
                };
                let integration = is_folder("tests/integration").then(|| {
                    if apart {
                        Suggestion::Run(
                            pytest(&["tests/integration"]),
                            format!("{because}, there is a folder `tests/integration`"),
                        )
                    } else {
                        Suggestion::NotSetUp("there is a folder `tests/integration`, but no service is configured".into())
                    }
                });
                if is_folder("tests/unit") && is_folder("tests/integration") && !apart && !is_off {
                    let message = "the tests in `tests/integration` are not run: no service is configured for them";
                    let hint = "add `[services.db]`, or `[gauntlet] integration = { run = \"pytest tests/integration\" }`";
                    warnings.push(Warning::new(message, hint));
                }
                (Suggestion::Run(pytest(arguments), why), integration)
            }
        };
        Ok(Self { lint: tools.lint(), format: tools.format(), types: tools.types()?, unit, integration, services })
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
    let settings = GateSettings {
        name: name.to_owned(),
        run,
        needs: Vec::new(),
        services: Vec::new(),
        timeout: TIMEOUT,
        env: std::collections::BTreeMap::new(),
        allow_failure: false,
        network: false,
        docker: false,
        retries,
    };
    if settings.run.is_none() {
        return Ok(Some(settings));
    }
    Ok(Some(details(settings, section, suggestions, explained)))
}

/// Adds what is said about a gate that runs.
fn details(
    settings: GateSettings,
    section: Option<&GateSection>,
    suggestions: &Suggestions,
    explained: &mut Explained,
) -> GateSettings {
    let key = |name: &str| format!("gauntlet.{}.{name}", settings.name);
    let list = |found: Option<&Option<Located<Vec<String>>>>, otherwise: Effective<Vec<String>>| {
        Effective::or(found.cloned().flatten(), || otherwise)
    };
    let flag = |found: Option<&Option<Located<bool>>>| Effective::or(found.cloned().flatten(), || Effective::default(false));
    let services = if settings.name == "integration" && !suggestions.services.is_empty() && section.is_none() {
        Effective::inferred(suggestions.services.clone(), "all services")
    } else {
        Effective::default(Vec::new())
    };
    let needs = explained.take(&key("needs"), list(section.map(|section| &section.needs), Effective::default(Vec::new())));
    let services = explained.take(&key("services"), list(section.map(|section| &section.services), services));
    let timeout = Effective::or(section.and_then(|section| section.timeout.clone()), || Effective::default(TIMEOUT));
    let timeout = explained.take(&key("timeout"), timeout);
    let env = section.map(|section| section.env.as_slice()).unwrap_or_default();
    explained.table(&key("env"), env);
    let env = env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    let allow_failure = explained.take(&key("allow_failure"), flag(section.map(|section| &section.allow_failure)));
    let network = explained.take(&key("network"), flag(section.map(|section| &section.network)));
    let docker = explained.take(&key("docker"), flag(section.map(|section| &section.docker)));
    let retries = match section.and_then(|section| section.retries.clone()) {
        Some(own) => explained.take(&key("retries"), Effective::at(own.value, &own.at)),
        None => settings.retries,
    };
    GateSettings { needs, services, timeout, env, allow_failure, network, docker, retries, ..settings }
}

/// Refuses names that nothing defines, and gates that wait for each other.
fn check(inputs: &Inputs<'_>, gates: &[GateSettings]) -> Result<(), ProjectError> {
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
    let services: Vec<String> = inputs.configuration.services.iter().map(|(name, _)| name.clone()).collect();
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
