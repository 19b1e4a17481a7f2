//! What the proxy should do, and the few moves that change it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::SLOTS;
use super::https::{self, HostHttps};
use crate::model::{InstanceId, ReleaseId, RolloutId};
use crate::target::Place;

/// Releases of one environment whose records are kept after they served.
const EARLIER: usize = 30;

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
        let sides = self.places.values().flat_map(|place| place.sides.values()).map(|side| side.record.as_str());
        let earlier = self.places.values().flat_map(|place| &place.earlier).map(|one| one.record.as_str());
        sides.chain(earlier).collect()
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
    /// Percent of the requests that the other side is given all the same.
    #[serde(default)]
    pub share: u8,
    /// How each backend checks its servers; kept when a side is emptied.
    pub checks: BTreeMap<Color, CheckKind>,
    /// What each side holds.
    pub sides: BTreeMap<Color, SideState>,
    /// What served before, each release once, the last one first: what any laptop may go back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
}

/// What served before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Its release.
    pub release: ReleaseId,
    /// The file of its record; called otherwise than that of a side, so that a script tells them apart.
    #[serde(rename = "kept")]
    pub record: String,
}

/// What one side holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideState {
    /// The rollout that staged it.
    pub rollout: RolloutId,
    /// Its release; none where an older version staged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
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
    /// Those that were taken out of the way of requests and can be joined to the others again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resting: BTreeSet<InstanceId>,
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
    /// Its release.
    pub release: ReleaseId,
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
    /// There is no other side to which a share of the requests could go.
    #[error("nothing is staged that could get {0} percent of the requests")]
    NothingToShare(u8),
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
            earlier: Vec::new(),
            share: 0,
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
        if self.sides.get(&color).is_none_or(|side| side.rollout != new.rollout) {
            self.share = 0;
        }
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
        let (release, record) = (side.release.clone(), side.record.clone());
        self.domains = if side.domain.is_empty() { BTreeSet::new() } else { BTreeSet::from([side.domain.clone()]) };
        self.remember_what_served(release.as_ref(), &record);
        self.serving = Some(color);
        self.share = 0;
        Ok(())
    }

    /// Gives the side that does not serve a share of the requests, in percent.
    pub fn give(&mut self, percent: u8) -> Result<(), StateError> {
        let can = self.serving.is_some() && self.idle_side().is_some_and(|side| !side.slots.is_empty());
        if percent > 0 && !can {
            return Err(StateError::NothingToShare(percent));
        }
        self.share = percent.min(100);
        Ok(())
    }

    /// Takes instances out of the way of requests. They stay their side's.
    pub fn rest(&mut self, instances: &[InstanceId]) {
        for side in self.sides.values_mut() {
            side.slots.retain(|_, slot| !instances.contains(&slot.instance));
            side.resting.extend(instances.iter().filter(|instance| side.instances.contains(instance)).cloned());
        }
    }

    /// Lets instances that rested take requests again, as far as their side does.
    pub fn join(&mut self, members: &[Member]) -> Result<(), StateError> {
        for side in self.sides.values_mut() {
            let joins = members.iter().filter(|member| side.resting.contains(&member.instance));
            let mut all: Vec<Member> = joins.cloned().collect();
            let joined: Vec<InstanceId> = all.iter().map(|member| member.instance.clone()).collect();
            all.extend(
                side.slots
                    .values()
                    .map(|slot| Member { instance: slot.instance.clone(), listens: Some((slot.address, slot.port)) }),
            );
            side.slots = allot(Some(side), &all)?;
            side.resting.retain(|instance| !joined.contains(instance));
        }
        Ok(())
    }

    /// Keeps the record of the serving side before another one takes its place.
    fn remember_what_served(&mut self, next: Option<&ReleaseId>, next_record: &str) {
        // Traffic that goes back to what was still warm leaves something that was not good: nobody returns to that by default.
        let goes_back = self.earlier.first().is_some_and(|last| last.record == next_record);
        let left =
            self.serving_side().and_then(|side| Some(Earlier { release: side.release.clone()?, record: side.record.clone() }));
        let left = left.filter(|left| !goes_back && Some(&left.release) != next);
        let named = |one: &Earlier| Some(&one.release) == next || left.as_ref().is_some_and(|left| left.release == one.release);
        self.earlier.retain(|one| !named(one));
        if let Some(left) = left {
            self.earlier.insert(0, left);
        }
        self.earlier.truncate(EARLIER);
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
        let color = self.idle_color();
        let gets_share = |side: &SideState| self.share > 0 && side.slots.values().any(|slot| slot.instance == *instance);
        if self.serving_side().is_some_and(|side| side.instances.contains(instance))
            || self.sides.get(&color).is_some_and(gets_share)
        {
            return Err(StateError::Serves(instance.clone()));
        }
        if let Some(side) = self.sides.get_mut(&color).filter(|side| side.instances.contains(instance)) {
            side.instances.retain(|other| other != instance);
            side.slots.retain(|_, slot| slot.instance != *instance);
            side.resting.remove(instance);
            if side.instances.is_empty() {
                self.sides.remove(&color);
                self.share = 0;
            }
        }
        Ok(())
    }
}

fn side(new: NewSide, slots: BTreeMap<u16, Slot>) -> SideState {
    SideState {
        rollout: new.rollout,
        release: Some(new.release),
        record: new.record,
        domain: new.domain,
        path: new.path,
        instances: new.members.into_iter().map(|member| member.instance).collect(),
        slots,
        resting: BTreeSet::new(),
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
