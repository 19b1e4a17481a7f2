//! One laptop that moves environments of a scripted engine as the engine's use cases do, and what must be there afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nonevent_engine::event::{EventBody, Update};
use nonevent_engine::model::{
    Batch, Instance, InstanceState, Release, RolloutReason, RolloutState, RunId, Strategy, Tolerance, Verdict, VolumeMount,
};
use nonevent_engine::pipeline::Context;
use nonevent_engine::request::{Bake, Consent, Preview};
use nonevent_engine::rollout::{Desired, Finished, Lease, Order, Rollout, RolloutError, recover, recover_beside, warm};
use nonevent_engine::store::Store;
use nonevent_engine::target::{Encryption, Foundation, RootFileSystem, Target};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::scripted::{ScriptedEngine, ScriptedTarget};
use crate::shop::{place, placement, release};

/// A laptop: its memory, and what its runs told.
#[derive(Debug, Clone)]
pub struct Laptop {
    /// Its database.
    pub store: Store,
    /// Stops what it does.
    pub cancel: CancellationToken,
    /// What its runs told.
    pub told: Arc<Mutex<Vec<EventBody>>>,
    /// Whether the person at it agrees when asked.
    pub agrees: bool,
}

impl Default for Laptop {
    fn default() -> Self {
        Self::new()
    }
}

impl Laptop {
    /// A laptop that knows nothing.
    pub fn new() -> Self {
        Self { store: Store::in_memory().unwrap(), cancel: CancellationToken::new(), told: Arc::default(), agrees: true }
    }

    /// The surroundings of one run.
    pub fn context(&self) -> Context {
        let (updates, mut reader) = mpsc::channel(64);
        let cancel = self.cancel.clone();
        let context = Context::new(self.store.clone(), place().project, RunId::generate(), "ann@one".into(), updates, cancel);
        let (told, agrees, approval, cancel) =
            (Arc::clone(&self.told), self.agrees, context.approval().clone(), context.cancel().clone());
        tokio::spawn(async move {
            while let Some(update) = reader.recv().await {
                let Update::Event(event) = update else { continue };
                if matches!(event.body, EventBody::ApprovalWanted { .. }) {
                    if agrees { approval.give() } else { cancel.cancel() }
                }
                told.lock().unwrap().push(event.body);
            }
        });
        context
    }

    /// Moves `local` as every use case does: lock, recovery, rollout.
    ///
    /// # Errors
    /// When it does not get there.
    pub async fn ship(&self, target: &ScriptedTarget, order: &Order) -> Result<Option<Finished>, RolloutError> {
        let context = self.context();
        let lease = Lease::acquire(Arc::new(target.clone()), &place(), "ann@one", "ship").await?;
        let result = self.roll_out(&context, target, &lease, order).await;
        lease.release().await?;
        result
    }

    async fn roll_out(
        &self,
        context: &Context,
        target: &ScriptedTarget,
        lease: &Lease,
        order: &Order,
    ) -> Result<Option<Finished>, RolloutError> {
        let unfinished = self.store.unfinished_rollouts(&place().project, &place().environment)?;
        let observed = target.observe(&place()).await?;
        let warm = warm(&order.desired, &observed);
        recover_beside(context, target, lease.fence(), &unfinished, &observed, warm.as_ref()).await?;
        let Some(mut rollout) = Rollout::begin(context, target, lease, order).await? else { return Ok(None) };
        rollout.move_traffic().await?;
        rollout.settle().await.map(Some)
    }

    /// Does what `nonevent recover` does.
    ///
    /// # Errors
    /// When it does not get there.
    pub async fn try_recover(&self, target: &ScriptedTarget) -> Result<Vec<String>, RolloutError> {
        let context = self.context();
        let lease = Lease::acquire(Arc::new(target.clone()), &place(), "ann@one", "recover").await?;
        let unfinished = self.store.unfinished_rollouts(&place().project, &place().environment)?;
        let done = recover(&context, target, lease.fence(), &unfinished).await;
        lease.release().await?;
        done
    }

    /// The same, where nothing stands in its way.
    pub async fn recover(&self, target: &ScriptedTarget) -> Vec<String> {
        self.try_recover(target).await.unwrap()
    }

    /// How its rollouts ended, the newest first.
    pub fn states(&self) -> Vec<RolloutState> {
        self.store.rollouts(&place().project, None, 100).unwrap().into_iter().map(|rollout| rollout.state).collect()
    }

