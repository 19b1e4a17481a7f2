//! Does a plan's steps, each journaled before and after.
//!
//! Until the switch every error undoes what was begun and leaves what serves untouched. After it, what is left is clean-up, which the next
//! start can finish as well.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::bake::{Back, Measured};
use super::plan::{Change, Circumstances, Desired, change, ids, plan};
use super::restore::restore;
use super::scene::{Scene, Source};
use super::{Lease, RolloutError};
use crate::event::{EventBody, Question};
use crate::mask::Mask;
use crate::model::{
    Diagnosis, Guarantee, Instance, InstanceId, Plan, PlannedStep, ProcessKind, Release, RolloutId, RolloutReason, RolloutRecord,
    RolloutState, StepKind, StepState, Strategy, Tolerance,
};
use crate::pipeline::Context;
use crate::request::{Bake, Consent, Preview};
use crate::store::now;
use crate::target::{Fence, Foundation, Observed, Record, Room, RootFileSystem, Secret, Target};

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
    /// How the environment moves.
    pub strategy: Strategy,
    /// Time that each step of a canary, or each batch, is watched.
    pub pause: Duration,
    /// How much worse than the old release the new one may be.
    pub tolerance: Tolerance,
    /// Whether to wait for a look at the new instances.
    pub preview: Preview,
    /// What happens when requests may be lost.
    pub consent: Consent,
    /// The source of the release, where it is at hand: it helps to explain failures, and nothing else.
    pub source: Option<Source>,
}

/// Lines of a command before the start that are kept: as many as its exception may have.
pub(super) const ONCE_LINES: usize = 400;

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

/// Rollouts before that are looked at for how long this one takes.
const EARLIER: u32 = 10;

