//! A target without an engine: the same promises as Docker's (the contract is run on both), in memory, with a clock that stands still
//! and faults on demand.
//!
//! [`ScriptedEngine`] is what outlives processes: containers, locks, the proxy's state. [`ScriptedTarget`] is one process's view of
//! it. Killing a process is [`Fault::DieBefore`] or [`Fault::DieAfter`] on a call: that call and every later one of this view never
//! return, [`ScriptedTarget::died`] says so, the test drops the future that waits, and goes on with a new view of the same engine.
//!
//! ```no_run
//! # async fn test() {
//! # use nonevent_testkit::scripted::{Fault, Method, ScriptedEngine};
//! let engine = ScriptedEngine::new();
//! let first = engine.process();
//! first.fault(Method::Switch, 1, Fault::DieAfter);
//! // tokio::select! { _ = first.died() => {}, _ = run_a_rollout(&first) => unreachable!() }
//! engine.advance(std::time::Duration::from_secs(31)); // its lock is stale now
//! let second = engine.process();
//! // recover(&second).await; assert on engine.serving(&place)
//! # }
//! ```

mod app;
mod containers;
mod faults;
mod locks;
mod sides;
mod state;
mod steps;
mod world;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub use app::Script;
pub use faults::{Fault, Method};
use jiff::Timestamp;
use nonevent_engine::model::{InstanceId, InstanceState, ReleaseId};
use nonevent_engine::target::Place;
use nonevent_engine::target::Room;
pub use state::Manner;
use state::State;
use tokio::sync::Notify;
pub use world::ScriptedWorld;

/// What outlives processes: an engine that is a few maps.
#[derive(Debug, Clone)]
pub struct ScriptedEngine {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

/// One process's view of a [`ScriptedEngine`].
#[derive(Debug, Clone)]
pub struct ScriptedTarget {
    engine: ScriptedEngine,
    process: Arc<faults::Process>,
    stale_after: Duration,
}

impl Default for ScriptedEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl ScriptedEngine {
    /// Makes an engine on which nothing is.
    pub fn new() -> Self {
        Self { state: Arc::new(Mutex::new(State::new())), changed: Arc::new(Notify::new()) }
    }

    /// A new process that looks at it.
    pub fn process(&self) -> ScriptedTarget {
        ScriptedTarget { engine: self.clone(), process: Arc::default(), stale_after: Duration::from_secs(30) }
    }

    /// A process to which every lock's holder seems dead.
    pub fn impatient_process(&self) -> ScriptedTarget {
        ScriptedTarget { stale_after: Duration::ZERO, ..self.process() }
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.now = state.now.checked_add(by).unwrap();
    }

    /// The time on it.
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Says what instances of a release do, whatever their command is. Those that run are changed too.
    pub fn behave(&self, release: &ReleaseId, script: Script) {
        let mut state = self.state();
        state.scripts.insert(release.clone(), script);
        for container in state.containers.values_mut().filter(|container| container.instance.release == *release) {
            container.obey(script);
        }
        self.changed.notify_waiters();
    }

    /// Says how the next one-off containers of a release end, whatever their command is.
    pub fn end_once(&self, release: &ReleaseId, exit_code: i64, lines: &[&str]) {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        self.state().once.insert(release.clone(), (exit_code, lines));
    }

    /// Says how instances of a release answer real requests, whatever their probes say.
    pub fn answer_so(&self, release: &ReleaseId, manner: Manner) {
        self.state().manners.insert(release.clone(), manner);
    }

    /// Lets so many requests come in to each environment between two readings of what happened.
    pub fn load(&self, requests: u32) {
        self.state().load = requests;
    }

    /// Says how often the engine has restarted the instances of a release.
    pub fn restart(&self, release: &ReleaseId, times: u32) {
        let mut state = self.state();
        for container in state.containers.values_mut().filter(|container| container.instance.release == *release) {
            container.instance.restarts = times;
        }
    }

    /// Says what the engine has left.
    pub fn room(&self, room: Room) {
        self.state().room = room;
    }

    /// Lets an instance die, as by a signal; its engine does not start it again.
    pub fn end(&self, instance: &InstanceId) {
        if let Some(container) = self.state().containers.get_mut(instance) {
            container.instance.state = InstanceState::Exited { exit_code: 137, oom: false };
        }
        self.moved();
    }

    /// Takes what has answered under a host name since this was asked last, in order; none where nothing did.
    pub fn witnessed(&self, domain: &str) -> Vec<Option<ReleaseId>> {
        self.state().witnessed.remove(domain).unwrap_or_default()
    }

    /// Notes what answers now, and wakes who waits for a change.
    fn moved(&self) {
        self.state().witness();
        self.changed.notify_waiters();
    }

    /// The share of the requests, in percent, that the side that does not serve gets.
    pub fn share(&self, place: &Place) -> u8 {
        self.state().proxy.get(place).map_or(0, |place| place.share)
    }

    /// The release that answers under a host name: what a request from outside meets.
    pub fn answers(&self, domain: &str) -> Option<ReleaseId> {
        self.state().answer(domain).map(|(_, release)| release)
    }

    /// The release that serves in an environment, by the proxy's word.
    pub fn serving(&self, place: &Place) -> Option<ReleaseId> {
        let state = self.state();
        let side = state.proxy.get(place)?.serving_side()?;
        state.records.get(&side.record).map(|record| record.release.id.clone())
    }

    /// Names of everything that is there: instances, one-off containers, services, volumes. For asserting that nothing is left.
    pub fn everything(&self) -> Vec<String> {
        self.state().everything()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
