//! `[services.*]`.

use std::collections::BTreeMap;

use super::Inputs;
use crate::model::{Ready, ServiceSettings};
use crate::project::config::ServiceSection;
use crate::project::explain::{Effective, Explained, Shown};

/// What is known of an image by its name: the port that it listens on, and the folder that it keeps its data in.
struct Known {
    name: &'static str,
    port: u16,
    data: Option<&'static str>,
}

const KNOWN: [Known; 11] = [
    Known { name: "postgres", port: 5432, data: Some("/var/lib/postgresql/data") },
    Known { name: "postgis", port: 5432, data: Some("/var/lib/postgresql/data") },
    Known { name: "pgvector", port: 5432, data: Some("/var/lib/postgresql/data") },
    Known { name: "redis", port: 6379, data: Some("/data") },
    Known { name: "valkey", port: 6379, data: Some("/data") },
    Known { name: "mysql", port: 3306, data: Some("/var/lib/mysql") },
    Known { name: "mariadb", port: 3306, data: Some("/var/lib/mysql") },
    Known { name: "mongo", port: 27017, data: Some("/data/db") },
    Known { name: "rabbitmq", port: 5672, data: Some("/var/lib/rabbitmq") },
    Known { name: "memcached", port: 11211, data: None },
    Known { name: "nats", port: 4222, data: None },
];

/// From this version on, PostgreSQL's image keeps a folder for each major version under one volume.
const POSTGRES_WITH_VERSIONED_FOLDERS: u32 = 18;

pub(super) fn resolve(inputs: &Inputs<'_>) -> (BTreeMap<String, ServiceSettings>, Explained) {
    let mut explained = Explained::default();
    let services =
        inputs.configuration.services.iter().map(|(name, section)| (name.clone(), service(name, section, &mut explained)));
    (services.collect(), explained)
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
    let shown = match &ready.value {
        Ready::Port(port) => Some(format!("{{ port = {port} }}")),
        Ready::Command(command) => Some(format!("{{ command = {} }}", command.shown())),
        Ready::Log(text) => Some(format!("{{ log = {} }}", text.shown())),
        Ready::Running => None,
    };
    if let Some(shown) = shown {
        explained.note(&key("ready"), shown, ready.origin);
    }
    explained.table(&key("provides"), &section.provides);
    let data = match (&section.data, known.and_then(|known| data(known, &image))) {
        (Some(data), _) => Some(Effective::at(data.value.clone(), &data.at)),
        (None, Some(folder)) => Some(Effective::inferred(folder, because)),
        (None, None) => None,
    };
    let data = data.map(|data| explained.take(&key("data"), data));
    let table = |entries: &[(String, crate::project::Located<String>)]| {
        entries.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect()
    };
    ServiceSettings { image, command, env: table(&section.env), ready: ready.value, provides: table(&section.provides), data }
}

fn known(image: &str) -> Option<&'static Known> {
    let name = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    KNOWN.iter().find(|known| known.name == name)
}

fn data(known: &Known, image: &str) -> Option<String> {
    let tag = image.split('@').next().unwrap_or_default().rsplit(':').next().unwrap_or_default();
    let number: String = tag.trim_start_matches("pg").chars().take_while(char::is_ascii_digit).collect();
    let folder = match (known.data?, number.parse::<u32>()) {
        ("/var/lib/postgresql/data", Ok(version)) if version >= POSTGRES_WITH_VERSIONED_FOLDERS => "/var/lib/postgresql",
        (folder, _) => folder,
    };
    Some(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_names() {
        for (image, port, folder) in [
            ("postgres:17", Some(5432), Some("/var/lib/postgresql/data")),
            ("postgres:18-alpine", Some(5432), Some("/var/lib/postgresql")),
            ("pgvector/pgvector:pg18", Some(5432), Some("/var/lib/postgresql")),
            ("registry:5000/library/redis@sha256:aa", Some(6379), Some("/data")),
            ("memcached", Some(11211), None),
            ("example/own", None, None),
        ] {
            let found = known(image);
            assert_eq!(found.map(|known| known.port), port, "{image}");
            assert_eq!(found.and_then(|known| data(known, image)).as_deref(), folder, "{image}");
        }
    }
}
