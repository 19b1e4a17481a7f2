//! What every target must do, asked of any of them: [`contract`] runs all of it against a [`World`].
//!
//! Each promise has a project of its own, so that they do not meet, and leaves nothing behind.

mod ends;
mod instances;
mod locks;
mod rollouts;

use async_trait::async_trait;
use nonevent_engine::model::{CommandLine, Digest, Instance, InstanceId, LogLine, ProbeAttempt, RolloutId};
use nonevent_engine::target::{Fence, Foundation, InstanceSpec, Place, Record, Target};
use tokio::sync::mpsc;

use crate::sample;

/// What a test app does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It answers every request with 200 and the value of its variable `RELEASE`.
    Healthy,
    /// It answers 503 `database is locked`.
    Sick,
    /// It prints `boom` and ends with exit code 3.
    Crash,
    /// It prints `working` and goes on without listening.
    Idle,
}

/// What came back through the public door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// A request that is in flight until it is finished.
#[async_trait]
pub trait Held: Send {
    /// Lets it end, and returns what came back.
    async fn finish(self: Box<Self>) -> Reply;
}

/// A target, and what a test needs around it.
#[async_trait]
pub trait World: Sync {
    /// The target.
    fn target(&self) -> &dyn Target;

    /// The same engine, as a process sees it to which every lock's holder seems dead.
    fn impatient(&self) -> &dyn Target;

    /// An image in which the commands below can run.
    fn image(&self) -> Digest;

    /// The command of an app.
    fn app(&self, behaviour: Behaviour) -> CommandLine;

    /// A command that prints a text and ends.
    fn command(&self, text: &str, exit_code: u8) -> CommandLine;

    /// Sends one request to a host name, from outside.
    async fn request(&self, domain: &str) -> Reply;

    /// Sends the first half of a request, so that it is in flight.
    async fn hold(&self, domain: &str) -> Box<dyn Held>;
}

/// Asks a target everything that it must do.
///
/// # Panics
/// When it does not.
pub async fn contract(world: &dyn World) {
    locks::one_holder_at_a_time(world).await;
    locks::a_dead_holder_is_succeeded_and_fenced_off(world).await;
    rollouts::nothing_is_there_at_first(world).await;
    rollouts::a_first_release_serves_after_the_switch_and_not_before(world).await;
    rollouts::releases_take_turns_and_the_old_one_stays_warm(world).await;
    rollouts::a_new_staging_displaces_the_warm_side(world).await;
    rollouts::what_is_not_staged_cannot_serve(world).await;
    rollouts::scaling_replaces_nobody(world).await;
    rollouts::requests_in_flight_are_waited_for(world).await;
    rollouts::a_worker_serves_without_a_host_name(world).await;
    rollouts::a_host_name_belongs_to_one_environment(world).await;
    instances::a_probe_tells_what_it_saw(world).await;
    instances::an_instance_that_ended_says_so_and_leaves_its_last_lines(world).await;
    instances::one_off_commands_run_and_leave_nothing(world).await;
    instances::commands_run_inside_instances(world).await;
    instances::output_is_followed_across_instances(world).await;
    ends::down_leaves_nothing_and_can_be_repeated(world).await;
    ends::what_a_dead_process_left_is_waste(world).await;
}

/// One promise at work: a place of its own, locked.
struct Stage<'a> {
    world: &'a dyn World,
    place: Place,
    fence: Fence,
    domain: String,
}

impl<'a> Stage<'a> {
    async fn set(world: &'a dyn World, project: &str) -> Self {
        let place = sample::place(project);
        let fence = world.target().lock(&place, &sample::holder("contract@test")).await.unwrap();
        Self { world, place, fence, domain: format!("{project}.localhost") }
    }

    fn target(&self) -> &dyn Target {
        self.world.target()
    }

    fn foundation(&self) -> Foundation {
        Foundation {
            domain: Some(self.domain.clone()),
            port: Some(sample::PORT),
            services: std::collections::BTreeMap::new(),
            volumes: Vec::new(),
        }
    }

    async fn prepare(&self) {
        self.target().prepare(&self.fence, &self.foundation()).await.unwrap();
    }

    fn web(&self, rollout: &RolloutId, release: &str, behaviour: Behaviour) -> InstanceSpec {
        sample::web(rollout, release, &self.world.image(), self.world.app(behaviour))
    }

    fn record(&self, rollout: &RolloutId, release: &str) -> Record {
        sample::record(&self.place, rollout, release, &self.world.image(), &self.domain)
    }

    /// Starts healthy instances and waits until they are.
    async fn start(&self, rollout: &RolloutId, release: &str, count: usize) -> Vec<Instance> {
        let mut instances = Vec::new();
        for _ in 0..count {
            let spec = self.web(rollout, release, Behaviour::Healthy);
            instances.push(self.target().start(&self.fence, &spec).await.unwrap());
        }
        for instance in &instances {
            self.await_probe(instance, |attempt| attempt.outcome.passed()).await;
        }
        instances
    }

    /// Starts and stages a release; it does not serve yet.
    async fn stage(&self, rollout: &RolloutId, release: &str, count: usize) -> Vec<Instance> {
        let instances = self.start(rollout, release, count).await;
        self.target().stage(&self.fence, &self.record(rollout, release), &ids(&instances)).await.unwrap();
        instances
    }

    /// Brings a release to serve.
    async fn serve(&self, rollout: &RolloutId, release: &str, count: usize) -> Vec<Instance> {
        let instances = self.stage(rollout, release, count).await;
        self.target().switch(&self.fence, rollout).await.unwrap();
        instances
    }

    /// Probes until an attempt is as expected.
    async fn await_probe(&self, instance: &Instance, expected: impl Fn(&ProbeAttempt) -> bool) -> ProbeAttempt {
        let check = sample::health("/healthz");
        let mut last = None;
        for _ in 0..300 {
            let attempt = self.target().probe(&self.place, instance, &check, &self.domain).await.unwrap();
            if expected(&attempt) {
                return attempt;
            }
            last = Some(attempt);
            tokio::time::sleep(check.interval).await;
        }
        panic!("no probe was as expected, the last one was {last:?}");
    }

    async fn answers(&self, expected: &str) {
        let reply = self.world.request(&self.domain).await;
        assert_eq!(reply, Reply { status: 200, body: expected.to_owned() }, "what {} answers", self.domain);
    }

    async fn answers_nothing(&self) {
        let reply = self.world.request(&self.domain).await;
        assert_eq!(reply.status, 503, "what {} answers: {}", self.domain, reply.body);
    }

    async fn retire(&self, instance: &Instance) -> Vec<LogLine> {
        let (sink, mut lines) = mpsc::channel(1000);
        self.target().retire(&self.fence, &instance.id, &sink).await.unwrap();
        drop(sink);
        let mut all = Vec::new();
        while let Some(line) = lines.recv().await {
            all.push(line);
        }
        all
    }

    /// Removes everything and gives the lock back.
    async fn strike(self) {
        self.target().down(&self.fence, nonevent_engine::target::Leave::Nothing).await.unwrap();
        self.target().unlock(&self.fence).await.unwrap();
    }
}

fn ids(instances: &[Instance]) -> Vec<InstanceId> {
    instances.iter().map(|instance| instance.id.clone()).collect()
}

fn rollout(name: &str) -> RolloutId {
    name.into()
}

/// A channel for output that nobody reads.
fn nowhere() -> mpsc::Sender<LogLine> {
    mpsc::channel(1).0
}