    /// How many rollouts its journal takes for unfinished.
    pub fn open(&self) -> usize {
        self.store.unfinished_rollouts(&place().project, &place().environment).unwrap().len()
    }

    /// Waits until its readers have read, and returns what was told.
    pub async fn told(&self) -> Vec<EventBody> {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.told.lock().unwrap().clone()
    }

    /// How releases compared.
    pub async fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |body| match body {
            EventBody::ReleasesCompared { verdict, .. } => Some(verdict),
            _ => None,
        };
        self.told().await.into_iter().filter_map(verdict).collect()
    }
}

/// A ship of a release of `shop` to `local`, with this many web instances: blue/green, without a bake.
pub fn order(release: &Release, web: u16) -> Order {
    Order {
        desired: Desired { release: release.clone(), placement: placement(web), reason: RolloutReason::Ship },
        foundation: Foundation {
            domain: Some("shop.localhost".into()),
            https: Encryption::Off,
            port: Some(8000),
            services: BTreeMap::new(),
            volumes: Vec::new(),
        },
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        root: RootFileSystem::ReadOnly,
        drain: Duration::from_secs(1),
        bake: Duration::ZERO,
        wait: Bake::Wait,
        strategy: Strategy::BlueGreen,
        pause: Duration::ZERO,
        tolerance: Tolerance::default(),
        preview: Preview::Tell,
        consent: Consent::Refuse,
        source: None,
    }
}

/// The same, one instance after the other.
pub fn rolling(release: &Release, web: u16) -> Order {
    Order { strategy: Strategy::Rolling { batch: Batch::Instances(1) }, ..order(release, web) }
}

/// The same, with two shares before the switch and a second of bake after it.
pub fn canary(release: &Release, web: u16) -> Order {
    let strategy = Strategy::Canary { steps: vec![10, 50] };
    Order { strategy, pause: Duration::from_secs(1), bake: Duration::from_secs(1), ..order(release, web) }
}

/// A release with a volume that one instance may have at a time.
pub fn single(id: &str) -> Release {
    let mut release = release(id);
    release.app.volumes.push(VolumeMount { name: "data".into(), path: "/data".into(), exclusive: true });
    release
}

/// A ship of such a release, agreed to beforehand.
pub fn alone(release: &Release) -> Order {
    Order { consent: Consent::Given, bake: Duration::from_secs(1), ..order(release, 1) }
}

/// Says what is wrong unless exactly one whole release is there, and nothing besides.
///
/// # Errors
/// When it is not so.
pub async fn is_whole(engine: &ScriptedEngine, release: &Release, web: usize) -> Result<(), String> {
    let observed = engine.process().observe(&place()).await.map_err(|error| error.to_string())?;
    let expect = |holds: bool, otherwise: String| if holds { Ok(()) } else { Err(otherwise) };
    let (serving, answers) = (engine.serving(&place()), engine.answers("shop.localhost"));
    expect(serving.as_ref() == Some(&release.id), format!("{serving:?} serves, not {}", release.id))?;
    expect(answers.as_ref() == Some(&release.id), format!("{answers:?} answers, not {}", release.id))?;
    expect(observed.share == 0, format!("the other side gets {} % of the requests", observed.share))?;
    let resting = observed.serving.map(|side| side.resting).unwrap_or_default();
    expect(resting.is_empty(), format!("{resting:?} rest"))?;
    let told = |one: &Instance| format!("{} of {}, {:?}", one.name, one.release, one.state);
    let there = observed.instances.iter().map(told).collect::<Vec<_>>().join("; ");
    let mut strangers = observed.instances.iter().filter(|one| one.release != release.id || one.state != InstanceState::Running);
    expect(strangers.next().is_none(), format!("not only running instances of {}: {there}", release.id))?;
    let count = |process: &str| observed.instances.iter().filter(|instance| instance.process.as_str() == process).count();
    let workers = release.app.processes.len() - 1;
    expect((count("web"), count("worker")) == (web, workers), format!("{web} × web and {workers} × worker are wanted: {there}"))?;
    expect(observed.lock.is_none(), format!("the lock was left: {:?}", observed.lock))
}

/// Asserts that exactly one whole release is there, and nothing besides.
pub async fn whole(engine: &ScriptedEngine, release: &Release, web: usize, what: &str) {
    is_whole(engine, release, web).await.unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
}
