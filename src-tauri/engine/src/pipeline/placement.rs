//! What an environment adds to a release: replicas, variables, secrets, services.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::EngineError;
use crate::model::{EnvironmentName, EnvironmentSettings, Placement, ProcessKind, ProcessName, ProjectSettings, Release};
use crate::target::Secret;

/// The prefix of the variables that give secrets to a run without a keychain, as in CI.
const SECRET_VARIABLE: &str = "NONEVENT_SECRET_";

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

/// Composes what an environment adds to a release.
///
/// # Errors
/// When a secret has no value.
pub fn compose(
    settings: &ProjectSettings,
    name: &EnvironmentName,
    environment: &EnvironmentSettings,
    release: &Release,
    hash_key: &[u8; 64],
) -> Result<Composed, EngineError> {
    let provided = provided(settings, environment);
    let secrets = secret_values(name.as_str(), &environment.secrets)?;
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
    Ok(Composed { placement, env, secrets })
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

/// Finds the values of secrets.
///
/// # Errors
/// When one has no value.
pub fn secret_values<'a>(
    whose: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<BTreeMap<String, Secret>, EngineError> {
    let mut found = BTreeMap::new();
    let mut missing = Vec::new();
    for secret in names {
        match std::env::var(format!("{SECRET_VARIABLE}{secret}")) {
            Ok(value) => {
                found.insert(secret.clone(), Secret::new(value));
            }
            Err(_) => missing.push(secret.as_str()),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let first = missing.first().copied().unwrap_or_default();
    Err(EngineError::user(
        "secret_missing",
        format!(
            "{whose} needs the {} {}, which {} no value",
            plural(&missing),
            missing.join(", "),
            if missing.len() == 1 { "has" } else { "have" }
        ),
    )
    .with_hint(format!("give each as a variable of this process, such as {SECRET_VARIABLE}{first}")))
}

fn plural(missing: &[&str]) -> &'static str {
    if missing.len() == 1 { "secret" } else { "secrets" }
}

/// HMAC-SHA256 (RFC 2104) of a value, in hex: equal values are known as equal without being known.
pub(super) fn keyed_hash(key: &[u8; 64], value: &Secret) -> String {
    let mut mac = Hmac::<Sha256>::new(key.into());
    mac.update(value.reveal().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
