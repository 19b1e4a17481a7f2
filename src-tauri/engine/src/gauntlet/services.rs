//! Services beside the gates: real ones, on a private network of the run, with fresh data, gone afterwards.

mod ready;
mod wanted;

use std::collections::BTreeMap;

use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, NetworkCreateRequest};
use bollard::query_parameters::{CreateContainerOptionsBuilder, LogsOptionsBuilder, StartContainerOptions};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;

use self::ready::Waiting;
pub use self::wanted::wanted_services;
use super::{GauntletPlan, container};
use crate::docker::{Docker, LineCutter, LineSender, said, service};
use crate::model::{CommandLine, GateSettings, LogLine, LogStream, Ready, ServiceMoment, ServiceSettings};

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
    cells: BTreeMap<&'a str, Cells>,
}

/// How far a service has come.
#[derive(Default)]
struct Cells {
    started: OnceCell<Result<(), ServiceFailure>>,
    ready: OnceCell<Result<(), ServiceFailure>>,
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
        let cells = plan.services.keys().map(|name| (name.as_str(), Cells::default())).collect();
        Self { docker, plan, lines, cancel, network: OnceCell::new(), cells }
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
        let (Some(cells), Some(settings)) = (self.cells.get(name), self.plan.services.get(name)) else { return Ok(()) };
        cells
            .ready
            .get_or_init(async || {
                self.service_started(name).await?;
                self.get_ready(name, settings).await
            })
            .await
            .clone()
    }

    async fn service_started(&self, name: &str) -> Result<(), ServiceFailure> {
        let (Some(cells), Some(settings)) = (self.cells.get(name), self.plan.services.get(name)) else { return Ok(()) };
        cells.started.get_or_init(|| self.start(name, settings)).await.clone()
    }

    /// Waits for the services that this one needs. They need each other in no circle: whoever made the plan has seen to that.
    fn come_so_far<'s>(&'s self, settings: &'s ServiceSettings) -> BoxFuture<'s, Result<(), ServiceFailure>> {
        Box::pin(async move {
            let needed = settings.container.after.iter().map(async |(name, moment)| match moment {
                ServiceMoment::Started => self.service_started(name).await,
                ServiceMoment::Ready => self.service_ready(name).await,
            });
            join_all(needed).await.into_iter().collect()
        })
    }

    async fn start(&self, name: &str, settings: &ServiceSettings) -> Result<(), ServiceFailure> {
        let failed = |reason: String| ServiceFailure { service: name.to_owned(), reason, tail: Vec::new() };
        if let Some(reason) = &settings.container.refused {
            return Err(failed(reason.clone()));
        }
        self.network.get_or_init(|| self.make_network()).await.clone().map_err(failed)?;
        let pulling = async || {
            let line = format!("pulling {}", settings.image);
            LineSender::new(name, self.lines).send(LogStream::Stdout, line).await;
        };
        // The image is there by the time that the others are ready.
        let (held, needed) = tokio::join!(self.docker.ensure_image(&settings.image, pulling), self.come_so_far(settings));
        held.map_err(|error| failed(error.to_string()))?;
        needed?;
        let named = self.container_name(name);
        let options = CreateContainerOptionsBuilder::default().name(&named).build();
        let client = &self.docker.client;
        client.create_container(Some(options), self.body(name, settings)).await.map_err(|error| failed(said(&error)))?;
        service::put_files(client, &named, settings).await.map_err(failed)?;
        client.start_container(&named, None::<StartContainerOptions>).await.map_err(|error| failed(said(&error)))
    }

    async fn get_ready(&self, name: &str, settings: &ServiceSettings) -> Result<(), ServiceFailure> {
        let named = self.container_name(name);
        let waiting = Waiting {
            docker: self.docker,
            plan: self.plan,
            network: &self.network_name(),
            service: name,
            container: &named,
            settings,
            own_check: self.own_check(settings).await,
        };
        match waiting.wait().await {
            Ok(()) => {
                LineSender::new(name, self.lines).send(LogStream::Stdout, "ready".to_owned()).await;
                Ok(())
            }
            Err(reason) => Err(ServiceFailure { service: name.to_owned(), tail: self.tail(&named).await, reason }),
        }
    }

    /// The health check that an image comes with, for a service of which nothing better is known.
    async fn own_check(&self, settings: &ServiceSettings) -> Option<CommandLine> {
        if settings.ready != Ready::Running {
            return None;
        }
        let image = self.docker.client.inspect_image(&settings.image).await.ok()?;
        let test = image.config?.healthcheck?.test?;
        match test.split_first()? {
            (kind, arguments) if kind == "CMD" => Some(CommandLine::Exec(arguments.to_vec())),
            (kind, [line]) if kind == "CMD-SHELL" => Some(CommandLine::Shell(line.clone())),
            _ => None,
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
        let log = [("max-size", "10m"), ("max-file", "1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let body = service::body(name, settings, &settings.image, &self.network_name());
        ContainerCreateBody {
            labels: Some(container::labels(self.plan, "service").into_iter().collect()),
            host_config: Some(HostConfig {
                pids_limit: Some(2048),
                log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(log.into()) }),
                ..body.host_config.unwrap_or_default()
            }),
            ..body
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
