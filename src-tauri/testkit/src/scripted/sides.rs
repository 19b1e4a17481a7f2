//! The sides of environments behind a scripted proxy, and the requests that reach them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use nonevent_engine::model::{InstanceId, InstanceState, ReleaseId, RolloutId};
use nonevent_engine::target::proxy::{CheckKind, NewSide, PlaceState, SLOTS, SideState, StateError};
use nonevent_engine::target::{Observed, Place, Record, Side, Since, TargetError, Traffic};

use super::app::Script;
use super::state::State;

pub(super) fn refused(operation: &str, reason: &str) -> TargetError {
    TargetError::Refused { operation: operation.to_owned(), reason: reason.to_owned() }
}

pub(super) fn moved(result: Result<(), StateError>) -> Result<(), TargetError> {
    result.map_err(|error| match error {
        StateError::TooMany { asked } => TargetError::TooManyInstances { asked, most: usize::from(SLOTS) },
        StateError::NothingStaged(rollout) => TargetError::NothingStaged { rollout: rollout.to_string() },
        StateError::NothingToShare(percent) => TargetError::NothingStaged { rollout: format!("{percent} percent") },
        StateError::Serves(_) => refused("retire", "requests reach it"),
    })
}

impl State {
    /// Returns what the proxy knows of an environment.
    pub fn here(&mut self, place: &Place) -> &mut PlaceState {
        self.proxy.entry(place.clone()).or_insert_with(|| PlaceState::new(place.clone()))
    }

    /// Makes a side of instances that are there.
    pub fn new_side(&mut self, place: &Place, record: &Record, instances: &[InstanceId]) -> Result<NewSide, TargetError> {
        let mut members = Vec::new();
        for id in instances {
            let container = self.containers.get(id).filter(|container| container.place == *place);
            members.push(container.ok_or_else(|| refused("stage", "an instance does not exist"))?.member());
        }
        // Named by its content, as everywhere: one that is staged is not yet that of the side that serves.
        let mut content = DefaultHasher::new();
        format!("{record:?}").hash(&mut content);
        let file = format!("{place} {:016x}", content.finish());
        self.records.insert(file.clone(), record.clone());
        Ok(NewSide {
            rollout: record.rollout.clone(),
            release: record.release.id.clone(),
            record: file,
            domain: record.placement.domain.clone(),
            check: CheckKind::Http,
            path: "/".to_owned(),
            members,
        })
    }

    /// Returns what an environment is.
    pub fn observed(&self, place: &Place) -> Observed {
        let route = self.proxy.get(place);
        let domain = route.and_then(|route| {
            let serving = route.serving_side().map(|side| &side.domain).filter(|domain| !domain.is_empty());
            serving.or(route.domains.first())
        });
        Observed {
            serving: self.side(route.and_then(PlaceState::serving_side)),
            idle: self.side(route.and_then(PlaceState::idle_side)),
            instances: self.instances(place),
            services: self.services.get(place).map(|services| services.values().cloned().collect()).unwrap_or_default(),
            share: route.map_or(0, |route| route.share),
            url: domain.map(|domain| format!("http://{domain}")),
            preview: route
                .and_then(PlaceState::idle_side)
                .filter(|side| !side.domain.is_empty() && !side.slots.is_empty())
                .map(|side| format!("http://{}:8081", side.domain)),
            https_url: None,
            lock: self.locks.get(place).map(|lock| lock.holder.clone()),
        }
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
    pub fn side(&self, side: Option<&SideState>) -> Option<Side> {
        let side = side?;
        Some(Side {
            record: self.records.get(&side.record)?.clone(),
            instances: side.instances.clone(),
            resting: side.resting.clone(),
        })
    }

    /// Returns how requests were answered since a place in the log.
    pub fn traffic(&mut self, place: &Place, since: &Since) -> Result<Traffic, TargetError> {
        self.come_in();
        // Its clock stands still: a place in the log is a number, and what happened at all happened not long ago.
        let from = match since {
            Since::Ago(time) if time.is_zero() => self.log.len(),
            Since::Ago(_) => 0,
            Since::After(number) => number.parse().map_err(|_| refused("traffic", "it is no place in the log"))?,
        };
        let mut traffic = Traffic { until: self.log.len().to_string(), ..Traffic::default() };
        let sides = self.proxy.get(place).into_iter().flat_map(|here| here.sides.values());
        let known: Vec<&RolloutId> = sides.map(|side| &side.rollout).collect();
        for (rollout, status, milliseconds) in self.log.iter().skip(from).filter(|(rollout, ..)| known.contains(&rollout)) {
            traffic.sides.entry(rollout.clone()).or_default().count(*status, Some(*milliseconds));
        }
        Ok(traffic)
    }

    /// Counts the requests that instances of an environment still answer, though no new one reaches them.
    pub fn draining(&self, place: &Place) -> u32 {
        let route = self.proxy.get(place);
        let shares = route.filter(|route| route.share > 0).and_then(PlaceState::idle_side);
        let reached = [route.and_then(PlaceState::serving_side), shares];
        let is_draining = |instance: &&InstanceId| {
            let here = self.containers.get(*instance).is_some_and(|container| container.place == *place);
            let reached = reached.iter().flatten().any(|side| side.slots.values().any(|slot| slot.instance == **instance));
            here && !reached
        };
        u32::try_from(self.held.values().filter(is_draining).count()).unwrap()
    }

    /// Counts the requests that some instances still answer.
    pub fn answering(&self, instances: &[InstanceId]) -> u32 {
        u32::try_from(self.held.values().filter(|held| instances.contains(held)).count()).unwrap()
    }
}
