//! Services from the project's compose file, where the configuration names none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Inputs;
use super::services::{Services, ready_shown};
use crate::model::{Origin, Ready, ServiceContainer, ServiceMoment, ServiceSettings};
use crate::project::compose::{Compose, ComposeService, Moment, Variables};
use crate::project::config::ComposeChoice;
use crate::project::explain::{Effective, Explained, Shown};
use crate::project::known::{Known, known};
use crate::project::place::slashed;
use crate::project::{Located, ProjectError};

/// Reads the compose file, unless the configuration says otherwise.
pub(super) fn resolve(inputs: &Inputs<'_>) -> Result<Option<Services>, ProjectError> {
    let configuration = inputs.configuration;
    let named: Option<PathBuf> = match configuration.gauntlet.compose.as_ref().map(|choice| (&choice.value, &choice.at)) {
        Some((ComposeChoice::None, _)) => return Ok(None),
        Some((ComposeChoice::File(_), at)) if !configuration.services.is_empty() => {
            return Err(ProjectError::Contradiction {
                at: at.clone(),
                message: "both `gauntlet.compose` and `[services]` name the services".to_owned(),
                hint: "keep one of them".to_owned(),
            });
        }
        Some((ComposeChoice::File(file), _)) => Some(file.clone()),
        None if !configuration.services.is_empty() => return Ok(None),
        None => None,
    };
    let caller = |name: &str| std::env::var(name).ok();
    let variables = Variables::read(inputs.root, &caller)?;
    let Some(compose) = Compose::read(inputs.root, named.as_deref(), &variables)? else { return Ok(None) };
    Ok(Some(services(inputs, &compose)))
}

fn services(inputs: &Inputs<'_>, compose: &Compose) -> Services {
    let mut explained = Explained::default();
    let chosen = inputs.configuration.gauntlet.compose.as_ref().map(|choice| &choice.at);
    let file = slashed(&compose.file).shown();
    match chosen {
        Some(at) => explained.note("gauntlet.compose", file, Origin::File { file: at.file.to_path_buf(), line: at.line }),
        None => explained.note("gauntlet.compose", file, Origin::Inferred { because: because(compose) }),
    }
    let provides_nothing = compose.apps.iter().all(|app| app.env.is_empty());
    let circle = circle(compose);
    let settings: BTreeMap<String, ServiceSettings> = compose
        .services
        .iter()
        .map(|service| {
            let container = container(compose, service, &circle);
            (service.name.clone(), one(compose, service, container, provides_nothing, &mut explained))
        })
        .collect();
    let mut app_env: Vec<(String, Located<String>)> = Vec::new();
    let mut app_values = BTreeMap::new();
    for variable in compose.apps.iter().flat_map(|app| &app.env) {
        if !app_values.contains_key(&variable.name) {
            app_values.insert(variable.name.clone(), variable.value.clone());
            app_env.push((variable.name.clone(), Located::new(variable.shown.clone(), variable.at.clone())));
        }
    }
    let notes = compose.services.iter().map(|service| (service.name.clone(), service.notes.clone())).collect();
    Services {
        usual: compose.usual(),
        settings,
        explained,
        app_env,
        app_values,
        notes,
        file_notes: compose.notes.clone(),
        file: Some(slashed(&compose.file)),
    }
}

/// Says that the file was found, and which of its services were taken to be the app.
fn because(compose: &Compose) -> String {
    let apps: Vec<String> = compose.apps.iter().map(|app| format!("`{}` ({})", app.name, app.at)).collect();
    let found = format!("there is a `{}`", slashed(&compose.file));
    match apps.as_slice() {
        [] => found,
        [app] => format!("{found}; {app} is taken to be the app itself"),
        apps => format!("{found}; {} are taken to be the app itself", apps.join(" and ")),
    }
}

/// What the container is made of, with the services that it waits for.
fn container(compose: &Compose, service: &ComposeService, circle: &BTreeSet<&str>) -> ServiceContainer {
    let mut container = service.container.clone();
    for needed in &service.after {
        let moment = match needed.moment {
            Moment::Started => ServiceMoment::Started,
            Moment::Healthy | Moment::Completed => ServiceMoment::Ready,
        };
        if compose.service(&needed.name).is_some() {
            container.after.insert(needed.name.clone(), moment);
        } else if needed.required && container.refused.is_none() {
            let why = if compose.app(&needed.name).is_some() { "is the app itself" } else { "does not exist" };
            container.refused = Some(format!("it needs `{}`, which {why} ({})", needed.name, service.at));
        }
    }
    if circle.contains(service.name.as_str()) {
        container.after.clear();
        container.refused.get_or_insert(format!("it waits for itself through `depends_on` ({})", service.at));
    }
    container
}

