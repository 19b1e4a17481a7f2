//! `[environments.*]`: `local` is always there.

use std::collections::BTreeMap;
use std::time::Duration;

use super::services::Services;
use super::{Inputs, probes, strategy};
use crate::certificates::is_local;
use crate::model::{
    AcmeSettings, AppSettings, EnvironmentName, EnvironmentSettings, HealthCheck, Https, MOST_WEB_INSTANCES, NotifyLevel,
    ProcessKind, ProcessName, ProcessPlacement, Resources, SecretDelivery,
};
use crate::project::config::{EnvironmentSection, HttpsChoice, ProcessEntry, WrittenProbe};
use crate::project::explain::{Bytes, Effective, Explained, Shown, path_text};
use crate::project::{Located, ProjectError};

const LOCAL: &str = "local";
const DOCKER: &str = "docker";
const DRAIN: Duration = Duration::from_secs(10);
const BAKE: Duration = Duration::from_secs(30);

type Environments = BTreeMap<EnvironmentName, EnvironmentSettings>;

pub(super) fn resolve(
    inputs: &Inputs<'_>,
    app: &AppSettings,
    services: &Services,
    health: &HealthCheck,
) -> Result<(Environments, Explained), ProjectError> {
    let configured = &inputs.configuration.environments;
    check_names(inputs, app, services)?;
    let mut explained = Explained::default();
    let mut environments = BTreeMap::new();
    let local = configured.iter().find(|(name, _)| name == LOCAL).map(|(_, section)| section);
    let others = configured.iter().filter(|(name, _)| name != LOCAL).map(|(name, section)| (name.as_str(), Some(section)));
    for (name, section) in std::iter::once((LOCAL, local)).chain(others) {
        let environment = environment(inputs, app, name, section, (services, health), &mut explained)?;
        refuse_same_domain(&environments, name, section, &environment)?;
        environments.insert(EnvironmentName::new(name), environment);
    }
    Ok((environments, explained))
}

fn environment(
    inputs: &Inputs<'_>,
    app: &AppSettings,
    name: &str,
    section: Option<&EnvironmentSection>,
    (known, health): (&Services, &HealthCheck),
    explained: &mut Explained,
) -> Result<EnvironmentSettings, ProjectError> {
    let key = |part: &str| format!("environments.{name}.{part}");
    let target = Effective::or(section.and_then(|section| section.target.clone()), || Effective::default(DOCKER.to_owned()));
    let target = explained.take(&key("target"), target);
    let domain = domain(app, name, section, &target)?;
    let domain = explained.take(&key("domain"), domain);
    let https = https(name, section, &domain, explained)?;
    let replicas = explained.take(&key("replicas"), web_replicas(inputs, app, section)?);
    let processes = placements(inputs, app, name, section, explained);
    let env = section.map(|section| section.env.as_slice()).unwrap_or_default();
    explained.table(&key("env"), env);
    let list =
        |found: Option<&Option<Located<Vec<String>>>>| Effective::or(found.cloned().flatten(), || Effective::default(Vec::new()));
    let secrets = explained.take(&key("secrets"), list(section.map(|section| &section.secrets.names)));
    let secret_commands = commands(explained, &key("secrets"), section.map(|section| section.secrets.commands.as_slice()));
    let delivery =
        Effective::or(section.and_then(|section| section.secret_delivery.clone()), || Effective::default(SecretDelivery::Env));
    let word = if delivery.value == SecretDelivery::Env { "env" } else { "file" };
    explained.note(&key("secret_delivery"), word.to_owned().shown(), delivery.origin);
    let services = explained.take(&key("services"), list(section.map(|section| &section.services)));
    let mut env: BTreeMap<String, String> = env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    if !services.is_empty() {
        // The variables by which the app finds its services in the compose file; what the configuration says comes first.
        for (name, shown) in &known.app_env {
            if !env.contains_key(name) && !app.env.contains_key(name) {
                explained.table(&key("env"), &[(name.clone(), shown.clone())]);
                env.insert(name.clone(), known.app_values.get(name).cloned().unwrap_or_default());
            }
        }
    }
    let after = section
        .and_then(|section| section.after.clone())
        .map(|after| explained.take(&key("after"), Effective::at(after.value, &after.at)));
    let protected = Effective::or(section.and_then(|section| section.protected.clone()), || Effective::default(false));
    let protected = explained.take(&key("protected"), protected);
    let resources = resources(&key, section, explained);
    let bake = if name == LOCAL { Duration::ZERO } else { BAKE };
    let bake = Effective::or(section.and_then(|section| section.bake.clone()), || Effective::default(bake));
    let drain = Effective::or(section.and_then(|section| section.drain.clone()), || Effective::default(DRAIN));
    let bake = explained.take(&key("bake"), bake);
    let drain = explained.take(&key("drain"), drain);
    let (strategy, pause, tolerance) = strategy::resolve(&key, section, explained);
    let environment = EnvironmentSettings {
        target,
        domain,
        https,
        replicas,
        processes,
        env,
        secrets,
        secret_commands,
        secret_delivery: delivery.value,
        services,
        after: after.map(EnvironmentName::new),
        protected,
        resources,
        bake,
        drain,
        strategy,
        pause,
        tolerance,
        probes: probes::resolve(inputs, app, health, &key, section, explained),
        neighbours: inputs.configuration.health.neighbours.as_ref().map(|found| found.value.clone()).unwrap_or_default(),
        notify: notify(&key, section, explained),
    };
    strategy::check_exclusive(app, name, section, &environment)?;
    Ok(environment)
}

