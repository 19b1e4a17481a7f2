//! Does a plan's steps, each journaled before and after.
//!
//! Until the switch every error undoes what was begun and leaves what serves untouched. After it, what is left is clean-up, which the next
//! start can finish as well.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use crate::event::EventBody;
use crate::model::{
    Diagnosis, HealthCheck, HealthProbe, Instance, InstanceId, Plan, PlannedStep, ProcessKind, Release, RolloutId, RolloutReason,
    RolloutRecord, RolloutState, StepKind, StepState,
};
use crate::pipeline::Context;
use crate::request::Bake;
use crate::store::now;
use crate::target::{Fence, Foundation, InstanceSpec, Observed, Record, RootFileSystem, Secret, Target};

use super::plan::{Change, Desired, change, ids, plan};
use super::scene::{Scene, Source};
use super::watch::{AwaitError, Failing, Watched, bake, until_healthy};
use super::{Lease, RolloutError};

/// Everything that a rollout needs to know.
#[derive(Debug, Clone)]
pub struct Order {
    /// What the environment should be.
    pub desired: Desired,
    /// What must be there before instances start.
    pub foundation: Foundation,
    /// Variables of every instance: services', the app's and the environment's, in this order of precedence.
    pub env: BTreeMap<String, String>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether instances may write to their root.
    pub root: RootFileSystem,
    /// Time that requests in flight have to end.
    pub drain: Duration,
    /// Time that old instances stay warm after the switch.
    pub bake: Duration,
    /// Whether to wait for it.
    pub wait: Bake,
    /// The source of the release, where it is at hand: it helps to explain failures, and nothing else.
    pub source: Option<Source>,
}

/// Lines of a command before the start that are kept: as many as its exception may have.
const ONCE_LINES: usize = 400;

/// How a rollout ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// Instances were added or removed.
    Scaled,
    /// Traffic moved.
    Switched,
    /// Traffic moved; the old instances stay warm until the next start ends the bake.
    Baking,
}

/// A rollout that goes on.
pub struct Rollout<'a> {
    context: &'a Context,
    target: &'a dyn Target,
    lease: &'a Lease,
    order: &'a Order,
    plan: Plan,
    /// The environment as it was when the rollout began.
    observed: Observed,
    change: Change,
    record: RolloutRecord,
    /// The rollout whose side the new instances are behind.
    side: RolloutId,
    started: Vec<Instance>,
    switched: bool,
    /// Why traffic went back, when it did while the release baked.
    went_back: Option<Box<Failing>>,
}

impl<'a> Rollout<'a> {
    /// Plans and journals a rollout; `None` when there is nothing to do.
    ///
    /// # Errors
    /// When the target does not answer or the journal cannot be written.
    pub async fn begin(
        context: &'a Context,
        target: &'a dyn Target,
        lease: &'a Lease,
        order: &'a Order,
    ) -> Result<Option<Self>, RolloutError> {
        let observed = target.observe(&lease.fence().place).await?;
        let change = change(&order.desired, &observed);
        if change == Change::Nothing {
            return Ok(None);
        }
        let plan = plan(&order.desired, &observed);
        let id = RolloutId::generate();
        // Added instances belong to the rollout whose side they join.
        let side = match (&change, &observed.serving) {
            (Change::Scale { .. }, Some(serving)) => serving.record.rollout.clone(),
            _ => id.clone(),
        };
        let record = RolloutRecord {
            id,
            run: context.run().clone(),
            project: context.project().clone(),
            environment: plan.environment.clone(),
            reason: plan.reason,
            from: plan.from.clone(),
            to: plan.to.clone(),
            placement: order.desired.placement.clone(),
            state: RolloutState::Running,
            failure: None,
            diagnosis: None,
            started_at: now(),
            finished_at: None,
            by: context.by().to_owned(),
            message: context.asked().message.clone(),
            anyway: context.anyway().map(str::to_owned),
            steps: Vec::new(),
        };
        context.send(context.store().begin_rollout(&record, &plan)?).await;
        let (started, switched, went_back) = (Vec::new(), false, None);
        Ok(Some(Self { context, target, lease, order, plan, observed, change, record, side, started, switched, went_back }))
    }

    /// Starts fresh instances, waits until they are healthy, and moves traffic.
    ///
    /// # Errors
    /// When it does not get there. What serves was not touched then, and nothing new is left behind.
    pub async fn move_traffic(&mut self) -> Result<(), RolloutError> {
        self.walk(|step| !is_after_switch(step)).await
    }

