//! What a gate with the engine's socket left on the engine: what bears the run's label is removed, the rest is listed with the command
//! that removes it.
//!
//! The engine does not tell who made what: listed is what appeared while such a gate ran and bears no label of ours.

use std::collections::{BTreeMap, HashMap};

use bollard::errors::Error as ApiError;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptions, ListVolumesOptions};

use crate::docker::Docker;

/// The label that everything of ours bears.
const OURS: &str = "dev.nonevent.project";

/// Things of the engine by the command that removes them; each with what it is called.
pub(super) type Things = BTreeMap<Thing, String>;

/// One thing of the engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// A container, by its id.
    Container(String),
    /// A network, by its id.
    Network(String),
    /// A volume, by its name.
    Volume(String),
}

/// Lists what is there and not ours.
///
/// # Errors
/// What the engine says.
pub(super) async fn look(docker: &Docker) -> Result<Things, ApiError> {
    let theirs =
        |labels: &HashMap<String, String>| !labels.contains_key(OURS) && !labels.contains_key(super::leftovers::RUN_LABEL);
    let mut things = Things::new();
    let listing = ListContainersOptionsBuilder::default().all(true).build();
    for container in docker.client.list_containers(Some(listing)).await? {
        if theirs(&container.labels.unwrap_or_default()) {
            let id = container.id.unwrap_or_default();
            let name = container.names.into_iter().flatten().next().map(|name| name.trim_start_matches('/').to_owned());
            things.insert(Thing::Container(id.clone()), name.unwrap_or(id));
        }
    }
    for network in docker.client.list_networks(None::<ListNetworksOptions>).await? {
        if theirs(&network.labels.unwrap_or_default()) {
            let id = network.id.unwrap_or_default();
            things.insert(Thing::Network(id.clone()), network.name.unwrap_or(id));
        }
    }
    for volume in docker.client.list_volumes(None::<ListVolumesOptions>).await?.volumes.unwrap_or_default() {
        if theirs(&volume.labels) {
            things.insert(Thing::Volume(volume.name.clone()), volume.name);
        }
    }
    Ok(things)
}

/// Returns what came between two looks, each in words with the command that removes it.
pub(super) fn new_ones(before: &Things, after: Things) -> Vec<(String, String)> {
    let new = after.into_iter().filter(|(thing, _)| !before.contains_key(thing));
    new.map(|(thing, name)| match thing {
        Thing::Container(_) => (format!("container `{name}`"), format!("docker rm --force --volumes {name}")),
        Thing::Network(_) => (format!("network `{name}`"), format!("docker network rm {name}")),
        Thing::Volume(_) => (format!("volume `{name}`"), format!("docker volume rm {name}")),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_in_between_is_told() {
        let before = Things::from([(Thing::Container("1".into()), "old".into())]);
        let after = Things::from([
            (Thing::Container("1".into()), "old".into()),
            (Thing::Container("2".into()), "new".into()),
            (Thing::Volume("data".into()), "data".into()),
            (Thing::Network("n".into()), "net".into()),
        ]);
        let told: Vec<String> =
            new_ones(&before, after).into_iter().map(|(what, command)| format!("{what}: {command}")).collect();
        assert_eq!(
            told,
            [
                "container `new`: docker rm --force --volumes new",
                "network `net`: docker network rm net",
                "volume `data`: docker volume rm data"
            ]
        );
    }
}
