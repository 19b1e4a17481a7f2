//! Instances: made, started, shown, stopped, removed. Never changed.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary, EndpointSettings,
    NetworkConnectRequest, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, StartContainerOptions, StopContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt;

use super::DockerTarget;
use super::api::{is_missing, said};
use super::lock::label_of;
use super::network::Shared;
use super::recipe::{self, Init, Seat, unless_stopped};
use super::scope::{Role, label};
use crate::model::{Instance, InstanceId, InstanceState, SecretDelivery};
use crate::target::{Fence, InstanceSpec, LineSink, OnceExit, Place, TargetError};

/// How a start ended.
enum Started {
    Yes,
    /// Another container has the address.
    AddressTaken,
    /// The engine has no init.
    InitMissing,
}

/// How a container that runs once is called, and what it bears.
pub(super) struct OnceSeat {
    pub name: String,
    pub role: Role,
    pub labels: HashMap<String, String>,
}

/// Lines that are read of an instance before it is removed.
const LAST_LINES: u32 = 1000;

impl DockerTarget {
    pub(super) async fn start_instance(&self, place: &Place, spec: &InstanceSpec) -> Result<Instance, TargetError> {
        let shared = self.shared_network().await?.ok_or_else(|| TargetError::Refused {
            operation: format!("start {}", spec.process),
            reason: "the environment is not prepared".to_owned(),
        })?;
        let mut refused = BTreeSet::new();
        let mut init = Init::Engine;
        loop {
            let (id, name, address) = self.create_instance(place, spec, &shared, &refused, init).await?;
            let started = match self.furnish(place, spec, &id, &name).await {
                Ok(()) => self.start_container(&id, &name).await,
                Err(error) => Err(error),
            };
            match started {
                Ok(Started::Yes) => {
                    let container = self.api.inspect(&id).await?;
                    return container.as_ref().and_then(instance).ok_or_else(|| TargetError::Refused {
                        operation: format!("start {name}"),
                        reason: "it is gone again".to_owned(),
                    });
                }
                Ok(Started::AddressTaken) if refused.len() < 20 => {
                    refused.insert(address);
                }
                Ok(Started::InitMissing) if init == Init::Engine => init = Init::Missing,
                Ok(_) => {
                    self.discard(&id, &name).await?;
                    return Err(TargetError::Refused {
                        operation: format!("start {name}"),
                        reason: "no address of the network was free".to_owned(),
                    });
                }
                Err(error) => {
                    self.discard(&id, &name).await?;
                    return Err(error);
                }
            }
            self.discard(&id, &name).await?;
        }
    }

    pub(super) async fn run_to_end(&self, place: &Place, spec: &InstanceSpec, lines: &LineSink) -> Result<OnceExit, TargetError> {
        self.remove_leftovers(place).await?;
        let name = instance_name(place, &format!("{}-once", spec.process));
        let id = self.start_once(place, spec, OnceSeat { name: name.clone(), role: Role::Once, labels: HashMap::new() }).await?;
        let followed = self.follow_to_end(&id, &name, lines).await;
        let mut waiting = Box::pin(self.api.client.wait_container(&id, None::<WaitContainerOptions>));
        while waiting.next().await.is_some() {}
        let ended = self.api.inspect(&id).await?.and_then(|container| container.state);
        self.discard(&id, &name).await?;
        followed?;
        let state = ended.unwrap_or_default();
        Ok(OnceExit { exit_code: state.exit_code.unwrap_or(-1), oom: state.oom_killed.unwrap_or_default() })
    }

