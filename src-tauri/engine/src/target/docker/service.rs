//! Kept services: containers on volumes, made once, never replaced by a ship; and waiting until they are ready.
//!
//! Whether a port is open is asked from inside the service where its image has bash, else from a container of the proxy's image on
//! the environment's network: that works with any image, and is the way instances go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, HostConfig, RestartPolicy,
    RestartPolicyNameEnum,
};
use bollard::query_parameters::{CreateContainerOptions, StartContainerOptions, WaitContainerOptions};
use futures_util::StreamExt;

use super::DockerTarget;
use super::lock::label_of;
use super::recipe::{log_limits, unless_stopped};
use super::scope::{Role, label};
use crate::docker::service;
use crate::model::{Ready, ServiceMoment, ServiceSettings};
use crate::target::{Place, TargetError};

/// Time that one look may take.
const LOOK: Duration = Duration::from_secs(10);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(150);
/// Restarts after which a service is given up.
const RESTARTS: i64 = 3;
/// Lines that are shown of a service that did not get ready.
const TAIL: u32 = 20;
/// Bytes of shared memory: PostgreSQL's parallel queries need more than the engine's 64 MB.
const SHARED_MEMORY: i64 = 256 << 20;

/// Services by name, each with the image to run.
type Kept = BTreeMap<String, (ServiceSettings, String)>;

/// What looking at a service once found.
enum Look {
    Ready,
    NotYet,
    /// It cannot be told from inside; this is its address.
    Blind(String),
}

impl DockerTarget {
    /// Starts services that do not run, and waits until all are ready.
    pub(super) async fn ensure_services(&self, place: &Place, network: &str, services: &Kept) -> Result<(), TargetError> {
        let mut started = BTreeSet::new();
        while let Some((name, (settings, image))) = next(services, &started) {
            for (needed, moment) in &settings.container.after {
                if let (ServiceMoment::Ready, Some((needs, _))) = (moment, services.get(needed)) {
                    self.await_service(place, network, needed, needs).await?;
                }
            }
            self.ensure_service(place, network, name, settings, image).await?;
            started.insert(name.as_str());
        }
        let waits = services.iter().map(|(name, (settings, _))| self.await_service(place, network, name, settings));
        futures_util::future::try_join_all(waits).await.map(|_| ())
    }

    async fn ensure_service(
        &self,
        place: &Place,
        network: &str,
        service: &str,
        settings: &ServiceSettings,
        image: &str,
    ) -> Result<(), TargetError> {
        let refused = |reason: String| TargetError::ServiceNotReady { service: service.to_owned(), reason, tail: Vec::new() };
        if let Some(reason) = &settings.container.refused {
            return Err(refused(reason.clone()));
        }
        let name = self.options.scope.service(place, service);
        if let Some(container) = self.api.inspect(&name).await? {
            if label_of(&container, label::SCOPE).as_deref() != Some(self.options.scope.name()) {
                return Err(TargetError::Refused {
                    operation: format!("start service `{service}`"),
                    reason: format!("container {name} exists and was not made by Nonevent"),
                });
            }
            let state = container.state.unwrap_or_default();
            let done = settings.ready == Ready::Completed && has_ended_well(&state);
            if done || state.running.unwrap_or_default() || state.restarting.unwrap_or_default() {
                return Ok(());
            }
            match self.api.client.start_container(&name, None::<StartContainerOptions>).await {
                Ok(()) => return Ok(()),
                // Its network was pruned while it was stopped. Its data is on its volume.
                Err(error) => tracing::warn!(%name, %error, "a stopped service is made anew"),
            }
            self.api.remove(&name).await?;
        }
        self.ensure_image(image).await?;
        let body = self.service_body(place, network, service, settings, image).await?;
        if self.create_named(&name, body).await?
            && let Err(reason) = service::put_files(&self.api.client, &name, settings).await
        {
            self.api.remove(&name).await?;
            return Err(refused(reason));
        }
        let started = self.api.client.start_container(&name, None::<StartContainerOptions>).await;
        started.map_err(|error| self.api.error(format!("start {name}"), error))
    }