/// Takes over the commands that print values of secrets.
pub(super) fn commands(
    explained: &mut Explained,
    key: &str,
    configured: Option<&[(String, Located<String>)]>,
) -> BTreeMap<String, String> {
    let configured = configured.unwrap_or_default();
    configured
        .iter()
        .map(|(name, command)| {
            let command = Effective::at(command.value.clone(), &command.at);
            (name.clone(), explained.take(&format!("{key}.{name}.command"), command))
        })
        .collect()
}

fn notify(key: &dyn Fn(&str) -> String, section: Option<&EnvironmentSection>, explained: &mut Explained) -> NotifyLevel {
    let level = Effective::or(section.and_then(|section| section.notify.clone()), || Effective::default(NotifyLevel::All));
    let word = match level.value {
        NotifyLevel::All => "all",
        NotifyLevel::Down => "down",
        NotifyLevel::None => "none",
    };
    explained.note(&key("notify"), word.to_owned().shown(), level.origin);
    level.value
}

fn domain(
    app: &AppSettings,
    name: &str,
    section: Option<&EnvironmentSection>,
    target: &str,
) -> Result<Effective<String>, ProjectError> {
    if let Some(Located { value, at }) = section.and_then(|section| section.domain.as_ref()) {
        return Ok(Effective::at(value.clone(), at));
    }
    let receives_requests = app.processes.iter().any(|process| matches!(process.kind, ProcessKind::Web { .. }));
    match section.filter(|_| target != DOCKER && receives_requests) {
        Some(section) => Err(ProjectError::MissingKey {
            at: section.at.clone(),
            key: format!("environments.{name}.domain"),
            example: format!("domain = \"{}.example.com\"", app.name),
        }),
        None if name == LOCAL => Ok(Effective::default(format!("{}.localhost", app.name))),
        None => Ok(Effective::default(format!("{name}.{}.localhost", app.name))),
    }
}

/// Let's Encrypt: the authority that asks for nothing but control of the domain.
const ACME_DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Local names have HTTPS beside HTTP; for a domain of one's own it has to be asked for, because its authority has to be.
fn https(
    name: &str,
    section: Option<&EnvironmentSection>,
    domain: &str,
    explained: &mut Explained,
) -> Result<Https, ProjectError> {
    let key = |part: &str| format!("environments.{name}.{part}");
    let usual = if is_local(domain) { HttpsChoice::Local } else { HttpsChoice::Off };
    let choice = Effective::or(section.and_then(|section| section.https.clone()), || Effective::default(usual));
    let word = match choice.value {
        HttpsChoice::Off => "off",
        HttpsChoice::Local => "local",
        HttpsChoice::Acme => "acme",
    };
    explained.note(&key("https"), word.to_owned().shown(), choice.origin);
    let at = section.and_then(|section| section.https.as_ref()).map(|https| &https.at);
    match (choice.value, at, section.and_then(|section| section.acme.at.as_ref())) {
        (HttpsChoice::Local, Some(at), _) if !is_local(domain) => Err(ProjectError::Contradiction {
            at: at.clone(),
            message: format!("`https = \"local\"` is for local names, and {domain} is none"),
            hint: "write `https = \"acme\"`, or a `domain` that ends in .localhost".into(),
        }),
        (HttpsChoice::Acme, Some(at), _) if is_local(domain) && !domain.ends_with(".test") => Err(ProjectError::Contradiction {
            at: at.clone(),
            message: format!("no public authority gives a certificate for {domain}"),
            hint: "write `https = \"local\"`, or a `domain` of your own".into(),
        }),
        (HttpsChoice::Off | HttpsChoice::Local, _, Some(at)) => Err(ProjectError::Contradiction {
            at: at.clone(),
            message: format!("`[environments.{name}.acme]` has no effect, because `https` is \"{word}\""),
            hint: format!("write `https = \"acme\"` in `[environments.{name}]`, or take the table out"),
        }),
        (HttpsChoice::Off, ..) => Ok(Https::Off),
        (HttpsChoice::Local, ..) => Ok(Https::Local),
        (HttpsChoice::Acme, ..) => {
            let acme = section.map(|section| &section.acme);
            let directory =
                Effective::or(acme.and_then(|acme| acme.directory.clone()), || Effective::default(ACME_DIRECTORY.to_owned()));
            let email = acme.and_then(|acme| acme.email.clone());
            let ca_bundle = acme.and_then(|acme| acme.ca_bundle.clone());
            Ok(Https::Acme(AcmeSettings {
                directory: explained.take(&key("acme.directory"), directory),
                email: email.map(|email| explained.take(&key("acme.email"), Effective::at(email.value, &email.at))),
                ca_bundle: ca_bundle.map(|bundle| {
                    explained.note(&key("acme.ca_bundle"), path_text(&bundle.value), bundle.origin());
                    bundle.value
                }),
            }))
        }
    }
}

