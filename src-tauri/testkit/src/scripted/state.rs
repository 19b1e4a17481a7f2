//! What is on a scripted engine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use nonevent_engine::model::{Instance, InstanceId, InstanceState, LogLine, LogStream, ReleaseId, RolloutId, ServiceStatus};
use nonevent_engine::target::proxy::PlaceState;
use nonevent_engine::target::{
    Examination, Fence, InstanceSpec, Listener, LockHolder, OnceExit, Place, Record, Room, Side, TargetError,
};

use super::app::Script;

/// Everything.
#[derive(Debug)]
pub(super) struct State {
    pub now: Timestamp,
    pub next: u64,
    pub containers: BTreeMap<InstanceId, Container>,
    pub locks: BTreeMap<Place, Lock>,
    pub fences: BTreeMap<Place, u64>,
    pub prepared: BTreeSet<Place>,
    pub proxy: BTreeMap<Place, PlaceState>,
    pub records: BTreeMap<String, Record>,
    pub services: BTreeMap<Place, BTreeMap<String, ServiceStatus>>,
    pub volumes: BTreeSet<(Place, String)>,
    pub held: BTreeMap<u64, InstanceId>,
    pub scripts: BTreeMap<ReleaseId, Script>,
    pub once: BTreeMap<ReleaseId, (i64, Vec<String>)>,
    /// Requests that were sent through the public door, in order: by which rollout's side, and how they were answered.
    pub log: Vec<(RolloutId, u16, u64)>,
    /// Requests that come in between two readings of the log.
    pub load: u32,
    /// How instances of a release answer real requests, whatever their probes say.
    pub manners: BTreeMap<ReleaseId, Manner>,
    /// What the engine has left.
    pub room: Room,
    /// What has answered under each host name, in order and each change once.
    pub witnessed: BTreeMap<String, Vec<Option<ReleaseId>>>,
}

/// How a real request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Of a hundred requests so many are answered with 500.
    pub errors: u8,
    /// Milliseconds until an answer begins.
    pub milliseconds: u64,
}

impl Default for Manner {
    fn default() -> Self {
        Self { errors: 0, milliseconds: 10 }
    }
}

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

/// A held lock.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    pub holder: LockHolder,
    pub fence: Fence,
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
}

impl Container {
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
}

impl State {
    pub fn new() -> Self {
        Self {
            now: "2026-11-23T10:00:00Z".parse().unwrap(),
            next: 0,
            containers: BTreeMap::new(),
            locks: BTreeMap::new(),
            fences: BTreeMap::new(),
            prepared: BTreeSet::new(),
            proxy: BTreeMap::new(),
            records: BTreeMap::new(),
            services: BTreeMap::new(),
            volumes: BTreeSet::new(),
            held: BTreeMap::new(),
            scripts: BTreeMap::new(),
            once: BTreeMap::new(),
            log: Vec::new(),
            load: 0,
            manners: BTreeMap::new(),
            room: Room::default(),
            witnessed: BTreeMap::new(),
        }
    }

    /// Returns a number that was not given before.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Refuses a holder that was succeeded.
    pub fn check(&self, fence: &Fence) -> Result<(), TargetError> {
        match self.locks.get(&fence.place) {
            Some(lock) if lock.fence == *fence => Ok(()),
            held => Err(TargetError::FenceLost {
                place: fence.place.to_string(),
                by: held.map_or_else(|| "nobody".to_owned(), |lock| lock.holder.owner.clone()),
            }),
        }
    }

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

    /// Returns instance and release that answer under a host name.
    pub fn answer(&self, domain: &str) -> Option<(InstanceId, ReleaseId)> {
        let place = self.proxy.values().find(|place| place.domains.contains(domain))?;
        place.serving_side()?.slots.values().find_map(|slot| {
            let container = self.containers.get(&slot.instance)?;
            let answers = matches!(container.script, Script::Healthy | Script::Slow(0));
            (answers && container.instance.state == InstanceState::Running)
                .then(|| (slot.instance.clone(), container.instance.release.clone()))
        })
    }

    /// Notes what answers now.
    pub fn witness(&mut self) {
        let domains: BTreeSet<String> = self.proxy.values().flat_map(|place| place.domains.iter().cloned()).collect();
        for domain in domains {
            let answers = self.answer(&domain).map(|(_, release)| release);
            let before = self.witnessed.entry(domain).or_default();
            if before.last() != Some(&answers) {
                before.push(answers);
            }
        }
    }

    /// Sends a request under a host name: the share of the other side is dealt out evenly. Returns the release that answered.
    pub fn request(&mut self, domain: &str) -> Option<ReleaseId> {
        let place = self.proxy.iter().find(|(_, place)| place.domains.contains(domain)).map(|(place, _)| place.clone())?;
        let (answered, rollout) = self.deal(&place)?;
        let manner = self.manners.get(&answered).copied().unwrap_or_default();
        let turn = u8::try_from(self.number() % 100).unwrap();
        let status = if turn < manner.errors { 500 } else { 200 };
        self.log.push((rollout, status, manner.milliseconds));
        Some(answered)
    }

    fn deal(&mut self, place: &Place) -> Option<(ReleaseId, RolloutId)> {
        let turn = u8::try_from(self.number() * 37 % 100).unwrap();
        let here = self.proxy.get(place)?;
        let other = here.idle_side().filter(|_| turn < here.share);
        [other, here.serving_side()].into_iter().flatten().find_map(|side| {
            let release = side.slots.values().find_map(|slot| {
                let container = self.containers.get(&slot.instance)?;
                let answers = matches!(container.script, Script::Healthy | Script::Slow(0));
                (answers && container.instance.state == InstanceState::Running).then(|| container.instance.release.clone())
            })?;
            Some((release, side.rollout.clone()))
        })
    }

    /// Lets as many requests come in to every environment as come in between two readings of the log.
    pub fn come_in(&mut self) {
        let domains: Vec<String> = self.proxy.values().flat_map(|place| place.domains.iter().cloned()).collect();
        for domain in domains {
            for _ in 0..self.load {
                self.request(&domain);
            }
        }
    }

    /// Returns a side with its record.
    pub fn side(&self, side: Option<&nonevent_engine::target::proxy::SideState>) -> Option<Side> {
        let side = side?;
        Some(Side {
            record: self.records.get(&side.record)?.clone(),
            instances: side.instances.clone(),
            resting: side.resting.clone(),
        })
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

    /// Names everything that is there.
    pub fn everything(&self) -> Vec<String> {
        let containers = self.containers.values().map(|container| container.instance.name.clone());
        let services =
            self.services.iter().flat_map(|(place, services)| services.keys().map(move |name| format!("{place} {name}")));
        let volumes = self.volumes.iter().map(|(place, name)| format!("{place} volume {name}"));
        let places = self.prepared.iter().map(|place| format!("{place} prepared"));
        let locks = self.locks.keys().map(|place| format!("{place} locked"));
        containers.chain(services).chain(volumes).chain(places).chain(locks).collect()
    }
}
