//! What is known of an image by its name: the port that it listens on, the folder that it keeps its data in.

/// What is known of an image.
pub(super) struct Known {
    pub name: &'static str,
    pub port: u16,
    data: Option<&'static str>,
    /// Whether its first start runs a server that answers on a socket only, while scripts fill it.
    pub fills_first: bool,
}

const KNOWN: [Known; 11] = [
    Known { name: "postgres", port: 5432, data: Some("/var/lib/postgresql/data"), fills_first: true },
    Known { name: "postgis", port: 5432, data: Some("/var/lib/postgresql/data"), fills_first: true },
    Known { name: "pgvector", port: 5432, data: Some("/var/lib/postgresql/data"), fills_first: true },
    Known { name: "redis", port: 6379, data: Some("/data"), fills_first: false },
    Known { name: "valkey", port: 6379, data: Some("/data"), fills_first: false },
    Known { name: "mysql", port: 3306, data: Some("/var/lib/mysql"), fills_first: true },
    Known { name: "mariadb", port: 3306, data: Some("/var/lib/mysql"), fills_first: true },
    Known { name: "mongo", port: 27017, data: Some("/data/db"), fills_first: false },
    Known { name: "rabbitmq", port: 5672, data: Some("/var/lib/rabbitmq"), fills_first: false },
    Known { name: "memcached", port: 11211, data: None, fills_first: false },
    Known { name: "nats", port: 4222, data: None, fills_first: false },
];

/// From this version on, PostgreSQL's image keeps a folder for each major version under one volume.
const POSTGRES_WITH_VERSIONED_FOLDERS: u32 = 18;

/// Recognises an image by the last part of its name.
pub(super) fn known(image: &str) -> Option<&'static Known> {
    let name = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    KNOWN.iter().find(|known| known.name == name)
}

/// Returns the folder that an image keeps its data in.
pub(super) fn data(known: &Known, image: &str) -> Option<String> {
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
