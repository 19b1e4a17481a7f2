//! `[app]` and `[process.*]`.

use std::time::Duration;

use super::Inputs;
use super::processes::{Chosen, ChosenProcess, Place};
use super::python::Python;
use crate::model::{AppSettings, Process, ProcessKind, ProcessName, ProjectName};
use crate::project::config::ProcessEntry;
use crate::project::explain::{Effective, Explained, Shown};
use crate::project::names::dns_label;
use crate::project::{Located, ProjectError};

const STOP_GRACE: Duration = Duration::from_secs(10);

pub(super) fn resolve(
    inputs: &Inputs<'_>,
    chosen: &Chosen<'_>,
    python: &Python,
) -> Result<(AppSettings, Explained), ProjectError> {
    let configuration = &inputs.configuration.app;
    let mut explained = Explained::default();
    let name = explained.take("app.name", name(inputs)?);
    let framework = chosen.framework.value;
    let word = serde_json::to_value(framework).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
    explained.note("app.framework", word.shown(), chosen.framework.origin.clone());
    let python = explained.take("app.python", python.version.clone());
    if chosen.place == Place::App {
        explain_command(chosen, "app", &mut explained);
    }
    explained.table("app.env", &configuration.env);
    let mut env: std::collections::BTreeMap<_, _> =
        configuration.env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    if let (Some(folder), false) = (inputs.detection.import_roots.first(), env.contains_key("PYTHONPATH")) {
        let folders: Vec<_> = inputs.detection.import_roots.iter().map(|folder| crate::project::place::slashed(folder)).collect();
        let because =
            format!("the modules in `{}` import each other by their bare names", crate::project::place::slashed(folder));
        env.insert("PYTHONPATH".into(), explained.take("app.env.PYTHONPATH", Effective::inferred(folders.join(":"), because)));
    }
    let volumes = explained.take("app.volumes", Effective::or(configuration.volumes.clone(), || Effective::default(Vec::new())));
    let app_grace = Effective::or(configuration.stop_grace.clone(), || Effective::default(STOP_GRACE));
    if chosen.place == Place::App {
        explained.take("app.stop_grace", app_grace.clone());
    }
    let processes =
        chosen.processes.iter().map(|process| resolve_process(inputs, chosen, process, &app_grace, &mut explained)).collect();
    Ok((AppSettings { name: ProjectName::new(name), framework, python, processes, env, volumes }, explained))
}

fn explain_command(chosen: &Chosen<'_>, table: &str, explained: &mut Explained) {
    for process in &chosen.processes {
        explain_process(process, table, explained);
    }
}

fn explain_process(process: &ChosenProcess, table: &str, explained: &mut Explained) {
    explained.take(&format!("{table}.command"), process.command.clone());
    if let Some(port) = &process.port {
        explained.take(&format!("{table}.port"), port.clone());
    }
}

fn resolve_process(
    inputs: &Inputs<'_>,
    chosen: &Chosen<'_>,
    process: &ChosenProcess,
    app_grace: &Effective<Duration>,
    explained: &mut Explained,
) -> Process {
    let section = process.section.and_then(|index| match inputs.configuration.processes.get(index) {
        Some((_, ProcessEntry::On(section))) => Some(section),
        _ => None,
    });
    let grace = Effective::or(section.and_then(|section| section.stop_grace.clone()), || app_grace.clone());
    if chosen.place == Place::Process {
        let table = format!("process.{}", process.name);
        explain_process(process, &table, explained);
        explained.take(&format!("{table}.stop_grace"), grace.clone());
    }
    Process {
        name: ProcessName::new(process.name.as_str()),
        kind: process.port.as_ref().map_or(ProcessKind::Worker, |port| ProcessKind::Web { port: port.value }),
        command: process.command.value.clone(),
        stop_grace: grace.value,
    }
}

/// The configured name, the manifest's, or the folder's.
fn name(inputs: &Inputs<'_>) -> Result<Effective<String>, ProjectError> {
    if let Some(Located { value, at }) = &inputs.configuration.app.name {
        return Ok(Effective::at(value.clone(), at));
    }
    let mut tried = Vec::new();
    if let Some(name) = &inputs.manifest.name {
        match dns_label(&name.value) {
            Some(label) => return Ok(Effective::inferred(label, format!("{} `name = \"{}\"`", name.at, name.value))),
            None => tried.push(format!("{} calls it `{}`", name.at, name.value)),
        }
    }
    let folder = inputs.root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match dns_label(&folder) {
        Some(label) => Ok(Effective::inferred(label, format!("the folder is called `{folder}`"))),
        None => {
            tried.push(format!("the folder is called `{folder}`"));
            Err(ProjectError::NoName { tried: tried.join(", ") })
        }
    }
}
