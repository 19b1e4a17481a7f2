//! What is on a scripted engine.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use nonevent_engine::model::{InstanceId, ReleaseId, RolloutId, ServiceStatus};
use nonevent_engine::target::proxy::PlaceState;
use nonevent_engine::target::{Place, Record, Room};

use super::app::Script;
use super::containers::Container;
use super::locks::Lock;

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
    /// One-off containers that go on, by number.
    pub going_once: BTreeMap<u64, Place>,
    /// The last time of each job's schedule that was answered.
    pub answered: BTreeMap<(Place, String), Timestamp>,
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
            going_once: BTreeMap::new(),
            answered: BTreeMap::new(),
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

    /// Names everything that is there.
    pub fn everything(&self) -> Vec<String> {
        let containers = self.containers.values().map(|container| container.instance.name.clone());
        let services =
            self.services.iter().flat_map(|(place, services)| services.keys().map(move |name| format!("{place} {name}")));
        let volumes = self.volumes.iter().map(|(place, name)| format!("{place} volume {name}"));
        let places = self.prepared.iter().map(|place| format!("{place} prepared"));
        let locks = self.locks.keys().map(|place| format!("{place} locked"));
        let once = self.going_once.values().map(|place| format!("{place} once"));
        containers.chain(once).chain(services).chain(volumes).chain(places).chain(locks).collect()
    }
}