    /// Starts a container that runs once, on the environment's network; one that does not start leaves nothing.
    pub(super) async fn start_once(&self, place: &Place, spec: &InstanceSpec, seat: OnceSeat) -> Result<String, TargetError> {
        let OnceSeat { name, role, labels: more } = seat;
        let mut init = Init::Engine;
        loop {
            let mut labels = self.api.labels(role, Some(place));
            labels.insert(label::INSTANCE.to_owned(), name.clone());
            labels.extend(more.clone());
            let once = RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None };
            let seat = Seat {
                scope: &self.options.scope,
                place,
                labels,
                network: self.options.scope.network(place),
                address: None,
                secrets: (spec.secret_delivery == SecretDelivery::File).then(|| secrets_volume(&name)),
                restart: once,
                init,
            };
            let id = self.create(&name, place, spec, recipe::container(spec, seat)).await?;
            let started = match self.furnish_volumes(place, spec, &id, &name).await {
                Ok(()) => self.start_container(&id, &name).await,
                Err(error) => Err(error),
            };
            let failed = match started {
                Ok(Started::Yes) => return Ok(id),
                Ok(Started::InitMissing) if init == Init::Engine => None,
                Ok(_) => {
                    Some(TargetError::Refused { operation: format!("start {name}"), reason: "it has no network".to_owned() })
                }
                Err(error) => Some(error),
            };
            self.discard(&id, &name).await?;
            match failed {
                Some(error) => return Err(error),
                None => init = Init::Missing,
            }
        }
    }

    pub(super) async fn retire_instance(
        &self,
        fence: &Fence,
        instance: &InstanceId,
        lines: &LineSink,
    ) -> Result<(), TargetError> {
        let Some(container) = self.own_instance(&fence.place, instance).await? else {
            return self.forget_instance(fence, instance).await;
        };
        self.forget_instance(fence, instance).await?;
        let name = container_name(&container);
        self.stop(instance.as_str(), &name).await?;
        self.read_last_lines(instance.as_str(), &name, LAST_LINES, lines).await?;
        if let Some(lost) = self.keep_output(&fence.place, &container).await {
            let _ = lines.send(lost).await;
        }
        self.discard(instance.as_str(), &name).await
    }

    /// Stops a container by its own signal and grace time; one that is stopped or gone is no error.
    pub(super) async fn stop(&self, id: &str, name: &str) -> Result<(), TargetError> {
        const TURNS: u32 = 30;
        let mut turn = 0;
        loop {
            turn += 1;
            match self.api.client.stop_container(id, None::<StopContainerOptions>).await {
                Ok(()) => return Ok(()),
                Err(error) if is_missing(&error) => return Ok(()),
                // Its grace time is longer than the client waits for an answer; the engine goes on stopping it.
                Err(bollard::errors::Error::RequestTimeoutError) if turn < TURNS => {}
                Err(error) => return Err(self.api.error(format!("stop {name}"), error)),
            }
        }
    }

    /// Removes a container and what was made for it alone.
    pub(super) async fn discard(&self, id: &str, name: &str) -> Result<(), TargetError> {
        self.api.remove(id).await?;
        for volume in self.volumes(vec![format!("{}={name}", label::INSTANCE)]).await? {
            self.remove_volume(&volume.name).await?;
        }
        Ok(())
    }

    /// Removes what nobody waits for any more: one-off containers, with their grace time, and those that carried files.
    pub(super) async fn remove_leftovers(&self, place: &Place) -> Result<(), TargetError> {
        for container in self.place_containers(place).await? {
            let labels = container.labels.unwrap_or_default();
            let role = labels.get(label::ROLE).map(String::as_str);
            if role == Some(Role::Once.word()) || role == Some(Role::Hand.word()) {
                let (id, name) = (container.id.unwrap_or_default(), labels.get(label::INSTANCE).cloned().unwrap_or_default());
                self.stop(&id, &name).await?;
                self.discard(&id, &name).await?;
            }
        }
        Ok(())
    }

    /// Lists every container of an environment.
    pub(super) async fn place_containers(&self, place: &Place) -> Result<Vec<ContainerSummary>, TargetError> {
        let labels =
            vec![format!("{}={}", label::PROJECT, place.project), format!("{}={}", label::ENVIRONMENT, place.environment)];
        self.api.containers(labels).await
    }

    /// Inspects an instance, if it is one of this environment.
    pub(super) async fn own_instance(
        &self,
        place: &Place,
        id: &InstanceId,
    ) -> Result<Option<ContainerInspectResponse>, TargetError> {
        let Some(container) = self.api.inspect(id.as_str()).await? else { return Ok(None) };
        let bears = |name, value: &str| label_of(&container, name).as_deref() == Some(value);
        let ours = bears(label::SCOPE, self.options.scope.name())
            && bears(label::PROJECT, place.project.as_str())
            && bears(label::ENVIRONMENT, place.environment.as_str())
            && instance(&container).is_some();
        if ours {
            return Ok(Some(container));
        }
        Err(TargetError::Refused { operation: format!("touch container {id}"), reason: format!("it is no instance of {place}") })
    }

    async fn create_instance(
        &self,
        place: &Place,
        spec: &InstanceSpec,
        shared: &Shared,
        refused: &BTreeSet<Ipv4Addr>,
        init: Init,
    ) -> Result<(String, String, Ipv4Addr), TargetError> {
        let name = instance_name(place, spec.process.as_str());
        let role = if spec.port.is_some() { Role::Web } else { Role::Worker };
        let mut labels = self.api.labels(role, Some(place));
        labels.insert(label::INSTANCE.to_owned(), name.clone());
        let secrets: Vec<&str> = spec.secrets.keys().map(String::as_str).collect();
        labels.insert(label::SECRETS.to_owned(), secrets.join(" "));
        let choosing = self.addresses.lock().await;
        let address = self.free_address(shared, refused).await?;
        let seat = Seat {
            scope: &self.options.scope,
            place,
            labels,
            network: shared.name.clone(),
            address: Some(address),
            secrets: (spec.secret_delivery == SecretDelivery::File).then(|| secrets_volume(&name)),
            restart: unless_stopped(),
            init,
        };
        let id = self.create(&name, place, spec, recipe::container(spec, seat)).await?;
        drop(choosing);
        Ok((id, name, address))
    }

    /// Creates a container after its volumes: those that an engine makes by itself bear no labels.
    async fn create(
        &self,
        name: &str,
        place: &Place,
        spec: &InstanceSpec,
        body: ContainerCreateBody,
    ) -> Result<String, TargetError> {
        for mount in &spec.volumes {
            self.ensure_volume(&self.options.scope.volume(place, &mount.name), place, Role::Volume).await?;
        }
        if spec.secret_delivery == SecretDelivery::File {
            self.ensure_secrets_volume(&secrets_volume(name), place, name).await?;
        }
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        match self.api.client.create_container(Some(options), body).await {
            Ok(created) => Ok(created.id),
            Err(error) => {
                self.remove_volume(&secrets_volume(name)).await?;
                Err(self.creation_error(name, error))
            }
        }
    }

    /// Gives a created instance everything that it needs before it starts.
    async fn furnish(&self, place: &Place, spec: &InstanceSpec, id: &str, name: &str) -> Result<(), TargetError> {
        let network = self.options.scope.network(place);
        let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(EndpointSettings::default()) };
        let connected = self.api.client.connect_network(&network, request).await;
        connected.map_err(|error| self.api.error(format!("connect {name} to {network}"), error))?;
        self.furnish_volumes(place, spec, id, name).await
    }

    async fn furnish_volumes(&self, place: &Place, spec: &InstanceSpec, id: &str, name: &str) -> Result<(), TargetError> {
        let files = spec.secret_delivery == SecretDelivery::File;
        if spec.volumes.is_empty() && !files {
            return Ok(());
        }
        let owner = self.image_user(spec.image.as_str(), id).await?;
        for mount in &spec.volumes {
            let volume = self.options.scope.volume(place, &mount.name);
            self.hand_over(id, place, &volume, &mount.path, owner).await?;
        }
        if files {
            self.write_secrets(&secrets_volume(name), place, spec, owner).await?;
        }
        Ok(())
    }

    async fn start_container(&self, id: &str, name: &str) -> Result<Started, TargetError> {
        match self.api.client.start_container(id, None::<StartContainerOptions>).await {
            Ok(()) => Ok(Started::Yes),
            Err(error) if said(&error).contains("Address already in use") => Ok(Started::AddressTaken),
            Err(error) if said(&error).contains("docker-init") => Ok(Started::InitMissing),
            Err(error) => Err(self.api.error(format!("start {name}"), error)),
        }
    }
}