    /// Watches the new release while it bakes, then retires what no longer serves.
    ///
    /// # Errors
    /// When traffic went back while it baked, or the target could not do its part; the next start ends the clean-up then.
    pub async fn settle(&mut self) -> Result<Finished, RolloutError> {
        if self.order.wait == Bake::Detach && !self.order.bake.is_zero() && self.observed.serving.is_some() {
            self.context.store().mark_baking(&self.record.id)?;
            return Ok(Finished::Baking);
        }
        self.walk(is_after_switch).await?;
        if let Some(failing) = self.went_back.take() {
            let error = self.went_back_error(*failing);
            self.fail(&error).await;
            return Err(error);
        }
        let serving = Some(self.release().id.clone());
        let event = self.context.store().finish_rollout(&self.record, RolloutState::Succeeded, serving, None)?;
        self.context.send(event).await;
        Ok(if self.record.reason == RolloutReason::Scale { Finished::Scaled } else { Finished::Switched })
    }

    async fn walk(&mut self, wanted: impl Fn(&StepKind) -> bool) -> Result<(), RolloutError> {
        for (position, step) in self.plan.steps.clone().iter().enumerate().filter(|(_, step)| wanted(&step.kind)) {
            if let Err(error) = self.journaled(u32::try_from(position).unwrap_or(u32::MAX), step).await {
                self.fail(&error).await;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn journaled(&mut self, position: u32, step: &PlannedStep) -> Result<(), RolloutError> {
        let journal = self.context.store().start_step(&self.record, position, &step.kind, &step.title)?;
        self.context.send(journal).await;
        let began = Instant::now();
        let result = self.interruptible(&step.kind).await;
        let state = if result.is_ok() { StepState::Done } else { StepState::Failed };
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let journal = self.context.store().finish_step(&self.record, position, &step.kind, &step.title, state, took)?;
        self.context.send(journal).await;
        result
    }

    /// Does a step; up to the switch a person may stop it, and so may the loss of the lock.
    async fn interruptible(&mut self, kind: &StepKind) -> Result<(), RolloutError> {
        let cancel = self.context.cancel().clone();
        let lease = self.lease;
        let lost = lease.lost().clone();
        if self.switched && *kind != StepKind::Bake {
            return self.step(kind).await;
        }
        let serving = self.observed.serving.as_ref().map(|side| side.record.release.id.clone());
        let switched = self.switched;
        tokio::select! {
            biased;
            () = lost.cancelled() => Err(lease.lost_to().await.into()),
            () = cancel.cancelled() => if switched { Ok(()) } else { Err(RolloutError::Cancelled { serving }) },
            result = self.step(kind) => result,
        }
    }

    async fn step(&mut self, kind: &StepKind) -> Result<(), RolloutError> {
        match kind {
            StepKind::Prepare => Ok(self.target.prepare(self.fence(), &self.order.foundation).await?),
            StepKind::BeforeStart => self.before_start().await,
            StepKind::Start { process, count } => self.start(process, *count).await,
            StepKind::Await => self.await_healthy().await,
            StepKind::Switch => self.switch().await,
            StepKind::Rescale => self.rescale().await,
            StepKind::Bake => self.bake().await,
            StepKind::Drain => self.drain().await,
            StepKind::Retire { process, .. } => self.retire(process).await,
            StepKind::Observe => self.observe().await,
        }
    }

    fn fence(&self) -> &Fence {
        self.lease.fence()
    }

    fn release(&self) -> &Release {
        &self.order.desired.release
    }

    fn is_web(&self, instance: &Instance) -> bool {
        self.release()
            .app
            .processes
            .iter()
            .any(|process| process.name == instance.process && matches!(process.kind, ProcessKind::Web { .. }))
    }

    fn staged_record(&self) -> Record {
        Record {
            format: 1,
            rollout: self.side.clone(),
            release: self.release().clone(),
            placement: self.order.desired.placement.clone(),
            staged_at: now(),
            by: Some(self.record.by.clone()),
            reason: Some(self.record.reason),
            message: self.record.message.clone(),
            anyway: self.record.anyway.clone(),
        }
    }

    fn spec(&self, process: &crate::model::Process) -> InstanceSpec {
        let port = match process.kind {
            ProcessKind::Web { port } => Some(port),
            ProcessKind::Worker => None,
        };
        let mut env = self.order.env.clone();
        if let Some(port) = port {
            env.insert("PORT".into(), port.to_string());
        }
        InstanceSpec {
            process: process.name.clone(),
            release: self.release().id.clone(),
            rollout: self.side.clone(),
            image: self.release().engine_id.clone(),
            command: process.command.clone(),
            env,
            secrets: self.order.secrets.clone(),
            secret_delivery: self.order.desired.placement.secret_delivery,
            port,
            resources: self.order.desired.placement.resources,
            volumes: self.release().app.volumes.clone(),
            stop_grace: process.stop_grace,
            root: self.order.root,
        }
    }

    async fn before_start(&self) -> Result<(), RolloutError> {
        let release = self.release();
        let (Some(command), Some(process)) = (&release.settings.before_start, release.app.processes.first()) else {
            return Ok(());
        };
        let spec = InstanceSpec { command: command.clone(), port: None, ..self.spec(process) };
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1024);
        let once = async {
            let exit = self.target.run_once(self.fence(), &spec, &sender).await;
            drop(sender);
            exit
        };
        let read = async {
            let mut tail = std::collections::VecDeque::new();
            while let Some(line) = receiver.recv().await {
                if tail.len() == ONCE_LINES {
                    tail.pop_front();
                }
                tail.push_back(line.clone());
                self.context.line(line);
            }
            Vec::from(tail)
        };
        let (exit, mut lines) = tokio::join!(once, read);
        self.scene().hide_secrets(&mut lines, &mut []);
        self.context.store().keep_lines(&self.record.id, &lines)?;
        let exit = exit?;
        if exit.exit_code == 0 {
            return Ok(());
        }
        let (diagnosis, tail) = self.scene().diagnose_once(process.name.as_str(), exit, lines).await;
        self.record_diagnosis(&diagnosis).await?;
        Err(RolloutError::BeforeStartFailed {
            environment: self.record.environment.clone(),
            command: command.display(),
            exit_code: exit.exit_code,
            tail,
            diagnosis: Box::new(diagnosis),
        })
    }

    async fn start(&mut self, name: &crate::model::ProcessName, count: u16) -> Result<(), RolloutError> {
        let Some(process) = self.release().app.processes.iter().find(|process| process.name == *name) else { return Ok(()) };
        let spec = self.spec(process);
        let started = try_join_all((0..count).map(|_| self.target.start(self.fence(), &spec))).await?;
        self.started.extend(started);
        Ok(())
    }

    fn watched(&self) -> Vec<Watched> {
        let check = &self.release().health;
        self.started
            .iter()
            .map(|instance| Watched {
                instance: instance.clone(),
                check: if self.is_web(instance) {
                    check.clone()
                } else {
                    HealthCheck { probe: HealthProbe::Running, ..check.clone() }
                },
            })
            .collect()
    }

    async fn await_healthy(&self) -> Result<(), RolloutError> {
        let web: Vec<InstanceId> = ids(self.started.iter().filter(|instance| self.is_web(instance)));
        self.target.stage(self.fence(), &self.staged_record(), &web).await?;
        let place = &self.fence().place;
        match until_healthy(self.context, self.target, place, &self.scene(), &self.watched()).await {
            Ok(()) => Ok(()),
            Err(AwaitError::Rollout(error)) => Err(error),
            Err(AwaitError::Failing(failing)) => {
                self.record_diagnosis(&failing.diagnosis).await?;
                Err(RolloutError::NeverHealthy {
                    environment: self.record.environment.clone(),
                    instance: failing.instance,
                    state: failing.state,
                    transcript: failing.transcript,
                    tail: failing.tail,
                    diagnosis: Box::new(failing.diagnosis),
                })
            }
        }
    }

    async fn switch(&mut self) -> Result<(), RolloutError> {
        self.target.switch(self.fence(), &self.side).await?;
        self.switched = true;
        Ok(())
    }

    async fn rescale(&mut self) -> Result<(), RolloutError> {
        let Change::Scale { retire, .. } = &self.change else { return Ok(()) };
        let leaving: Vec<&InstanceId> = retire.iter().map(|instance| &instance.id).collect();
        let serving = self.observed.serving.as_ref().map(|side| side.instances.clone()).unwrap_or_default();
        let mut web: Vec<InstanceId> = serving.into_iter().filter(|id| !leaving.contains(&id)).collect();
        web.extend(ids(self.started.iter().filter(|instance| self.is_web(instance))));
        self.target.rescale(self.fence(), &self.staged_record(), &web).await?;
        self.switched = true;
        Ok(())
    }

    async fn bake(&mut self) -> Result<(), RolloutError> {
        if self.order.bake.is_zero() {
            return Ok(());
        }
        self.context.store().mark_baking(&self.record.id)?;
        let place = &self.fence().place;
        let failing = bake(self.target, place, &self.scene(), &self.watched(), self.order.bake).await?;
        if let (Some(failing), Some(old)) = (failing, &self.observed.serving) {
            self.target.switch(self.fence(), &old.record.rollout).await?;
            self.record_diagnosis(&failing.diagnosis).await?;
            self.went_back = Some(Box::new(failing));
        }
        Ok(())
    }

    async fn drain(&self) -> Result<(), RolloutError> {
        let left = self.target.drain(self.fence(), self.order.drain).await?;
        if left > 0 {
            let message = format!("{left} requests were still in flight after {} s and were cut", self.order.drain.as_secs());
            let hint = Some("give them more time with `drain` in the environment's configuration".into());
            self.context.emit(EventBody::WarningRaised { message, hint }).await?;
        }
        Ok(())
    }

    /// What no longer serves: the old instances, the surplus ones, or the new ones after traffic went back.
    fn leaving(&self) -> &[Instance] {
        match &self.change {
            _ if self.went_back.is_some() => &self.started,
            Change::Scale { retire, .. } => retire,
            Change::Replace => &self.observed.instances,
            Change::Nothing => &[],
        }
    }

    async fn retire(&self, process: &crate::model::ProcessName) -> Result<(), RolloutError> {
        let leaving = self.leaving().iter().filter(|instance| instance.process == *process);
        try_join_all(leaving.map(|instance| self.target.retire(self.fence(), &instance.id, self.context.lines()))).await?;
        Ok(())
    }

    async fn observe(&self) -> Result<(), RolloutError> {
        let observed = self.target.observe(&self.fence().place).await?;
        let found = observed.serving.map(|side| side.record.release.id);
        let expected = match (&self.went_back, &self.observed.serving) {
            (Some(_), Some(old)) => old.record.release.id.clone(),
            _ => self.release().id.clone(),
        };
        if found.as_ref() == Some(&expected) {
            return Ok(());
        }
        Err(RolloutError::NotObserved { environment: self.record.environment.clone(), expected, found })
    }

    fn went_back_error(&self, failing: Failing) -> RolloutError {
        let to = self.observed.serving.as_ref().map_or_else(|| self.release().id.clone(), |side| side.record.release.id.clone());
        RolloutError::WentBack {
            environment: self.record.environment.clone(),
            to,
            instance: failing.instance,
            transcript: failing.transcript,
            tail: failing.tail,
            diagnosis: Box::new(failing.diagnosis),
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            domain: &self.order.desired.placement.domain,
            framework: self.release().app.framework,
            source: self.order.source.as_ref(),
            secrets: self.order.secrets.values().collect(),
        }
    }

    async fn record_diagnosis(&self, diagnosis: &Diagnosis) -> Result<(), RolloutError> {
        let event = self.context.store().record_diagnosis(&self.record, diagnosis)?;
        self.context.send(event).await;
        Ok(())
    }

    /// Takes away what was begun, if traffic has not moved, and ends the journal.
    async fn fail(&mut self, error: &RolloutError) {
        if !self.switched
            && let Err(undo) = self.undo().await
        {
            tracing::warn!(error = %undo, "what was begun could not be taken away; the next start does it");
            // The journal stays open, so that the next start knows.
            return;
        }
        let serving = match self.target.observe(&self.fence().place).await {
            Ok(observed) => observed.serving.map(|side| side.record.release.id),
            Err(_) => None,
        };
        match self.context.store().finish_rollout(&self.record, RolloutState::Failed, serving, Some(error.to_string())) {
            Ok(event) => self.context.send(event).await,
            Err(error) => tracing::warn!(%error, "the journal could not be ended; the next start does it"),
        }
    }

    async fn undo(&self) -> Result<(), RolloutError> {
        // A start that failed or was stopped halfway may have left an instance that never got into `started`.
        let before: Vec<&InstanceId> = self.observed.instances.iter().map(|instance| &instance.id).collect();
        let now = self.target.observe(&self.fence().place).await?;
        let begun = now.instances.iter().filter(|instance| instance.rollout == self.side && !before.contains(&&instance.id));
        try_join_all(begun.map(|instance| self.target.retire(self.fence(), &instance.id, self.context.lines()))).await?;
        Ok(())
    }
}

fn is_after_switch(step: &StepKind) -> bool {
    matches!(step, StepKind::Bake | StepKind::Drain | StepKind::Retire { .. } | StepKind::Observe)
}
