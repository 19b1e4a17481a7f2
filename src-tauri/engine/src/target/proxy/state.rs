//! What the proxy should do, and the few moves that change it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::SLOTS;
use super::https::{self, HostHttps};
use crate::model::{InstanceId, RolloutId};
use crate::target::Place;

/// What one proxy does, for every environment of its engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyState {
    /// The shape's version.
    pub format: u32,
    /// The version of the rendering that its files were made with; another one needs a reload.
    pub template: u32,
    /// The ports on the engine's loopback, chosen once and kept.
    pub ports: Option<Ports>,
    /// The subnet of instances: the preview connects to no other address.
    pub subnet: String,
    /// Every environment, by its key.
    pub places: BTreeMap<String, PlaceState>,
}

impl ProxyState {
    /// The shape's version.
    pub const FORMAT: u32 = 1;
    /// The version of what [`super::files`] renders.
    pub const TEMPLATE: u32 = 2;

    /// Makes the state of a proxy that serves nothing.
    pub fn empty(subnet: String) -> Self {
        Self { format: Self::FORMAT, template: Self::TEMPLATE, ports: None, subnet, places: BTreeMap::new() }
    }

    /// Tells whether workers that follow this state need a reload to follow another: what commands cannot change differs.
    pub fn needs_reload(&self, after: &Self) -> bool {
        let fixed = |state: &Self| {
            let checks = |place: &PlaceState| Color::ALL.map(|color| place.check(color));
            let places = state.places.iter().map(|(key, place)| (key.clone(), checks(place))).collect::<Vec<_>>();
            let secure_port = state.ports.and_then(|ports| ports.https);
            (state.template, state.subnet.clone(), places, secure_port, https::fixed(state))
        };
        fixed(self) != fixed(after)
    }

    /// Returns the files of all records that it refers to.
    pub fn records(&self) -> BTreeSet<&str> {
        self.places.values().flat_map(|place| place.sides.values()).map(|side| side.record.as_str()).collect()
    }

    /// Returns the environment to which a host name belongs.
    pub fn owner(&self, domain: &str) -> Option<&Place> {
        self.places.values().find(|place| place.domains.contains(domain)).map(|place| &place.place)
    }
}

/// A state as it lies on the volume, as `state.json` of its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The folder's name.
    pub name: String,
    /// What the files beside it were rendered from.
    pub state: ProxyState,
}

/// Ports on the engine's loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// Where requests come in.
    pub http: u16,
    /// Where requests come in by HTTPS; none at a proxy that was made before there was HTTPS.
    #[serde(default)]
    pub https: Option<u16>,
    /// Where probes and previews come in.
    pub preview: u16,
    /// Who reaches `http` and `https`. Previews are for the engine's own machine only.
    #[serde(default)]
    pub exposure: Exposure,
}

/// Who reaches the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// The engine's own machine, by its loopback addresses.
    #[default]
    Machine,
    /// Whoever reaches the machine.
    Everybody,
}

/// One of the two sides of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// The first one.
    Blue,
    /// The second one.
    Green,
}

impl Color {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Blue, Self::Green];

    /// Returns its name as backends bear it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }

    /// Returns the other one.
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }
}

/// How the proxy itself sees that a server is dead. Part of the configuration: another kind needs a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// `GET` of the side's path answers 2xx.
    #[default]
    Http,
    /// The port accepts a connection.
    Tcp,
}

/// What the proxy does for one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceState {
    /// The environment.
    pub place: Place,
    /// Its host names. After a switch only the serving one is left.
    pub domains: BTreeSet<String>,
    /// How host names are served by HTTPS, those that are. One that is no longer the environment's goes with the next preparation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub https: BTreeMap<String, HostHttps>,
    /// The side that requests reach.
    pub serving: Option<Color>,
    /// How each backend checks its servers; kept when a side is emptied.
    pub checks: BTreeMap<Color, CheckKind>,
    /// What each side holds.
    pub sides: BTreeMap<Color, SideState>,
}

/// What one side holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideState {
    /// The rollout that staged it.
    pub rollout: RolloutId,
    /// The file of its record, named by its content.
    pub record: String,
    /// The host name that it is meant for, which checks and previews bear; empty when it has none.
    pub domain: String,
    /// The path of its checks.
    pub path: String,
    /// Every instance, those without a port included.
    pub instances: Vec<InstanceId>,
    /// Those that requests reach, by slot.
    pub slots: BTreeMap<u16, Slot>,
}

/// An instance in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The instance.
    pub instance: InstanceId,
    /// Its fixed address.
    pub address: Ipv4Addr,
    /// The port it listens on.
    pub port: u16,
}

/// An instance that a side shall hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The instance.
    pub instance: InstanceId,
    /// Its address and port, when it receives requests.
    pub listens: Option<(Ipv4Addr, u16)>,
}

/// A side that shall be, before its instances have slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSide {
    /// The rollout.
    pub rollout: RolloutId,
    /// The file of its record.
    pub record: String,
    /// Its host name, or nothing.
    pub domain: String,
    /// How its servers are checked.
    pub check: CheckKind,
    /// The path of its checks.
    pub path: String,
    /// Its instances.
    pub members: Vec<Member>,
}

/// Why a move is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// More instances than slots.
    #[error("{asked} instances were asked for, {SLOTS} fit")]
    TooMany {
        /// How many were asked for.
        asked: usize,
    },
    /// No side holds this rollout.
    #[error("nothing is staged for rollout {0}")]
    NothingStaged(RolloutId),
    /// Requests reach it.
    #[error("instance {0} serves")]
    Serves(InstanceId),
}