/// Reads an instance from a container; none when it is something else.
pub(super) fn instance(container: &ContainerInspectResponse) -> Option<Instance> {
    let text = |name| label_of(container, name);
    let role = text(label::ROLE)?;
    if role != Role::Web.word() && role != Role::Worker.word() {
        return None;
    }
    let state = container.state.clone().unwrap_or_default();
    let exit_code = state.exit_code.unwrap_or_default();
    Some(Instance {
        id: container.id.as_deref()?.into(),
        name: container_name(container),
        process: text(label::PROCESS)?.as_str().into(),
        release: text(label::RELEASE)?.as_str().into(),
        rollout: text(label::ROLLOUT)?.as_str().into(),
        address: text(label::ADDRESS),
        state: match state.status {
            Some(ContainerStateStatusEnum::CREATED) => InstanceState::Created,
            Some(ContainerStateStatusEnum::RESTARTING) => InstanceState::Restarting { exit_code },
            Some(ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::PAUSED | ContainerStateStatusEnum::STOPPING) => {
                InstanceState::Running
            }
            _ => InstanceState::Exited { exit_code, oom: state.oom_killed.unwrap_or_default() },
        },
        restarts: container.restart_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        // An instance that never started says the year 1.
        started_at: state.started_at.filter(|at| !at.starts_with("0001-")),
        serving: false,
    })
}

/// Returns a container's name without the engine's slash.
pub(super) fn container_name(container: &ContainerInspectResponse) -> String {
    container.name.as_deref().unwrap_or_default().trim_start_matches('/').to_owned()
}

fn instance_name(place: &Place, process: &str) -> String {
    let id = uuid::Uuid::now_v7().simple().to_string();
    format!("{}-{}-{process}-{}", place.project, place.environment, id.get(26..).unwrap_or(&id))
}

fn secrets_volume(instance: &str) -> String {
    format!("{instance}.secrets")
}