fn one(
    compose: &Compose,
    service: &ComposeService,
    container: ServiceContainer,
    provides_nothing: bool,
    explained: &mut Explained,
) -> ServiceSettings {
    let key = |part: &str| format!("services.{}.{part}", service.name);
    if let Some(reason) = &container.refused {
        let origin = Origin::File { file: service.at.file.to_path_buf(), line: service.at.line };
        explained.note(&key("refused"), reason.shown(), origin);
    }
    let image = match &service.image {
        Some(image) => explained.take(&key("image"), Effective::at(image.value.clone(), &image.at)),
        None => String::new(),
    };
    let known = known(&image);
    let command =
        service.command.clone().map(|command| explained.take(&key("command"), Effective::at(command.value, &command.at)));
    let shown: Vec<(String, Located<String>)> = service
        .env
        .iter()
        .map(|variable| (variable.name.clone(), Located::new(variable.shown.clone(), variable.at.clone())))
        .collect();
    explained.table(&key("env"), &shown);
    let env: BTreeMap<String, String> =
        service.env.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect();
    let others = compose.services.iter().chain(&compose.apps);
    let is_awaited = others.filter_map(|other| service.awaited_by(other)).any(|moment| moment == Moment::Completed);
    let ready = match (&service.ready, known) {
        _ if is_awaited => Effective::inferred(Ready::Completed, "another service waits for its end"),
        (Some(ready), _) => Effective::at(ready.value.clone(), &ready.at),
        (None, Some(known)) if !listens_elsewhere(service) => {
            Effective::inferred(Ready::Port(known.port), format!("the image `{image}`"))
        }
        (None, _) => Effective::default(Ready::Running),
    };
    for file in &container.files {
        let origin = Origin::Inferred { because: format!("{}", service.at) };
        explained.note(&key("files"), format!("{} → {}", slashed(&file.source), file.target).shown(), origin);
    }
    let within = service.within.unwrap_or_default().max(ServiceSettings::WITHIN);
    let longer = (within > ServiceSettings::WITHIN).then_some(within);
    if let Some(shown) = ready_shown(&ready.value, longer) {
        explained.note(&key("ready"), shown, ready.origin.clone());
    }
    let provides = if provides_nothing { address(&service.name, &image, &env) } else { None };
    if let Some((name, value)) = &provides {
        let origin = Origin::Inferred { because: format!("the image `{image}`") };
        explained.note(&key(&format!("provides.{name}")), value.shown(), origin);
    }
    ServiceSettings {
        command,
        env,
        within,
        provides: provides.into_iter().collect(),
        container: ServiceContainer { port: listens(service, &ready.value, known), ..container },
        ready: ready.value,
        ..ServiceSettings::new(image)
    }
}

/// The port that must be open besides: a health check may pass before the service listens, as PostgreSQL's does while init scripts run.
fn listens(service: &ComposeService, ready: &Ready, known: Option<&Known>) -> Option<u16> {
    known
        .filter(|known| known.fills_first && matches!(ready, Ready::Command(_)) && !listens_elsewhere(service))
        .map(|known| known.port)
}

/// Tells whether its command or its variables move it to another port than its image's usual one.
fn listens_elsewhere(service: &ComposeService) -> bool {
    let moves = |word: &String| word.contains("port") || word == "-p" || word == "-P";
    let command = service.command.as_ref().map(|command| command.value.argv()).unwrap_or_default();
    command.iter().any(moves) || service.env.iter().any(|variable| variable.name.ends_with("PORT"))
}

/// The address of a service in the variable that most programs ask for it by.
fn address(name: &str, image: &str, env: &BTreeMap<String, String>) -> Option<(String, String)> {
    let text = |key: &str| env.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let port = known(image)?.port;
    let url = match known(image)?.name {
        "postgres" | "postgis" | "pgvector" => {
            let user = text("POSTGRES_USER").unwrap_or("postgres");
            let password = text("POSTGRES_PASSWORD").map(|password| format!(":{}", encoded(password))).unwrap_or_default();
            let database = text("POSTGRES_DB").unwrap_or(user);
            ("DATABASE_URL", format!("postgresql://{}{password}@{name}:{port}/{database}", encoded(user)))
        }
        "mysql" | "mariadb" => {
            let of = |part: &str| text(&format!("MYSQL_{part}")).or_else(|| text(&format!("MARIADB_{part}")));
            let (user, password) = match of("USER") {
                Some(user) => (user, of("PASSWORD")),
                None => ("root", of("ROOT_PASSWORD")),
            };
            let password = password.map(|password| format!(":{}", encoded(password))).unwrap_or_default();
            ("DATABASE_URL", format!("mysql://{}{password}@{name}:{port}/{}", encoded(user), of("DATABASE").unwrap_or_default()))
        }
        "redis" | "valkey" => ("REDIS_URL", format!("redis://{name}:{port}/0")),
        _ => return None,
    };
    Some((url.0.to_owned(), url.1))
}

/// Names the services that wait for themselves.
fn circle(compose: &Compose) -> BTreeSet<&str> {
    fn reaches<'a>(compose: &'a Compose, from: &'a str, wanted: &str, seen: &mut BTreeSet<&'a str>) -> bool {
        let after = compose.service(from).map(|service| service.after.as_slice()).unwrap_or_default();
        after
            .iter()
            .any(|needed| needed.name == wanted || seen.insert(&needed.name) && reaches(compose, &needed.name, wanted, seen))
    }
    let names = compose.services.iter().map(|service| service.name.as_str());
    names.filter(|name| reaches(compose, name, name, &mut BTreeSet::new())).collect()
}