/// Refuses a second environment under one host name of one target: the proxy could not tell them apart.
fn refuse_same_domain(
    others: &Environments,
    name: &str,
    section: Option<&EnvironmentSection>,
    environment: &EnvironmentSettings,
) -> Result<(), ProjectError> {
    let same = others.iter().find(|(_, other)| other.domain == environment.domain && other.target == environment.target);
    match (same, section) {
        (Some((other, _)), Some(section)) => Err(ProjectError::Contradiction {
            at: section.domain.as_ref().map_or(&section.at, |domain| &domain.at).clone(),
            message: format!(
                "the environments `{other}` and `{name}` have the same domain `{}` on the same target",
                environment.domain
            ),
            hint: "give each its own `domain`".into(),
        }),
        _ => Ok(()),
    }
}

/// The process that `replicas` of an environment means: the web process, or the only one.
fn main_process(app: &AppSettings) -> Option<&ProcessName> {
    let web = app.processes.iter().find(|process| matches!(process.kind, ProcessKind::Web { .. }));
    let only = if app.processes.len() == 1 { app.processes.first() } else { None };
    web.or(only).map(|process| &process.name)
}

/// `[process.NAME] replicas`.
fn configured_replicas<'a>(inputs: &Inputs<'a>, process: &str) -> Option<&'a Located<u16>> {
    let section = inputs.configuration.processes.iter().find(|(name, _)| name == process);
    match section {
        Some((_, ProcessEntry::On(section))) => section.replicas.as_ref(),
        _ => None,
    }
}

fn placed<'a>(section: Option<&'a EnvironmentSection>, process: &str) -> Option<&'a Located<u16>> {
    section?.processes.iter().find(|(name, _)| name == process).and_then(|(_, placement)| placement.replicas.as_ref())
}

fn web_replicas(
    inputs: &Inputs<'_>,
    app: &AppSettings,
    section: Option<&EnvironmentSection>,
) -> Result<Effective<u16>, ProjectError> {
    let process = main_process(app).map_or("web", ProcessName::as_str);
    let written = match (section.and_then(|section| section.replicas.as_ref()), placed(section, process)) {
        (Some(first), Some(second)) => {
            return Err(ProjectError::Contradiction {
                at: second.at.clone(),
                message: format!(
                    "`replicas` ({}) and `process.{process}.replicas` both say how many instances there are",
                    first.at
                ),
                hint: "keep `replicas`".into(),
            });
        }
        (one, other) => one.or(other).or_else(|| configured_replicas(inputs, process)),
    };
    let receives_requests = app.processes.iter().any(|process| matches!(process.kind, ProcessKind::Web { .. }));
    match written {
        Some(replicas) if receives_requests && replicas.value > MOST_WEB_INSTANCES => Err(ProjectError::Contradiction {
            at: replicas.at.clone(),
            message: format!(
                "{} instances of `{process}` are more than the {MOST_WEB_INSTANCES} between which requests are shared out",
                replicas.value
            ),
            hint: format!("write {MOST_WEB_INSTANCES} or less, and more workers in each of them"),
        }),
        Some(replicas) => Ok(Effective::at(replicas.value, &replicas.at)),
        None => Ok(Effective::default(1)),
    }
}

