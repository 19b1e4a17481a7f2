//! Moves requests between the sides, and takes away what serves no longer.

use futures_util::future::try_join_all;

use super::RolloutError;
use super::plan::{Change, ids};
use super::run::Rollout;
use crate::event::EventBody;
use crate::model::{Instance, InstanceId, InstanceState, ProcessName};

impl Rollout<'_> {
    /// Sends a share of the requests to the new instances.
    pub(super) async fn share(&mut self, percent: u8) -> Result<(), RolloutError> {
        self.measure_before().await?;
        self.target.share(self.fence(), percent).await?;
        self.shared = percent;
        Ok(())
    }

    pub(super) async fn switch(&mut self) -> Result<(), RolloutError> {
        self.measure_before().await?;
        self.target.switch(self.fence(), &self.side).await?;
        self.switched = true;
        Ok(())
    }

    /// Takes old instances out of the way of requests and stops them: first those that do not run, for whoever answers is needed, then the
    /// youngest; what has proven itself stays the longest.
    pub(super) async fn rest(&mut self, process: &ProcessName, count: u16) -> Result<(), RolloutError> {
        let Some(serving) = &self.observed.serving else { return Ok(()) };
        let mut awake: Vec<&Instance> = self
            .observed
            .instances
            .iter()
            .filter(|one| one.process == *process && one.rollout == serving.record.rollout && !self.rested.contains(&one.id))
            .collect();
        let runs = |one: &Instance| one.state == InstanceState::Running;
        awake.sort_by(|a, b| {
            runs(a).cmp(&runs(b)).then_with(|| b.started_at.cmp(&a.started_at)).then_with(|| b.name.cmp(&a.name))
        });
        let chosen = ids(awake.into_iter().take(usize::from(count)));
        // Noted first: an answer that is lost leaves them resting all the same.
        self.rested.extend(chosen.iter().cloned());
        let left = self.target.rest(self.fence(), &chosen, self.order.drain).await?;
        self.warn_of_cut(left).await
    }

    pub(super) async fn rescale(&mut self) -> Result<(), RolloutError> {
        let Change::Scale { retire, .. } = &self.change else { return Ok(()) };
        let leaving: Vec<&InstanceId> = retire.iter().map(|instance| &instance.id).collect();
        let serving = self.observed.serving.as_ref().map(|side| side.instances.clone()).unwrap_or_default();
        let mut web: Vec<InstanceId> = serving.into_iter().filter(|id| !leaving.contains(&id)).collect();
        web.extend(ids(self.started.iter().filter(|instance| self.is_web(instance))));
        self.target.rescale(self.fence(), &self.staged_record(), &web).await?;
        self.switched = true;
        Ok(())
    }

    pub(super) async fn drain(&self) -> Result<(), RolloutError> {
        let left = self.target.drain(self.fence(), self.order.drain).await?;
        self.warn_of_cut(left).await
    }

    async fn warn_of_cut(&self, left: u32) -> Result<(), RolloutError> {
        if left > 0 {
            let message = format!("{left} requests were still in flight after {} s and were cut", self.order.drain.as_secs());
            let hint = Some("give them more time with `drain` in the environment's configuration".into());
            self.context.emit(EventBody::WarningRaised { message, hint }).await?;
        }
        Ok(())
    }

    /// What no longer serves: the old instances, the surplus ones, or the new ones after traffic went back.
    fn leaving(&self) -> Vec<&Instance> {
        match &self.change {
            _ if self.went_back.is_some() => self.started.iter().collect(),
            Change::Scale { retire, .. } => retire.iter().collect(),
            Change::Replace => self.observed.instances.iter().collect(),
            Change::Return { to } => self.observed.instances.iter().filter(|instance| instance.rollout != *to).collect(),
            Change::Nothing => Vec::new(),
        }
    }

    pub(super) async fn retire(&self, process: &ProcessName) -> Result<(), RolloutError> {
        // After traffic went back it is the new release's processes that go, whatever those of the old one are called.
        let all = self.went_back.is_some();
        let leaving = self.leaving().into_iter().filter(|instance| all || instance.process == *process);
        try_join_all(leaving.map(|instance| self.target.retire(self.fence(), &instance.id, self.context.lines()))).await?;
        Ok(())
    }

    pub(super) async fn observe(&self) -> Result<(), RolloutError> {
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
}
