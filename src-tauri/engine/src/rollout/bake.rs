//! Watches a new release beside the old one, and goes back when it is worse.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::compare::{Record, compare};
use super::restore::wake;
use super::run::Rollout;
use super::watch::{Failing, TAIL, TRANSCRIPT, Watched, evidence, state_of};
use super::{RolloutError, plan};
use crate::event::EventBody;
use crate::model::{Diagnosis, InstanceId, LogLine, ProbeAttempt, ReleaseId, StepKind, Verdict};
use crate::target::{Since, TargetError, Traffic};

/// Failures in a row that speak against a release.
const FAILURES: u32 = 3;
/// Time before the switch in which the old release's requests are counted.
const LOOK_BACK: Duration = Duration::from_secs(60);
/// Time between two looks while a release is watched, at most.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

/// What is known of both releases since requests reach the new one.
#[derive(Debug, Default)]
pub(super) struct Measured {
    old: Record,
    new: Record,
    /// Restarts of the new instances before requests reached them.
    restarts_before: u32,
    /// Where reading the requests goes on; none when they cannot be read.
    cursor: Option<String>,
    since: Option<Instant>,
}

/// Why traffic goes back.
#[derive(Debug)]
pub(super) struct Back {
    pub reason: String,
    pub transcript: Vec<ProbeAttempt>,
    pub tail: Vec<LogLine>,
    pub diagnosis: Option<Diagnosis>,
}

impl Back {
    fn failing(failing: Failing) -> Self {
        let reason = format!("{} of the new release failed its probes", failing.instance);
        Self { reason, transcript: failing.transcript, tail: failing.tail, diagnosis: Some(failing.diagnosis) }
    }
}

