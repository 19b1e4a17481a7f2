//! Which services the gates of a run need. Pure.

use std::collections::BTreeMap;

use crate::model::{GateSettings, ServiceSettings};

/// Returns the services that gates ask for, and those that they wait for.
pub fn wanted_services(
    gates: &[GateSettings],
    services: &BTreeMap<String, ServiceSettings>,
) -> BTreeMap<String, ServiceSettings> {
    let mut names: Vec<&String> = gates.iter().filter(|gate| gate.run.is_some()).flat_map(|gate| &gate.services).collect();
    let mut wanted = BTreeMap::new();
    while let Some(name) = names.pop() {
        let Some(service) = services.get(name) else { continue };
        if wanted.insert(name.clone(), service.clone()).is_none() {
            names.extend(service.container.after.keys());
        }
    }
    wanted
}
