//! Instances on a scripted engine.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use nonevent_engine::model::{
    HealthCheck, HealthProbe, Instance, InstanceId, InstanceState, LogLine, LogStream, ProbeAttempt, ProbeOutcome,
};
use nonevent_engine::target::proxy::{Member, PlaceState};
use nonevent_engine::target::{Examination, InstanceSpec, Kept, Listener, OnceExit, Place, Waste, WasteKind};

use super::app::Script;
use super::state::State;

/// A running, or ended, instance.
#[derive(Debug, Clone)]
pub(super) struct Container {
    pub place: Place,
    pub instance: Instance,
    pub script: Script,
    pub port: Option<u16>,
    pub variables: BTreeSet<String>,
    pub lines: Vec<LogLine>,
}

impl Container {
    /// Does from now on what a script says.
    pub fn obey(&mut self, script: Script) {
        self.script = script;
        self.instance.state = match script {
            Script::Crash => InstanceState::Restarting { exit_code: 3 },
            _ => InstanceState::Running,
        };
        self.instance.restarts = if script == Script::Crash { 1 } else { self.instance.restarts };
    }

    /// What examining it finds.
    pub fn examined(&self) -> Examination {
        let listens = self.port.filter(|_| !matches!(self.script, Script::Idle | Script::Slow(1..)));
        let runs = self.instance.state == InstanceState::Running;
        Examination {
            state: Some(self.instance.state.clone()),
            restarts: self.instance.restarts,
            exit: (self.script == Script::Crash).then_some(OnceExit { exit_code: 3, oom: false }),
            started_at: self.instance.started_at.clone(),
            lines: self.lines.clone(),
            sockets: runs
                .then(|| listens.map(|port| Listener { address: Ipv4Addr::UNSPECIFIED.into(), port }).into_iter().collect()),
            port: self.port,
            engine_platform: Some("linux/amd64".to_owned()),
            image_platform: Some("linux/amd64".to_owned()),
            variables: self.variables.clone(),
            ..Examination::default()
        }
    }

    /// How a request for its health ends.
    fn answer(&mut self, probe: &HealthProbe) -> ProbeOutcome {
        let failed = |error: &str| ProbeOutcome::Failed { error: error.to_owned() };
        match (&self.instance.state, self.script) {
            (InstanceState::Created, _) => failed("the container was not started"),
            (InstanceState::Exited { exit_code, .. }, _) => failed(&format!("it ended with exit code {exit_code}")),
            (_, Script::Crash) => failed("it ended with exit code 3, and was restarted once"),
            (_, Script::Sick) => ProbeOutcome::Answered { saw: "503".to_owned(), excerpt: "database is locked".to_owned() },
            (_, Script::Slow(times)) if times > 0 => {
                self.script = Script::Slow(times - 1);
                failed("connection refused")
            }
            (_, Script::Idle) if *probe != HealthProbe::Running => failed("connection refused"),
            _ => ProbeOutcome::Passed { saw: "200".to_owned() },
        }
    }

    /// It as the proxy reaches it.
    pub fn member(&self) -> Member {
        let address = self.instance.address.as_deref().and_then(|address| address.parse::<Ipv4Addr>().ok());
        Member { instance: self.instance.id.clone(), listens: address.zip(self.port) }
    }

    /// Ends as by SIGTERM.
    pub fn stop(&mut self) {
        self.instance.state = InstanceState::Exited { exit_code: 0, oom: false };
    }
}

impl State {
    /// Makes an instance that was not started yet.
    pub fn create(&mut self, place: &Place, spec: &InstanceSpec) -> InstanceId {
        let number = self.number();
        let id = InstanceId::new(format!("{number:064x}"));
        let name = format!("{}-{}-{}-{number:06x}", place.project, place.environment, spec.process);
        let instance = Instance {
            id: id.clone(),
            name,
            process: spec.process.clone(),
            release: spec.release.clone(),
            rollout: spec.rollout.clone(),
            address: Some(format!("10.0.{}.{}", number / 200, number % 200 + 16)),
            state: InstanceState::Created,
            restarts: 0,
            started_at: None,
            serving: false,
        };
        let script = self.scripts.get(&spec.release).copied().unwrap_or_else(|| Script::of(&spec.command));
        let variables = spec.env.keys().cloned().collect();
        let container = Container { place: place.clone(), instance, script, port: spec.port, variables, lines: Vec::new() };
        self.containers.insert(id.clone(), container);
        id
    }

    /// Starts an instance.
    pub fn start(&mut self, id: &InstanceId) -> Instance {
        let now = self.now.to_string();
        let container = self.containers.get_mut(id).unwrap();
        container.instance.started_at = Some(now.clone());
        container.obey(container.script);
        container.lines.push(LogLine {
            source: container.instance.name.clone(),
            stream: LogStream::Stdout,
            at: Some(now),
            text: container.script.first_line().to_owned(),
        });
        container.instance.clone()
    }

    /// Asks an instance once whether it is healthy.
    pub fn probe(&mut self, instance: &Instance, check: &HealthCheck, domain: &str) -> ProbeAttempt {
        let probe = match &check.probe {
            HealthProbe::Http { path } => format!("GET {path} (Host: {domain})"),
            HealthProbe::Tcp => "connect".to_owned(),
            HealthProbe::Command(command) => format!("run `{}`", command.argv().join(" ")),
            HealthProbe::Running => "is the container running".to_owned(),
        };
        let at = self.now.to_string();
        let outcome = match self.containers.get_mut(&instance.id) {
            None => ProbeOutcome::Failed { error: "the container is gone".to_owned() },
            Some(container) => container.answer(&check.probe),
        };
        ProbeAttempt { instance: instance.name.clone(), probe, at, elapsed_ms: 1, outcome }
    }

    /// Returns the instances of an environment.
    pub fn instances(&self, place: &Place) -> Vec<Instance> {
        let serving: Vec<InstanceId> =
            self.proxy.get(place).and_then(PlaceState::serving_side).map(|side| side.instances.clone()).unwrap_or_default();
        let mut instances: Vec<Instance> = self
            .containers
            .values()
            .filter(|container| container.place == *place)
            .map(|container| Instance { serving: serving.contains(&container.instance.id), ..container.instance.clone() })
            .collect();
        instances.sort_by(|one, other| (&one.process, &one.name).cmp(&(&other.process, &other.name)));
        instances
    }

    /// Finds the instances that nothing needs.
    pub fn garbage(&self, kept: &Kept) -> Vec<Waste> {
        let is_waste = |container: &&Container| {
            let sides = self.proxy.get(&container.place).into_iter().flat_map(|here| here.sides.values());
            let needed = sides.into_iter().any(|side| {
                let release = self.records.get(&side.record).map(|record| &record.release.id);
                let is_worker = container.port.is_none() && release == Some(&container.instance.release);
                side.instances.contains(&container.instance.id) || is_worker
            });
            kept.projects.contains(&container.place.project) && !needed && !self.locks.contains_key(&container.place)
        };
        let waste = |container: &Container| Waste {
            kind: WasteKind::Container,
            id: container.instance.id.to_string(),
            name: container.instance.name.clone(),
            bytes: 0,
        };
        self.containers.values().filter(is_waste).map(waste).collect()
    }
}