impl PlaceState {
    /// Makes an environment that serves nothing.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            domains: BTreeSet::new(),
            https: BTreeMap::new(),
            serving: None,
            checks: BTreeMap::new(),
            sides: BTreeMap::new(),
        }
    }

    /// Returns the side that requests reach.
    pub fn serving_side(&self) -> Option<&SideState> {
        self.serving.and_then(|color| self.sides.get(&color))
    }

    /// Returns the color that requests do not reach: the one to stage on.
    pub fn idle_color(&self) -> Color {
        match self.serving {
            Some(color) => color.other(),
            None if self.sides.contains_key(&Color::Green) => Color::Green,
            None => Color::Blue,
        }
    }

    /// Returns the side that requests do not reach.
    pub fn idle_side(&self) -> Option<&SideState> {
        self.sides.get(&self.idle_color())
    }

    /// Returns how a backend checks its servers.
    pub fn check(&self, color: Color) -> CheckKind {
        self.checks.get(&color).copied().unwrap_or_default()
    }

    /// Puts instances on the side that requests do not reach, in place of what it held. Nothing changes when this rollout serves.
    pub fn stage(&mut self, new: NewSide) -> Result<(), StateError> {
        if self.serving_side().is_some_and(|side| side.rollout == new.rollout) {
            return Ok(());
        }
        let color = self.idle_color();
        let slots = allot(self.sides.get(&color), &new.members)?;
        self.checks.insert(color, new.check);
        if !self.sides.contains_key(&color.other()) {
            // The first rollout decides for both, so that the second one finds its backend as it needs it.
            self.checks.insert(color.other(), new.check);
        }
        self.sides.insert(color, side(new, slots));
        Ok(())
    }

    /// Sends requests to the side of this rollout. Nothing changes when they reach it already.
    pub fn switch(&mut self, rollout: &RolloutId) -> Result<(), StateError> {
        if self.serving_side().is_some_and(|side| side.rollout == *rollout) {
            return Ok(());
        }
        let color = self.idle_color();
        let Some(side) = self.sides.get(&color).filter(|side| side.rollout == *rollout) else {
            return Err(StateError::NothingStaged(rollout.clone()));
        };
        self.domains = if side.domain.is_empty() { BTreeSet::new() } else { BTreeSet::from([side.domain.clone()]) };
        self.serving = Some(color);
        Ok(())
    }

    /// Replaces what the serving side holds: instances that stay keep their slots.
    pub fn rescale(&mut self, new: NewSide) -> Result<(), StateError> {
        let Some(color) = self.serving else { return Err(StateError::NothingStaged(new.rollout)) };
        let slots = allot(self.sides.get(&color), &new.members)?;
        self.sides.insert(color, side(new, slots));
        Ok(())
    }

    /// Forgets an instance that requests do not reach; a side without instances is no side.
    pub fn forget(&mut self, instance: &InstanceId) -> Result<(), StateError> {
        if self.serving_side().is_some_and(|side| side.instances.contains(instance)) {
            return Err(StateError::Serves(instance.clone()));
        }
        let color = self.idle_color();
        if let Some(side) = self.sides.get_mut(&color).filter(|side| side.instances.contains(instance)) {
            side.instances.retain(|other| other != instance);
            side.slots.retain(|_, slot| slot.instance != *instance);
            if side.instances.is_empty() {
                self.sides.remove(&color);
            }
        }
        Ok(())
    }
}

fn side(new: NewSide, slots: BTreeMap<u16, Slot>) -> SideState {
    SideState {
        rollout: new.rollout,
        record: new.record,
        domain: new.domain,
        path: new.path,
        instances: new.members.into_iter().map(|member| member.instance).collect(),
        slots,
    }
}

/// Gives every listening member a slot: its own if it has one, else one that was free, else one that was just left (the requests
/// of whoever left it may still be counted there).
fn allot(before: Option<&SideState>, members: &[Member]) -> Result<BTreeMap<u16, Slot>, StateError> {
    let listening: Vec<(&InstanceId, Ipv4Addr, u16)> =
        members.iter().filter_map(|member| member.listens.map(|(address, port)| (&member.instance, address, port))).collect();
    if listening.len() > usize::from(SLOTS) {
        return Err(StateError::TooMany { asked: listening.len() });
    }
    let held: BTreeMap<&InstanceId, u16> =
        before.into_iter().flat_map(|side| &side.slots).map(|(number, slot)| (&slot.instance, *number)).collect();
    let staying: BTreeSet<u16> = listening.iter().filter_map(|(instance, ..)| held.get(instance).copied()).collect();
    let left: BTreeSet<u16> = held.values().copied().filter(|number| !staying.contains(number)).collect();
    let mut free = (1..=SLOTS)
        .filter(|number| !staying.contains(number) && !left.contains(number))
        .chain(left.iter().copied())
        .collect::<Vec<_>>()
        .into_iter();
    let mut slots = BTreeMap::new();
    for (instance, address, port) in &listening {
        let number = match held.get(instance) {
            Some(number) => *number,
            None => free.next().ok_or(StateError::TooMany { asked: listening.len() })?,
        };
        slots.insert(number, Slot { instance: (*instance).clone(), address: *address, port: *port });
    }
    Ok(slots)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
