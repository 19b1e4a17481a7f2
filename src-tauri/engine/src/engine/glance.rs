//! What is shown of a whole home at one glance, as a tray has room for. Asks no target and reads no project.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Engine;
use super::health::STALE;
use crate::error::EngineError;
use crate::model::{HealthState, RolloutRecord};
use crate::store::HealthStore;
use crate::target::Place;

impl Engine {
    /// Returns how every environment fares that somebody watches now, by project and environment.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn lights(&self) -> Result<Vec<(Place, HealthState)>, EngineError> {
        let known: BTreeSet<_> = self.store.projects()?.into_iter().map(|known| known.name).collect();
        let oldest = Timestamp::now().as_millisecond() - STALE;
        let states = HealthStore::open(&self.home.data)?.states()?.into_iter();
        Ok(states
            .filter(|(place, _, at)| *at > oldest && known.contains(&place.project))
            .map(|(place, state, _)| (place, state))
            .collect())
    }

    /// Lists the newest rollouts of all projects, the newest first.
    ///
    /// # Errors
    /// When the memory of the home cannot be read.
    pub fn latest_rollouts(&self, limit: u32) -> Result<Vec<RolloutRecord>, EngineError> {
        let mut all = Vec::new();
        for known in self.store.projects()? {
            all.extend(self.store.rollouts(&known.name, None, limit)?);
        }
        all.sort_by(|one, other| other.started_at.cmp(&one.started_at));
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::engine::Home;
    use crate::model::ProjectName;

    #[test]
    fn only_what_is_watched_now_and_known_here_has_a_light() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let engine = Engine::open(Home { data: home.clone(), cache: folder.path().join("cache") }).unwrap();
        engine.store.remember_project(&ProjectName::new("shop"), Path::new("/nowhere/shop")).unwrap();
        let store = HealthStore::open(&home).unwrap();
        let now = Timestamp::now().as_millisecond();
        let place = |project: &str, environment: &str| Place { project: project.into(), environment: environment.into() };
        store.keep_state(&place("shop", "staging"), HealthState::Down, now).unwrap();
        store.keep_state(&place("shop", "local"), HealthState::Healthy, now).unwrap();
        store.keep_state(&place("shop", "production"), HealthState::Healthy, now - 2 * STALE).unwrap();
        store.keep_state(&place("forgotten", "local"), HealthState::Down, now).unwrap();
        let lights = engine.lights().unwrap();
        assert_eq!(lights, [(place("shop", "local"), HealthState::Healthy), (place("shop", "staging"), HealthState::Down)]);
        assert!(engine.latest_rollouts(5).unwrap().is_empty());
    }
}
