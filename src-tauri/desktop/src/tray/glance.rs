//! What the tray says of everything that is watched: pure.

use nonevent_engine::model::{HealthState, RolloutRecord, RolloutState};
use nonevent_engine::target::Place;
use nonevent_notifier::{Address, Screen};

use crate::watching::Watcher;

/// As many rollouts as the menu shows.
pub const ROLLOUTS: u32 = 4;
/// As many environments as the menu shows.
const PLACES: usize = 10;

/// The state that the icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// Everything is well.
    Healthy,
    /// Nothing is known.
    Unknown,
    /// Something is not as it should be.
    Degraded,
    /// Something does not answer.
    Down,
}

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The worst state.
    pub light: Light,
    /// It in words.
    pub headline: String,
    /// What is not healthy, the worst first.
    pub places: Vec<Line>,
    /// The last rollouts, the newest first.
    pub rollouts: Vec<Line>,
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// The screen that it opens.
    pub address: String,
}

impl Glance {
    /// Sums up how environments fare, what was rolled out, and who watches.
    pub fn of(lights: &[(Place, HealthState)], rollouts: &[RolloutRecord], watcher: &Watcher) -> Self {
        let watched: Vec<(&Place, Light)> = lights.iter().filter_map(|(place, state)| Some((place, light(*state)?))).collect();
        let mut ill: Vec<_> = watched.iter().filter(|(_, light)| *light != Light::Healthy).collect();
        ill.sort_by_key(|(_, light)| std::cmp::Reverse(*light));
        let nobody = matches!(watcher, Watcher::Nobody { .. });
        let worst = watched.iter().map(|(_, light)| *light).max().filter(|_| !nobody).unwrap_or(Light::Unknown);
        let mut places: Vec<Line> = ill.iter().take(PLACES).map(|(place, light)| of_place(place, *light)).collect();
        if let Some((next, _)) = ill.get(PLACES) {
            let address = Address { project: next.project.clone(), screen: Screen::Overview };
            places.push(Line { text: format!("and {} more…", ill.len() - PLACES), address: address.to_string() });
        }
        let headline = match (ill.len(), watched.len()) {
            _ if nobody => "Nobody watches".to_owned(),
            (_, 0) => "Nothing is watched yet".to_owned(),
            (0, 1) => "The environment is healthy".to_owned(),
            (0, all) => format!("All {all} environments are healthy"),
            (unknown, all) if worst == Light::Unknown => format!("{unknown} of {all} not known yet"),
            (ill, all) => format!("{ill} of {all} not healthy"),
        };
        Self { light: worst, headline, places, rollouts: rollouts.iter().map(of_rollout).collect() }
    }
}

/// Where nothing was released nothing can be ill.
fn light(state: HealthState) -> Option<Light> {
    match state {
        HealthState::Healthy => Some(Light::Healthy),
        HealthState::Degraded => Some(Light::Degraded),
        HealthState::Down => Some(Light::Down),
        HealthState::Unknown => Some(Light::Unknown),
        HealthState::Empty => None,
    }
}

fn of_place(place: &Place, light: Light) -> Line {
    let word = match light {
        Light::Healthy => "healthy",
        Light::Unknown => "unknown",
        Light::Degraded => "degraded",
        Light::Down => "down",
    };
    let screen = Screen::Health(place.environment.clone());
    let address = Address { project: place.project.clone(), screen };
    Line { text: format!("{} ({}): {word}", place.project, place.environment), address: address.to_string() }
}

fn of_rollout(rollout: &RolloutRecord) -> Line {
    let ended = match rollout.state {
        RolloutState::Running => "goes on",
        RolloutState::Baking => "bakes",
        RolloutState::Succeeded => "finished",
        RolloutState::Failed => "failed",
        RolloutState::WentBack => "went back",
        RolloutState::Recovered => "was cleared up",
        RolloutState::Cancelled => "was cancelled",
    };
    let address = Address { project: rollout.project.clone(), screen: Screen::Run(rollout.run.clone()) };
    let text = format!("{} ({}): {} of {} {ended}", rollout.project, rollout.environment, rollout.reason.word(), rollout.to);
    Line { text, address: address.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(project: &str, environment: &str) -> Place {
        Place { project: project.into(), environment: environment.into() }
    }

    fn here() -> Watcher {
        Watcher::Here { hindered: Vec::new() }
    }

    #[test]
    fn the_worst_state_is_shown_and_what_is_ill_comes_first() {
        let lights = [
            (place("blog", "local"), HealthState::Degraded),
            (place("shop", "local"), HealthState::Healthy),
            (place("shop", "production"), HealthState::Down),
            (place("shop", "staging"), HealthState::Empty),
        ];
        let glance = Glance::of(&lights, &[], &here());
        assert_eq!((glance.light, glance.headline.as_str()), (Light::Down, "2 of 3 not healthy"));
        let lines: Vec<&str> = glance.places.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["shop (production): down", "blog (local): degraded"]);
        assert_eq!(glance.places.first().unwrap().address, "nonevent://project/shop/health/production");
    }

    #[test]
    fn nothing_that_is_known_is_not_healthy() {
        let none = Glance::of(&[], &[], &Watcher::Looking);
        assert_eq!((none.light, none.headline.as_str()), (Light::Unknown, "Nothing is watched yet"));
        let lights = [(place("shop", "local"), HealthState::Healthy)];
        assert_eq!(Glance::of(&lights, &[], &here()).light, Light::Healthy);
        let new = [(place("shop", "local"), HealthState::Unknown)];
        assert_eq!(Glance::of(&new, &[], &here()).headline, "1 of 1 not known yet");
        let problem = nonevent_engine::EngineError::user("home_unusable", "the folder is read-only").problem;
        let nobody = Glance::of(&lights, &[], &Watcher::Nobody { problem });
        assert_eq!((nobody.light, nobody.headline.as_str()), (Light::Unknown, "Nobody watches"));
    }

    #[test]
    fn a_menu_has_an_end() {
        let lights: Vec<_> = (0..30).map(|number| (place(&format!("shop-{number}"), "local"), HealthState::Down)).collect();
        let glance = Glance::of(&lights, &[], &here());
        assert_eq!(glance.places.len(), PLACES + 1);
        assert_eq!(glance.places.last().unwrap().text, "and 20 more…");
    }
}
