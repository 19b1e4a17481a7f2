//! Services: those of `[services.*]`, else those of a compose file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Inputs;
use crate::model::{Ready, ServiceSettings};
use crate::project::config::ServiceSection;
use crate::project::explain::{Effective, Explained, Shown};
use crate::project::known::{data, known};
use crate::project::{Located, ProjectError, Warning};

/// The services of a project, wherever they are described.
#[derive(Debug, Default)]
pub(super) struct Services {
    pub settings: BTreeMap<String, ServiceSettings>,
    pub explained: Explained,
    /// What integration tests are run beside, when nothing is said.
    pub usual: Vec<String>,
    /// Variables that the compose file gives to the app, as they stand in it.
    pub app_env: Vec<(String, Located<String>)>,
    /// The same, with their values.
    pub app_values: BTreeMap<String, String>,
    /// What is not understood about each service.
    pub notes: BTreeMap<String, Vec<Located<String>>>,
    /// What is not understood about the compose file.
    pub file_notes: Vec<Located<String>>,
    /// The compose file, relative to the project, where the services come from one.
    pub file: Option<String>,
}

/// Takes the configuration's services, or else the compose file's.
pub(super) fn resolve(inputs: &Inputs<'_>) -> Result<Services, ProjectError> {
    if let Some(services) = super::compose::resolve(inputs)? {
        return Ok(services);
    }
    let mut services = Services::default();
    for (name, section) in &inputs.configuration.services {
        services.settings.insert(name.clone(), service(name, section, &mut services.explained));
        services.usual.push(name.clone());
    }
    Ok(services)
}

impl Services {
    /// Says what is not understood, of services that are used and of those that they wait for.
    pub fn warn<'a>(&'a self, used: impl Iterator<Item = &'a String>, warnings: &mut Vec<Warning>) {
        let used = ServiceSettings::with_needed(used, &self.settings);
        if used.is_empty() {
            return;
        }
        let of_services = self.notes.iter().filter(|(name, _)| used.contains_key(*name)).flat_map(|(_, notes)| notes);
        for note in self.file_notes.iter().chain(of_services) {
            let hint = "describe the service under `[services]` of `nonevent.toml` instead, if that matters";
            warnings.push(Warning::new(format!("{}: {}", note.at, note.value), hint));
        }
    }
}

/// Writes when a service is ready as the configuration would; `within` where something is said about it.
pub(super) fn ready_shown(ready: &Ready, within: Option<Duration>) -> Option<String> {
    let mut parts = match ready {
        Ready::Port(port) => vec![format!("port = {port}")],
        Ready::Http { port, path } => vec![format!("port = {port}"), format!("path = {}", path.shown())],
        Ready::Command(command) => vec![format!("command = {}", command.shown())],
        Ready::Log(text) => vec![format!("log = {}", text.shown())],
        Ready::Completed => return Some("it ended with 0".to_owned().shown()),
        Ready::Running => Vec::new(),
    };
    parts.extend(within.map(|within| format!("within = {}", within.shown())));
    (!parts.is_empty()).then(|| format!("{{ {} }}", parts.join(", ")))
}

fn service(name: &str, section: &ServiceSection, explained: &mut Explained) -> ServiceSettings {
    let key = |part: &str| format!("services.{name}.{part}");
    let image = explained.take(&key("image"), Effective::at(section.image.value.clone(), &section.image.at));
    let because = format!("the image `{image}`");
    let known = known(&image);
    let command =
        section.command.clone().map(|command| explained.take(&key("command"), Effective::at(command.value, &command.at)));
    explained.table(&key("env"), &section.env);
    let ready = Effective::or(section.ready.clone(), || match known {
        Some(known) => Effective::inferred(Ready::Port(known.port), because.clone()),
        None => Effective::default(Ready::Running),
    });
    if let Some(shown) = ready_shown(&ready.value, section.within.as_ref().map(|within| within.value)) {
        explained.note(&key("ready"), shown, ready.origin);
    }
    let within = section.within.as_ref().map_or(ServiceSettings::WITHIN, |within| within.value);
    explained.table(&key("provides"), &section.provides);
    let data = match (&section.data, known.and_then(|known| data(known, &image))) {
        (Some(data), _) => Some(Effective::at(data.value.clone(), &data.at)),
        (None, Some(folder)) => Some(Effective::inferred(folder, because)),
        (None, None) => None,
    };
    let data = data.map(|data| explained.take(&key("data"), data));
    let table =
        |entries: &[(String, Located<String>)]| entries.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    ServiceSettings {
        command,
        env: table(&section.env),
        ready: ready.value,
        within,
        provides: table(&section.provides),
        data,
        ..ServiceSettings::new(image)
    }
}
