//! How containers of an app are made: limits, hardening, mounts. Pure.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig, NetworkingConfig, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::scope::{Scope, label};
use crate::model::SecretDelivery;
use crate::target::{InstanceSpec, Place, RootFileSystem};

/// The folder inside an instance where secrets are files.
pub(super) const SECRETS: &str = "/run/secrets";

/// Bytes of `/tmp` of an instance whose root is read-only; they count as its memory.
const TMP: &str = "rw,exec,nosuid,nodev,mode=1777,size=128m";

/// Restarts with the engine, but not after it was stopped on purpose.
pub(super) fn unless_stopped() -> RestartPolicy {
    RestartPolicy { name: Some(RestartPolicyNameEnum::UNLESS_STOPPED), maximum_retry_count: None }
}

/// At most 30 MB of output are kept by the engine.
pub(super) fn log_limits() -> HostConfigLogConfig {
    let limits = [("max-size", "10m"), ("max-file", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(HashMap::from(limits)) }
}

/// Where a container of an app is placed.
#[derive(Debug, Clone)]
pub(super) struct Seat<'a> {
    pub scope: &'a Scope,
    pub place: &'a Place,
    pub labels: HashMap<String, String>,
    /// Its first network.
    pub network: String,
    /// Its fixed address there.
    pub address: Option<Ipv4Addr>,
    /// The volume that holds its secrets.
    pub secrets: Option<String>,
    pub restart: RestartPolicy,
    /// Whether the engine's own init is its first process.
    pub init: Init,
}

/// Whether the engine's own init reaps children and forwards signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Init {
    Engine,
    /// The engine has none.
    Missing,
}

/// Says how a container of an app is made.
pub(super) fn container(spec: &InstanceSpec, seat: Seat<'_>) -> ContainerCreateBody {
    let mut env: Vec<String> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if spec.secret_delivery == SecretDelivery::Env {
        env.extend(spec.secrets.iter().map(|(name, value)| format!("{name}={}", value.reveal())));
    }
    let mut binds: Vec<String> =
        spec.volumes.iter().map(|mount| format!("{}:{}", seat.scope.volume(seat.place, &mount.name), mount.path)).collect();
    binds.extend(seat.secrets.map(|volume| format!("{volume}:{SECRETS}:ro")));
    let mut labels = seat.labels;
    for (name, value) in [
        (label::PROCESS, spec.process.to_string()),
        (label::RELEASE, spec.release.to_string()),
        (label::ROLLOUT, spec.rollout.to_string()),
    ] {
        labels.insert(name.to_owned(), value);
    }
    if let Some(port) = spec.port {
        labels.insert(label::PORT.to_owned(), port.to_string());
    }
    if let Some(address) = seat.address {
        labels.insert(label::ADDRESS.to_owned(), address.to_string());
    }
    let read_only = spec.root == RootFileSystem::ReadOnly;
    let argv = spec.command.argv();
    let endpoint = EndpointSettings {
        ipam_config: seat
            .address
            .map(|address| EndpointIpamConfig { ipv4_address: Some(address.to_string()), ..EndpointIpamConfig::default() }),
        ..EndpointSettings::default()
    };
    ContainerCreateBody {
        image: Some(spec.image.to_string()),
        // Without a command of its own it runs what its image says.
        cmd: (!argv.is_empty()).then_some(argv),
        env: Some(env),
        labels: Some(labels),
        stop_signal: Some("SIGTERM".to_owned()),
        stop_timeout: Some(i64::try_from(spec.stop_grace.as_secs()).unwrap_or(i64::MAX)),
        host_config: Some(HostConfig {
            binds: Some(binds),
            network_mode: Some(seat.network.clone()),
            restart_policy: Some(seat.restart),
            log_config: Some(log_limits()),
            init: Some(seat.init == Init::Engine),
            memory: Some(i64::try_from(spec.resources.memory).unwrap_or(i64::MAX)),
            // As much swap as none: a limit that is passed ends the process instead of making the machine slow.
            memory_swap: Some(i64::try_from(spec.resources.memory).unwrap_or(i64::MAX)),
            nano_cpus: Some(nano(spec.resources.cpus)),
            pids_limit: Some(spec.resources.pids),
            readonly_rootfs: Some(read_only),
            tmpfs: read_only.then(|| HashMap::from([("/tmp".to_owned(), TMP.to_owned())])),
            cap_drop: read_only.then(|| vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            ..HostConfig::default()
        }),
        networking_config: Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(seat.network, endpoint)])) }),
        ..ContainerCreateBody::default()
    }
}

/// Returns cores in the engine's unit, billionths of one.
#[allow(clippy::cast_possible_truncation)] // A number of cores is far below 2^53 billionths; `as` saturates.
fn nano(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}

/// Reads an image's `USER` when it is numeric or empty: user and group.
pub(super) fn numeric_user(user: &str) -> Option<(u64, Option<u64>)> {
    if user.is_empty() {
        return Some((0, Some(0)));
    }
    let (user, group) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
    let user = user.parse().ok()?;
    match group {
        Some(group) => Some((user, Some(group.parse().ok()?))),
        None => Some((user, None)),
    }
}

/// Looks a user up in the text of `/etc/passwd` (passwd(5)) by name or number: user and group.
pub(super) fn look_up(passwd: &str, user: &str) -> Option<(u64, u64)> {
    let name = user.split(':').next()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let entry = fields.next()?;
        let uid = fields.nth(1)?;
        let gid = fields.next()?;
        (entry == name || uid == name).then(|| Some((uid.parse().ok()?, gid.parse().ok()?)))?
    })
}

#[cfg(test)]
#[path = "recipe_tests.rs"]
mod tests;