    async fn service_body(
        &self,
        place: &Place,
        network: &str,
        service: &str,
        settings: &ServiceSettings,
        image: &str,
    ) -> Result<ContainerCreateBody, TargetError> {
        let inspected = self.api.client.inspect_image(image).await;
        let inspected = inspected.map_err(|error| self.api.error(format!("inspect image {image}"), error))?;
        let images_own = || inspected.config.and_then(|config| config.volumes).unwrap_or_default();
        let mut folders = settings.data.clone().map_or_else(images_own, |folder| vec![folder]);
        folders.extend(settings.container.volumes.iter().cloned());
        folders.sort();
        folders.dedup();
        let mut binds = Vec::new();
        for (index, folder) in folders.iter().enumerate() {
            let mut volume = self.options.scope.service(place, service);
            if index > 0 {
                volume.push_str(&format!(".{index}"));
            }
            self.ensure_volume(&volume, place, Role::Service).await?;
            binds.push(format!("{volume}:{folder}"));
        }
        let mut labels = self.api.labels(Role::Service, Some(place));
        labels.insert(label::SERVICE.to_owned(), service.to_owned());
        let body = service::body(service, settings, image, network);
        let host = body.host_config.unwrap_or_default();
        let restart = match settings.ready {
            // Its end is what others wait for.
            Ready::Completed => RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None },
            _ => unless_stopped(),
        };
        Ok(ContainerCreateBody {
            labels: Some(labels),
            host_config: Some(HostConfig {
                binds: Some(binds),
                restart_policy: Some(restart),
                log_config: Some(log_limits()),
                shm_size: host.shm_size.or(Some(SHARED_MEMORY)),
                ..host
            }),
            ..body
        })
    }

    async fn await_service(
        &self,
        place: &Place,
        network: &str,
        service: &str,
        settings: &ServiceSettings,
    ) -> Result<(), TargetError> {
        // A health check may pass before the service listens, as PostgreSQL's does while init scripts run.
        let port = settings.container.port.map(Ready::Port);
        let mut wanted: VecDeque<&Ready> = std::iter::once(&settings.ready).chain(&port).collect();
        let name = self.options.scope.service(place, service);
        let began = Instant::now();
        let mut decline = Decline::default();
        while let Some(ready) = wanted.front().copied() {
            let container = self.api.inspect(&name).await?.ok_or_else(|| TargetError::ServiceNotReady {
                service: service.to_owned(),
                reason: "its container is gone".to_owned(),
                tail: Vec::new(),
            })?;
            if ready == &Ready::Completed && container.state.as_ref().is_some_and(has_ended_well) {
                return Ok(());
            }
            let mut reason = decline.look(&container);
            if reason.is_none() {
                // An engine may be long in answering about a container that ends in this moment.
                match tokio::time::timeout(LOOK, self.look(&name, &container, ready)).await.unwrap_or(Ok(Look::NotYet))? {
                    Look::Ready => wanted.pop_front(),
                    Look::Blind(address) if self.look_from_beside(place, network, &address, ready).await? => wanted.pop_front(),
                    Look::NotYet | Look::Blind(_) => None,
                };
                if began.elapsed() > settings.within {
                    reason = Some(format!("{} within {} s", wanting(ready), settings.within.as_secs()));
                }
            }
            if let Some(reason) = reason.filter(|_| !wanted.is_empty()) {
                let tail = self.last_lines(&name, TAIL).await?;
                return Err(TargetError::ServiceNotReady { service: service.to_owned(), reason, tail });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn look(&self, name: &str, container: &ContainerInspectResponse, ready: &Ready) -> Result<Look, TargetError> {
        let state = container.state.clone().unwrap_or_default();
        if !state.running.unwrap_or_default() || state.restarting.unwrap_or_default() {
            return Ok(Look::NotYet);
        }
        let seen = |yes| if yes { Look::Ready } else { Look::NotYet };
        match ready {
            Ready::Running => Ok(Look::Ready),
            Ready::Command(command) => {
                let printed = self.api.run_as(name, command.argv(), Vec::new(), None).await;
                // It ended between two looks: the next one says so.
                Ok(seen(printed.is_ok_and(|printed| printed.exit_code == 0)))
            }
            Ready::Log(text) => self.has_printed(name, state.started_at.as_deref(), text).await.map(seen),
            // It runs still.
            Ready::Completed => Ok(Look::NotYet),
            Ready::Port(port) | Ready::Http { port, .. } => {
                let networks = container.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
                let address = networks.and_then(|networks| networks.values().find_map(|network| network.ip_address.clone()));
                let Some(address) = address.filter(|address| !address.is_empty()) else { return Ok(Look::NotYet) };
                let command = asking(&address, *port, ready, ASK);
                Ok(match self.api.run_as(name, command, Vec::new(), None).await {
                    Ok(printed) if printed.exit_code == 0 => Look::Ready,
                    Ok(printed) if printed.exit_code == 1 && printed.errors.contains("refused") => Look::NotYet,
                    Ok(printed) if printed.exit_code == ANSWERED_OTHERWISE => Look::NotYet,
                    Err(error @ TargetError::Unreachable { .. }) => return Err(error),
                    _ => Look::Blind(address),
                })
            }
        }
    }

    /// Asks from a container of the proxy's image whether the port is open, for a few seconds. By address: a name that is not there
    /// (yet) would be asked of servers far away.
    async fn look_from_beside(&self, place: &Place, network: &str, address: &str, ready: &Ready) -> Result<bool, TargetError> {
        let (Ready::Port(port) | Ready::Http { port, .. }) = ready else { return Ok(false) };
        let again = format!("while ((SECONDS < 3)); do if ({ASK}) 2>/dev/null; then exit 0; fi; sleep 0.1; done; exit 1");
        let body = ContainerCreateBody {
            image: Some(self.options.proxy_image.clone()),
            entrypoint: Some(asking(address, *port, ready, &again)),
            labels: Some(self.api.labels(Role::Hand, Some(place))),
            host_config: Some(HostConfig {
                network_mode: Some(network.to_owned()),
                restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let created = self.api.client.create_container(None::<CreateContainerOptions>, body).await;
        let hand = created.map_err(|error| self.creation_error("a container that asks for a port", error))?.id;
        let started = self.api.client.start_container(&hand, None::<StartContainerOptions>).await;
        let mut waiting = Box::pin(self.api.client.wait_container(&hand, None::<WaitContainerOptions>));
        if started.is_ok() {
            while waiting.next().await.is_some() {}
        }
        let ended = self.api.inspect(&hand).await?.and_then(|container| container.state);
        self.api.remove(&hand).await?;
        started.map_err(|error| self.api.error("start a container that asks for a port", error))?;
        Ok(ended.and_then(|state| state.exit_code) == Some(0))
    }
}

/// Returns a service that is not started and waits for none that is not; they wait for each other in no circle.
fn next<'a>(services: &'a Kept, started: &BTreeSet<&str>) -> Option<(&'a String, &'a (ServiceSettings, String))> {
    services.iter().filter(|(name, _)| !started.contains(name.as_str())).find(|(_, (settings, _))| {
        settings.container.after.keys().all(|needed| started.contains(needed.as_str()) || !services.contains_key(needed))
    })
}

fn has_ended_well(state: &ContainerState) -> bool {
    state.status == Some(ContainerStateStatusEnum::EXITED) && state.exit_code == Some(0)
}

/// Connects, and asks for a path if there is one: address, port, path.
const ASK: &str = "exec 3<>/dev/tcp/$1/$2 || exit 1; [ -n \"$3\" ] || exit 0; \
printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' \"$3\" \"$1\" >&3; read -r -t 5 line <&3; \
case \"$line\" in HTTP/*' '2??*) exit 0;; esac; exit 7";

/// The exit code for an answer that is not 2xx.
const ANSWERED_OTHERWISE: i64 = 7;

/// Returns the command line that asks by a script.
fn asking(address: &str, port: u16, ready: &Ready, script: &str) -> Vec<String> {
    let path = if let Ready::Http { path, .. } = ready { path.as_str() } else { "" };
    ["bash", "-c", script, "nonevent", address, &port.to_string(), path].map(str::to_owned).to_vec()
}

/// What several looks at a service tell about its end.
#[derive(Default)]
struct Decline {
    /// Restarts at the first look: a service that has run for a year may have been restarted before, and only what happens now counts.
    first: Option<i64>,
    exit_code: Option<i64>,
}

impl Decline {
    /// Says why a service will not get ready, if it keeps ending.
    fn look(&mut self, container: &ContainerInspectResponse) -> Option<String> {
        let state = container.state.clone().unwrap_or_default();
        let restarting = state.restarting.unwrap_or_default();
        let running = state.running.unwrap_or_default() && !restarting;
        if !running {
            self.exit_code = state.exit_code;
        }
        let restarts = container.restart_count.unwrap_or_default();
        let lately = restarts - *self.first.get_or_insert(restarts);
        if state.oom_killed.unwrap_or_default() {
            return Some("the kernel ended it for want of memory".to_owned());
        }
        // The code is known only between two runs; as a rule a look meets such a moment, since the engine waits longer each time.
        match self.exit_code {
            Some(code) => (lately >= RESTARTS || !(running || restarting)).then(|| format!("it ended with exit code {code}")),
            None => (lately >= 2 * RESTARTS).then(|| format!("it ended {lately} times")),
        }
    }
}

fn wanting(ready: &Ready) -> String {
    match ready {
        Ready::Port(port) => format!("port {port} did not open"),
        Ready::Http { port, path } => format!("`GET {path}` on port {port} did not answer 2xx"),
        Ready::Completed => "it did not end with 0".to_owned(),
        Ready::Command(command) => format!("`{}` did not succeed", command.argv().join(" ")),
        Ready::Log(text) => format!("it did not print `{text}`"),
        Ready::Running => "it did not run".to_owned(),
    }
}