impl Rollout<'_> {
    /// Counts the old release's last requests before the new one gets any. Does so once.
    pub(super) async fn measure_before(&mut self) -> Result<(), RolloutError> {
        let (Some(serving), false) = (&self.observed.serving, self.measured.is_some()) else { return Ok(()) };
        let bakes = |kind: &StepKind| matches!(kind, StepKind::Watch) || (*kind == StepKind::Bake && !self.order.bake.is_zero());
        if !self.plan.steps.iter().any(|step| bakes(&step.kind)) {
            return Ok(());
        }
        let age = serving.record.staged_at.parse::<jiff::Timestamp>().ok();
        let age = age.and_then(|at| Duration::try_from(jiff::Timestamp::now().duration_since(at)).ok()).unwrap_or_default();
        let observed = self.target.observe(&self.fence().place).await?;
        let restarts = |instances: &[crate::model::Instance], of: &crate::model::RolloutId| {
            let of = instances.iter().filter(|instance| instance.rollout == *of);
            of.fold((0_u32, 0_usize), |(sum, count), instance| (sum.saturating_add(instance.restarts), count + 1))
        };
        let (old_restarts, old_instances) = restarts(&observed.instances, &serving.record.rollout);
        let mut measured = Measured {
            old: Record { restarts: old_restarts, instances: old_instances, time: age, ..Record::default() },
            new: Record { instances: self.started.len(), ..Record::default() },
            restarts_before: restarts(&observed.instances, &self.side).0,
            cursor: None,
            since: Some(Instant::now()),
        };
        if let Some(traffic) = self.traffic(&Since::Ago(LOOK_BACK.min(age))).await {
            measured.old.traffic = traffic.sides.get(&serving.record.rollout).cloned().unwrap_or_default();
            measured.cursor = Some(traffic.until);
        }
        self.measured = Some(measured);
        Ok(())
    }

    /// Watches the new release for a time, and tells at its end how it compares; returns why traffic has to go back, if it has.
    pub(super) async fn watch(&mut self, time: Duration) -> Result<Option<Back>, RolloutError> {
        let end = Instant::now() + time;
        let watched = self.watched();
        let mut failures = vec![(0_u32, VecDeque::new()); watched.len()];
        let interval = watched.iter().map(|one| one.check.interval).min().unwrap_or(time).min(LONGEST_INTERVAL);
        loop {
            if let Some(back) = self.probe_all(&watched, &mut failures, time).await? {
                return Ok(Some(back));
            }
            let verdict = self.judge().await?;
            let over = Instant::now() >= end;
            if let Some(verdict) = verdict.filter(|verdict| over || verdict.worse.is_some()) {
                let rollout = self.record.id.clone();
                self.context.emit(EventBody::ReleasesCompared { rollout, verdict: verdict.clone() }).await?;
                if let Some(reason) = verdict.worse {
                    return Ok(Some(self.back(reason, &watched).await?));
                }
            }
            if over {
                return Ok(None);
            }
            tokio::time::sleep_until(end.min(Instant::now() + interval)).await;
        }
    }

    async fn probe_all(
        &self,
        watched: &[Watched],
        failures: &mut [(u32, VecDeque<ProbeAttempt>)],
        time: Duration,
    ) -> Result<Option<Back>, RolloutError> {
        let place = &self.fence().place;
        let scene = self.scene();
        for (one, (in_a_row, transcript)) in watched.iter().zip(failures) {
            let attempt = self.target.probe(place, &one.instance, &one.check, scene.domain).await?;
            if attempt.outcome.passed() {
                *in_a_row = 0;
                transcript.clear();
                continue;
            }
            *in_a_row += 1;
            if transcript.len() == TRANSCRIPT {
                transcript.pop_front();
            }
            transcript.push_back(attempt);
            if *in_a_row >= FAILURES {
                if self.old_fails_too().await? {
                    let message = format!("{} fails its probes, and so do the old release's instances", one.instance.name);
                    let hint = "what both need is missing; going back would not help".to_owned();
                    self.context.emit(EventBody::WarningRaised { message, hint: Some(hint) }).await?;
                    *in_a_row = 0;
                    continue;
                }
                let state = state_of(self.target, place, &one.instance).await?;
                let transcript = std::mem::take(transcript);
                let failing = evidence(self.target, place, one, state, transcript, &scene, time).await;
                return Ok(Some(Back::failing(failing)));
            }
        }
        Ok(None)
    }

    /// Tells whether no instance of the old release that is still warm passes its probe: then something else is wrong.
    async fn old_fails_too(&self) -> Result<bool, RolloutError> {
        let Some(old) = &self.observed.serving else { return Ok(false) };
        let rested = &self.rested;
        let warm: Vec<_> =
            self.observed.instances.iter().filter(|one| old.instances.contains(&one.id) && !rested.contains(&one.id)).collect();
        for instance in &warm {
            let check = &old.record.release.health;
            let domain = &old.record.placement.domain;
            if self.target.probe(&self.fence().place, instance, check, domain).await?.outcome.passed() {
                return Ok(false);
            }
        }
        Ok(!warm.is_empty())
    }

    /// Reads what happened since the last look and compares.
    async fn judge(&mut self) -> Result<Option<Verdict>, RolloutError> {
        let Some(mut measured) = self.measured.take() else { return Ok(None) };
        let observed = self.target.observe(&self.fence().place).await?;
        let started: Vec<InstanceId> = plan::ids(&self.started);
        let restarts = observed.instances.iter().filter(|instance| started.contains(&instance.id));
        let restarts = restarts.fold(0_u32, |sum, instance| sum.saturating_add(instance.restarts));
        measured.new.restarts = restarts.saturating_sub(measured.restarts_before);
        measured.new.instances = self.started.len();
        measured.new.time = measured.since.map(|since| since.elapsed()).unwrap_or_default();
        let cursor = measured.cursor.clone().map(Since::After);
        if let Some(since) = cursor
            && let Some(traffic) = self.traffic(&since).await
        {
            if let Some(new) = traffic.sides.get(&self.side) {
                measured.new.traffic.add(new);
            }
            let old = self.observed.serving.as_ref().and_then(|serving| traffic.sides.get(&serving.record.rollout));
            if let Some(old) = old {
                measured.old.traffic.add(old);
            }
            measured.cursor = Some(traffic.until);
        }
        let verdict = compare(&measured.new, &measured.old, &self.order.tolerance);
        self.measured = Some(measured);
        Ok(Some(verdict))
    }

    /// What cannot be counted is not compared: that is no reason to stop.
    async fn traffic(&self, since: &Since) -> Option<Traffic> {
        match self.target.traffic(&self.fence().place, since).await {
            Ok(traffic) => Some(traffic),
            Err(error) => {
                tracing::warn!(%error, "requests could not be counted");
                None
            }
        }
    }

    /// Adds to a reason what the worst instance printed.
    async fn back(&self, reason: String, watched: &[Watched]) -> Result<Back, TargetError> {
        let place = &self.fence().place;
        let observed = self.target.observe(place).await?;
        let restarts = |watched: &&Watched| {
            let now = observed.instances.iter().find(|instance| instance.id == watched.instance.id);
            now.map_or(0, |instance| instance.restarts)
        };
        let mut tail = Vec::new();
        if let Some(worst) = watched.iter().max_by_key(restarts) {
            let mut lines = match self.target.examine(place, &worst.instance.id).await {
                Ok(examined) => examined.lines,
                Err(_) => Vec::new(),
            };
            self.scene().hide_secrets(&mut lines, &mut []);
            tail = lines.split_off(lines.len().saturating_sub(TAIL));
        }
        Ok(Back { reason, transcript: Vec::new(), tail, diagnosis: None })
    }

    /// Sends requests back to the old release after the switch, waking what rests of it.
    pub(super) async fn go_back(&mut self, back: Back) -> Result<(), RolloutError> {
        let Some(old) = self.observed.serving.clone() else { return Ok(()) };
        let now = self.target.observe(&self.fence().place).await?;
        let idle = now.idle.clone().filter(|idle| idle.record.rollout == old.record.rollout);
        if let Some(idle) = &idle {
            if plan::exclusive(self.release()).is_some() {
                self.target.rest(self.fence(), &plan::ids(&self.started), self.order.drain).await?;
            }
            wake(self.context, self.target, self.fence(), idle, &now).await?;
        }
        self.target.switch(self.fence(), &old.record.rollout).await?;
        if let Some(diagnosis) = &back.diagnosis {
            self.record_diagnosis(diagnosis).await?;
        }
        self.went_back = Some(Box::new(back));
        Ok(())
    }

    pub(super) fn went_back_error(&self, back: Back) -> RolloutError {
        let to = self.observed.serving.as_ref().map_or_else(|| self.release().id.clone(), |side| side.record.release.id.clone());
        RolloutError::WentBack {
            environment: self.record.environment.clone(),
            to,
            from: ReleaseId::clone(&self.release().id),
            reason: back.reason,
            transcript: back.transcript,
            tail: back.tail,
            diagnosis: back.diagnosis.map(Box::new),
        }
    }
}
