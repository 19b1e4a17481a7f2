//! An environment of its own, for one promise.

use std::collections::BTreeMap;

use nonevent_engine::model::{Instance, InstanceId, LogLine, ProbeAttempt, RolloutId};
use nonevent_engine::target::{Encryption, Fence, Foundation, InstanceSpec, Leave, Place, Record, Target};
use tokio::sync::mpsc;

use super::{Behaviour, Reply, World};
use crate::sample;

/// One promise at work: a place of its own, locked.
pub struct Scene<'a> {
    /// Around it.
    pub world: &'a dyn World,
    /// Its environment.
    pub place: Place,
    /// Its lock.
    pub fence: Fence,
    /// Its host name.
    pub domain: String,
}

impl<'a> Scene<'a> {
    /// Locks the `local` environment of a project.
    pub async fn set(world: &'a dyn World, project: &str) -> Self {
        let place = sample::place(project);
        let fence = world.target().lock(&place, &sample::holder("contract@test")).await.unwrap();
        Self { world, place, fence, domain: format!("{project}.localhost") }
    }

    /// The target.
    pub fn target(&self) -> &dyn Target {
        self.world.target()
    }

    /// What an app with one web process stands on.
    pub fn foundation(&self) -> Foundation {
        Foundation {
            domain: Some(self.domain.clone()),
            https: Encryption::Off,
            port: Some(sample::PORT),
            services: BTreeMap::new(),
            volumes: Vec::new(),
        }
    }

    /// Makes it.
    pub async fn prepare(&self) {
        self.target().prepare(&self.fence, &self.foundation()).await.unwrap();
    }

    /// An instance of the web process.
    pub fn web(&self, rollout: &RolloutId, release: &str, behaviour: Behaviour) -> InstanceSpec {
        sample::web(rollout, release, &self.world.image(), self.world.app(behaviour))
    }

    /// The record of a rollout.
    pub fn record(&self, rollout: &RolloutId, release: &str) -> Record {
        sample::record(&self.place, rollout, release, &self.world.image(), &self.domain)
    }

    /// Starts healthy instances and waits until they are.
    pub async fn start(&self, rollout: &RolloutId, release: &str, count: usize) -> Vec<Instance> {
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
    pub async fn stage(&self, rollout: &RolloutId, release: &str, count: usize) -> Vec<Instance> {
        let instances = self.start(rollout, release, count).await;
        self.target().stage(&self.fence, &self.record(rollout, release), &ids(&instances)).await.unwrap();
        instances
    }

    /// Brings a release to serve.
    pub async fn serve(&self, rollout: &RolloutId, release: &str, count: usize) -> Vec<Instance> {
        let instances = self.stage(rollout, release, count).await;
        self.target().switch(&self.fence, rollout).await.unwrap();
        instances
    }

    /// Probes until an attempt is as expected.
    pub async fn await_probe(&self, instance: &Instance, expected: impl Fn(&ProbeAttempt) -> bool) -> ProbeAttempt {
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

    /// Asserts what a request is answered with.
    pub async fn answers(&self, expected: &str) {
        let reply = self.world.request(&self.domain).await;
        assert_eq!(reply, Reply { status: 200, body: expected.to_owned() }, "what {} answers", self.domain);
    }

    /// Asserts that nothing serves.
    pub async fn answers_nothing(&self) {
        let reply = self.world.request(&self.domain).await;
        assert_eq!(reply.status, 503, "what {} answers: {}", self.domain, reply.body);
    }

    /// Retires an instance and returns its last lines.
    pub async fn retire(&self, instance: &Instance) -> Vec<LogLine> {
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
    pub async fn strike(self) {
        self.target().down(&self.fence, Leave::Nothing).await.unwrap();
        self.target().unlock(&self.fence).await.unwrap();
    }
}

/// The ids of instances.
pub fn ids(instances: &[Instance]) -> Vec<InstanceId> {
    instances.iter().map(|instance| instance.id.clone()).collect()
}

/// A rollout by name.
pub fn rollout(name: &str) -> RolloutId {
    name.into()
}

/// A channel for output that nobody reads.
pub fn nowhere() -> mpsc::Sender<LogLine> {
    mpsc::channel(1).0
}
