//! What an environment adds to a release: replicas, variables, secrets, services.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::{EnvironmentName, EnvironmentSettings, Placement, ProcessKind, ProcessName, ProjectSettings, Release};
use crate::target::Secret;

/// A placement, and the values behind it.
#[derive(Debug, Clone)]
pub struct Composed {
    /// What is recorded.
    pub placement: Placement,
    /// Variables of every instance.
    pub env: BTreeMap<String, String>,
    /// Secrets of every instance.
    pub secrets: BTreeMap<String, Secret>,
}

/// Composes what an environment adds to a release, with the values of its secrets.
pub fn compose(
    settings: &ProjectSettings,
    name: &EnvironmentName,
    environment: &EnvironmentSettings,
    release: &Release,
    hash_key: &[u8; 64],
    secrets: BTreeMap<String, Secret>,
) -> Composed {
    let provided = provided(settings, environment);
    let placement = Placement {
        environment: name.clone(),
        domain: environment.domain.clone(),
        https: environment.https.clone(),
        replicas: release
            .app
            .processes
            .iter()
            .map(|process| (process.name.clone(), replicas(environment, &process.name, process.kind)))
            .collect(),
        env: provided.iter().chain(&environment.env).map(|(key, value)| (key.clone(), value.clone())).collect(),
        secrets: secrets.iter().map(|(key, value)| (key.clone(), keyed_hash(hash_key, value))).collect(),
        secret_delivery: environment.secret_delivery,
        services: environment.services.clone(),
        resources: environment.resources,
    };
    let env = provided
        .iter()
        .chain(&release.app.env)
        .chain(&environment.env)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Composed { placement, env, secrets }
}

fn provided(settings: &ProjectSettings, environment: &EnvironmentSettings) -> BTreeMap<String, String> {
    environment
        .services
        .iter()
        .filter_map(|name| settings.services.get(name))
        .flat_map(|service| service.provides.clone())
        .collect()
}

/// How many instances of a process an environment has.
pub fn replicas(environment: &EnvironmentSettings, process: &ProcessName, kind: ProcessKind) -> u16 {
    let own = environment.processes.get(process).and_then(|placement| placement.replicas);
    own.unwrap_or(match kind {
        ProcessKind::Web { .. } => environment.replicas,
        ProcessKind::Worker => 1,
    })
}

/// HMAC-SHA256 (RFC 2104) of a value, in hex: equal values are known as equal without being known.
pub(crate) fn keyed_hash(key: &[u8; 64], value: &Secret) -> String {
    let mut mac = Hmac::<Sha256>::new(key.into());
    mac.update(value.reveal().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