/// The replicas of every process that is not the one that receives requests.
fn placements(
    inputs: &Inputs<'_>,
    app: &AppSettings,
    name: &str,
    section: Option<&EnvironmentSection>,
    explained: &mut Explained,
) -> BTreeMap<ProcessName, ProcessPlacement> {
    let workers = app.processes.iter().filter(|process| process.kind == ProcessKind::Worker);
    let only = main_process(app);
    let mut found = BTreeMap::new();
    for process in workers {
        let common = section.and_then(|section| section.replicas.as_ref()).filter(|_| only == Some(&process.name));
        let name_of = process.name.as_str();
        let written = placed(section, name_of).or(common).or_else(|| configured_replicas(inputs, name_of));
        let replicas = written.map_or(Effective::default(1), |replicas| Effective::at(replicas.value, &replicas.at));
        let replicas = explained.take(&format!("environments.{name}.process.{}.replicas", process.name), replicas);
        found.insert(process.name.clone(), ProcessPlacement { replicas: Some(replicas) });
    }
    found
}

fn resources(key: &dyn Fn(&str) -> String, section: Option<&EnvironmentSection>, explained: &mut Explained) -> Resources {
    let usual = Resources::default();
    let memory = section.and_then(|section| section.memory.as_ref());
    let memory = memory.map_or(Effective::default(Bytes(usual.memory)), |memory| Effective::at(Bytes(memory.value), &memory.at));
    let cpus = Effective::or(section.and_then(|section| section.cpus.clone()), || Effective::default(usual.cpus));
    let pids = Effective::or(section.and_then(|section| section.pids.clone()), || Effective::default(usual.pids));
    Resources {
        memory: explained.take(&key("memory"), memory).0,
        cpus: explained.take(&key("cpus"), cpus),
        pids: explained.take(&key("pids"), pids),
    }
}

/// Refuses names that nothing defines, and environments that wait for each other.
fn check_names(inputs: &Inputs<'_>, app: &AppSettings, services: &Services) -> Result<(), ProjectError> {
    let configuration = inputs.configuration;
    let services: Vec<String> = services.settings.keys().cloned().collect();
    let processes: Vec<String> = app.processes.iter().map(|process| process.name.to_string()).collect();
    let mut environments: Vec<String> = configuration.environments.iter().map(|(name, _)| name.clone()).collect();
    if !environments.iter().any(|name| name == LOCAL) {
        environments.push(LOCAL.to_owned());
    }
    for (name, section) in &configuration.environments {
        let unknown = |key: &str, kind, wanted: &str, at: &crate::project::At, known: &[String]| {
            let others = known.iter().filter(|known| *known != name || kind != "environment").cloned();
            let key = format!("environments.{name}.{key}");
            Err(ProjectError::UnknownName { at: at.clone(), key, kind, name: wanted.to_owned(), known: others.collect() })
        };
        for list in section.services.iter() {
            if let Some(wanted) = list.value.iter().find(|wanted| !services.contains(wanted)) {
                return unknown("services", "service", wanted, &list.at, &services);
            }
        }
        if let Some((wanted, placement)) = section.processes.iter().find(|(wanted, _)| !processes.contains(wanted)) {
            return unknown("process", "process", wanted, &placement.at, &processes);
        }
        for (probe, written) in &section.probes {
            if let WrittenProbe::Command { process: Some(wanted), .. } = &written.kind
                && !processes.contains(&wanted.value)
            {
                return unknown(&format!("probes.{probe}.process"), "process", &wanted.value, &wanted.at, &processes);
            }
        }
        let Some(after) = &section.after else { continue };
        if !environments.contains(&after.value) {
            return unknown("after", "environment", &after.value, &after.at, &environments);
        }
        let before = |environment: &str| -> Vec<String> {
            let section = configuration.environments.iter().find(|(name, _)| name == environment);
            section.and_then(|(_, section)| section.after.as_ref()).map(|after| after.value.clone()).into_iter().collect()
        };
        if let Some(path) = cycle(name, &before) {
            return Err(ProjectError::Cycle { at: after.at.clone(), what: "environments", path });
        }
    }
    Ok(())
}

/// Finds the way from a name back to itself.
pub(super) fn cycle(start: &str, next: &dyn Fn(&str) -> Vec<String>) -> Option<Vec<String>> {
    let mut open: Vec<Vec<String>> = vec![vec![start.to_owned()]];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = open.pop() {
        for name in path.last().map(|last| next(last)).unwrap_or_default() {
            let mut longer = path.clone();
            longer.push(name.clone());
            if name == start {
                return Some(longer);
            }
            if seen.insert(name) {
                open.push(longer);
            }
        }
    }
    None
}
