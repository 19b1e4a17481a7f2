//! Services beside the gates: real ones, on a private network of the run, with fresh data, gone afterwards.

mod ready;

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, HostConfigLogConfig, NetworkCreateRequest, NetworkingConfig,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, LogsOptionsBuilder, StartContainerOptions};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;

use super::{GauntletPlan, command, container};
use crate::docker::{Docker, LineCutter, LineSender, said};
use crate::model::{GateSettings, LogLine, LogStream, ServiceSettings};

/// The network that a gate is given when it may reach more than its services.
const OUTSIDE: &str = "bridge";

/// Lines of a service that failed.
const TAIL: &str = "30";

/// The services of one run, each started when the first gate needs it, or earlier.
pub(super) struct Services<'a> {
    docker: &'a Docker,
    plan: &'a GauntletPlan,
    lines: &'a mpsc::Sender<LogLine>,
    cancel: &'a CancellationToken,
    network: OnceCell<Result<(), String>>,
    started: BTreeMap<&'a str, OnceCell<Result<(), ServiceFailure>>>,
}

/// A service that did not get ready.
#[derive(Debug, Clone)]
pub(super) struct ServiceFailure {
    /// Its name.
    pub(super) service: String,
    /// What happened.
    pub(super) reason: String,
    /// Its last lines.
    pub(super) tail: Vec<String>,
}

impl<'a> Services<'a> {
    pub(super) fn new(
        docker: &'a Docker,
        plan: &'a GauntletPlan,
        lines: &'a mpsc::Sender<LogLine>,
        cancel: &'a CancellationToken,
    ) -> Self {
        let started = plan.services.keys().map(|name| (name.as_str(), OnceCell::new())).collect();
        Self { docker, plan, lines, cancel, network: OnceCell::new(), started }
    }

    /// Starts every service that some gate asks for, while gates without services run already.
    pub(super) async fn start_wanted(&self) {
        let gates = self.plan.gates.iter().filter(|gate| gate.run.is_some() && !self.plan.known.contains_key(&gate.name));
        let mut wanted: Vec<&String> = gates.flat_map(|gate| &gate.services).collect();
        wanted.sort();
        wanted.dedup();
        tokio::select! {
            _ = join_all(wanted.into_iter().map(|name| self.service_ready(name))) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    /// Waits until these services are ready.
    pub(super) async fn ready(&self, names: &[String]) -> Result<(), ServiceFailure> {
        let all = join_all(names.iter().map(|name| self.service_ready(name))).await;
        all.into_iter().collect()
    }

    /// Returns the networks of a gate.
    pub(super) fn networks(&self, gate: &GateSettings) -> Vec<String> {
        let services = (!gate.services.is_empty()).then(|| self.network_name());
        let outside = gate.network.then(|| OUTSIDE.to_owned());
        services.into_iter().chain(outside).collect()
    }

    fn network_name(&self) -> String {
        format!("nonevent-{}-{}", self.plan.project, self.plan.run)
    }

    fn container_name(&self, service: &str) -> String {
        format!("nonevent-{}-{}-{service}", self.plan.project, self.plan.run)
    }

    async fn service_ready(&self, name: &str) -> Result<(), ServiceFailure> {
        let (Some(cell), Some(settings)) = (self.started.get(name), self.plan.services.get(name)) else { return Ok(()) };
        cell.get_or_init(|| self.start(name, settings)).await.clone()
    }

    async fn start(&self, name: &str, settings: &ServiceSettings) -> Result<(), ServiceFailure> {
        let failed = |reason: String| ServiceFailure { service: name.to_owned(), reason, tail: Vec::new() };
        self.network.get_or_init(|| self.make_network()).await.clone().map_err(failed)?;
        let pulling = async || {
            let line = format!("pulling {}", settings.image);
            LineSender::new(name, self.lines).send(LogStream::Stdout, line).await;
        };
        self.docker.ensure_image(&settings.image, pulling).await.map_err(|error| failed(error.to_string()))?;
        let named = self.container_name(name);
        let options = CreateContainerOptionsBuilder::default().name(&named).build();
        let body = self.body(name, settings);
        let client = &self.docker.client;
        client.create_container(Some(options), body).await.map_err(|error| failed(said(&error)))?;
        client.start_container(&named, None::<StartContainerOptions>).await.map_err(|error| failed(said(&error)))?;
        match ready::wait(self.docker, self.plan, &self.network_name(), name, &named, &settings.ready).await {
            Ok(()) => {
                LineSender::new(name, self.lines).send(LogStream::Stdout, "ready".to_owned()).await;
                Ok(())
            }
            Err(reason) => Err(ServiceFailure { tail: self.tail(&named).await, ..failed(reason) }),
        }
    }

    /// An internal network: services are for the gates, and gates reach nothing else by it.
    async fn make_network(&self) -> Result<(), String> {
        let request = NetworkCreateRequest {
            name: self.network_name(),
            internal: Some(true),
            labels: Some(container::labels(self.plan, "service").into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        self.docker.client.create_network(request).await.map(drop).map_err(|error| said(&error))
    }

    fn body(&self, name: &str, settings: &ServiceSettings) -> ContainerCreateBody {
        let log = HashMap::from([("max-size", "10m"), ("max-file", "1")]);
        let host = HostConfig {
            network_mode: Some(self.network_name()),
            pids_limit: Some(2048),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(log.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()),
            }),
            ..HostConfig::default()
        };
        let endpoint = EndpointSettings { aliases: Some(vec![name.to_owned()]), ..EndpointSettings::default() };
        ContainerCreateBody {
            image: Some(settings.image.clone()),
            cmd: settings.command.as_ref().map(command::argv),
            env: Some(settings.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            hostname: Some(name.to_owned()),
            labels: Some(container::labels(self.plan, "service").into_iter().collect()),
            host_config: Some(host),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(HashMap::from([(self.network_name(), endpoint)])),
            }),
            ..ContainerCreateBody::default()
        }
    }

    async fn tail(&self, container: &str) -> Vec<String> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(TAIL).build();
        let mut output = self.docker.client.logs(container, Some(options));
        let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
        while let Some(Ok(piece)) = output.next().await {
            cutter.push(piece.as_ref(), |line| lines.push(line));
        }
        lines.extend(cutter.finish());
        lines
    }
}