/// A rollout that goes on.
pub struct Rollout<'a> {
    pub(super) context: &'a Context,
    pub(super) target: &'a dyn Target,
    lease: &'a Lease,
    pub(super) order: &'a Order,
    /// Takes the values of secrets out of what is kept.
    mask: Mask,
    pub(super) plan: Plan,
    /// The environment as it was when the rollout began.
    pub(super) observed: Observed,
    pub(super) change: Change,
    pub(super) record: RolloutRecord,
    /// The rollout whose side the new instances are behind.
    pub(super) side: RolloutId,
    pub(super) started: Vec<Instance>,
    /// How many of those were found healthy, the first ones.
    pub(super) healthy: usize,
    /// Old instances that were stopped and can be started again.
    pub(super) rested: Vec<InstanceId>,
    /// Percent of the requests that the new instances get before the switch.
    pub(super) shared: u8,
    pub(super) switched: bool,
    /// Where only the new instances answer.
    pub(super) preview: Option<String>,
    pub(super) measured: Option<Measured>,
    /// Why traffic went back after the switch, when it did.
    pub(super) went_back: Option<Box<Back>>,
    /// Whether a person no longer wanted to wait for the bake.
    left: bool,
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
        Self::begin_from(context, target, lease, order, observed).await
    }

    /// The same for an environment that was observed just now.
    ///
    /// # Errors
    /// As [`Rollout::begin`].
    pub async fn begin_from(
        context: &'a Context,
        target: &'a dyn Target,
        lease: &'a Lease,
        order: &'a Order,
        observed: Observed,
    ) -> Result<Option<Self>, RolloutError> {
        let change = change(&order.desired, &observed);
        if change == Change::Nothing {
            return Ok(None);
        }
        let circumstances = circumstances(context, target, order, &observed, &change).await?;
        let plan = plan(&order.desired, &observed, &circumstances);
        let id = RolloutId::generate();
        // Added instances belong to the rollout whose side they join.
        let side = match (&change, &observed.serving) {
            (Change::Scale { .. }, Some(serving)) => serving.record.rollout.clone(),
            (Change::Return { to }, _) => to.clone(),
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
        let started = match &change {
            Change::Return { to } => observed.instances.iter().filter(|instance| instance.rollout == *to).cloned().collect(),
            Change::Nothing | Change::Scale { .. } | Change::Replace => Vec::new(),
        };
        Ok(Some(Self {
            context,
            target,
            lease,
            order,
            // Whoever knows more values than those of this order, such as those of the instances before, says so by the context.
            mask: if context.mask().is_empty() { Mask::new(order.secrets.values()) } else { context.mask().clone() },
            plan,
            observed,
            change,
            record,
            side,
            started,
            healthy: 0,
            rested: Vec::new(),
            shared: 0,
            switched: false,
            preview: None,
            measured: None,
            went_back: None,
            left: false,
        }))
    }

    /// Starts fresh instances, waits until they are healthy, and moves traffic.
    ///
    /// # Errors
    /// When it does not get there. What serves was not touched then, and nothing new is left behind.
    pub async fn move_traffic(&mut self) -> Result<(), RolloutError> {
        if let Err(error) = self.agree().await {
            self.fail(&error).await;
            return Err(error);
        }
        self.walk(|step| !is_after_switch(step)).await
    }

    /// Has somebody agree, where requests that are answered now may be lost.
    async fn agree(&self) -> Result<(), RolloutError> {
        let (Guarantee::No { because }, Some(_)) = (&self.plan.guarantee, &self.observed.serving) else { return Ok(()) };
        match self.order.consent {
            Consent::Given => Ok(()),
            Consent::Ask => self.ask(Question::Downtime { because: because.clone() }).await,
            Consent::Refuse => {
                let environment = self.record.environment.clone();
                Err(RolloutError::NotAgreed { environment, because: because.clone() })
            }
        }
    }

    /// Waits until somebody agrees; whoever does not stops the run.
    async fn ask(&self, question: Question) -> Result<(), RolloutError> {
        self.context.emit(EventBody::ApprovalWanted { rollout: self.record.id.clone(), question }).await?;
        let serving = self.observed.serving.as_ref().map(|side| side.record.release.id.clone());
        tokio::select! {
            biased;
            () = self.context.cancel().cancelled() => Err(RolloutError::Cancelled { serving }),
            () = self.context.approval().given() => Ok(()),
        }
    }

    pub(super) async fn approve(&self) -> Result<(), RolloutError> {
        self.ask(Question::Preview { url: self.preview.clone() }).await
    }

    async fn watch_share(&mut self) -> Result<(), RolloutError> {
        match self.watch(self.order.pause).await? {
            None => Ok(()),
            Some(back) => {
                if let Some(diagnosis) = &back.diagnosis {
                    self.record_diagnosis(diagnosis).await?;
                }
                Err(self.went_back_error(back))
            }
        }
    }

    async fn bake(&mut self) -> Result<(), RolloutError> {
        if self.order.bake.is_zero() {
            return Ok(());
        }
        self.context.store().mark_baking(&self.record.id)?;
        match self.watch(self.order.bake).await? {
            None => Ok(()),
            Some(back) => self.go_back(back).await,
        }
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
        if self.left {
            return Ok(Finished::Baking);
        }
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
            if self.left {
                break;
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
        if self.switched && *kind != StepKind::Bake {
            return self.step(kind).await;
        }
        let cancel = self.context.cancel().clone();
        let lost = self.lease.lost().clone();
        let serving = self.observed.serving.as_ref().map(|side| side.record.release.id.clone());
        let switched = self.switched;
        let stopped = tokio::select! {
            biased;
            () = lost.cancelled() => return Err(self.lease.lost_to().await.into()),
            () = cancel.cancelled() => !switched,
            result = self.step(kind) => return result,
        };
        if stopped {
            return Err(RolloutError::Cancelled { serving });
        }
        // Nobody waits any longer: the old instances stay warm, and the next start ends the bake.
        self.left = true;
        Ok(())
    }

    async fn step(&mut self, kind: &StepKind) -> Result<(), RolloutError> {
        match kind {
            StepKind::Prepare => Ok(self.target.prepare(self.fence(), &self.order.foundation).await?),
            StepKind::BeforeStart => self.before_start().await,
            StepKind::Start { process, count } => self.start(process, *count).await,
            StepKind::Await => self.await_healthy().await,
            StepKind::Approve => self.approve().await,
            StepKind::Share { percent } => self.share(*percent).await,
            StepKind::Watch => self.watch_share().await,
            StepKind::Rest { process, count } => self.rest(process, *count).await,
            StepKind::Switch => self.switch().await,
            StepKind::Rescale => self.rescale().await,
            StepKind::Bake => self.bake().await,
            StepKind::Drain => self.drain().await,
            StepKind::Retire { process, .. } => self.retire(process).await,
            StepKind::Observe => self.observe().await,
        }
    }

    pub(super) fn fence(&self) -> &Fence {
        self.lease.fence()
    }

    pub(super) fn release(&self) -> &Release {
        &self.order.desired.release
    }

    pub(super) fn is_web(&self, instance: &Instance) -> bool {
        self.release()
            .app
            .processes
            .iter()
            .any(|process| process.name == instance.process && matches!(process.kind, ProcessKind::Web { .. }))
    }

    pub(super) fn staged_record(&self) -> Record {
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

    pub(super) fn scene(&self) -> Scene<'_> {
        Scene {
            domain: &self.order.desired.placement.domain,
            framework: self.release().app.framework,
            source: self.order.source.as_ref(),
            mask: &self.mask,
        }
    }

    pub(super) async fn record_diagnosis(&self, diagnosis: &Diagnosis) -> Result<(), RolloutError> {
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
        let state = match error {
            RolloutError::WentBack { .. } => RolloutState::WentBack,
            RolloutError::Cancelled { .. } | RolloutError::NotAgreed { .. } => RolloutState::Cancelled,
            _ => RolloutState::Failed,
        };
        match self.context.store().finish_rollout(&self.record, state, serving, Some(error.to_string())) {
            Ok(event) => self.context.send(event).await,
            Err(error) => tracing::warn!(%error, "the journal could not be ended; the next start does it"),
        }
    }

    async fn undo(&self) -> Result<(), RolloutError> {
        if matches!(self.change, Change::Return { .. }) {
            return Ok(());
        }
        self.target.end_once(self.fence()).await?;
        // A start that failed or was stopped halfway may have left an instance that never got into `started`.
        let before: Vec<&InstanceId> = self.observed.instances.iter().map(|instance| &instance.id).collect();
        let now = self.target.observe(&self.fence().place).await?;
        let begun = now.instances.iter().filter(|instance| instance.rollout == self.side && !before.contains(&&instance.id));
        restore(self.context, self.target, self.fence(), &ids(begun), self.order.drain).await?;
        Ok(())
    }
}

/// Finds out what the plan depends on. What cannot be found out about the engine is left open.
async fn circumstances(
    context: &Context,
    target: &dyn Target,
    order: &Order,
    observed: &Observed,
    change: &Change,
) -> Result<Circumstances, RolloutError> {
    // Whoever goes back is in a hurry, and what is wanted back ran here before.
    let room = match change {
        Change::Return { .. } | Change::Nothing => Room::default(),
        _ if order.desired.reason == RolloutReason::Rollback => Room::default(),
        Change::Scale { .. } | Change::Replace => target.room(&ids(&observed.instances)).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what the engine has left is not known");
            Room::default()
        }),
    };
    Ok(Circumstances {
        strategy: order.strategy.clone(),
        pause: order.pause,
        bake: order.bake,
        preview: order.preview,
        room,
        earlier: context.store().rollouts(context.project(), Some(&order.desired.placement.environment), EARLIER)?,
    })
}

fn is_after_switch(step: &StepKind) -> bool {
    matches!(step, StepKind::Bake | StepKind::Drain | StepKind::Retire { .. } | StepKind::Observe)
}
