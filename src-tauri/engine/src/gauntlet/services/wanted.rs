//! Which services are needed. Pure.

use std::collections::BTreeMap;

use crate::model::{GateSettings, ServiceSettings};

/// Returns the services that gates ask for, and those that they wait for.
pub fn wanted_services(
    gates: &[GateSettings],
    services: &BTreeMap<String, ServiceSettings>,
) -> BTreeMap<String, ServiceSettings> {
    ServiceSettings::with_needed(gates.iter().filter(|gate| gate.run.is_some()).flat_map(|gate| &gate.services), services)
}
