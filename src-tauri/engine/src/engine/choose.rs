//! Which release a run moves its environment to, and what the target knows of those that served.

use super::{Engine, nothing_serves, place, unknown_release};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{
    EnvironmentName, ProjectName, Release, ReleaseId, RolloutId, RolloutReason, RolloutRecord, RolloutState, RunId,
    unknown_migrations,
};
use crate::pipeline::images;
use crate::pipeline::release::by_prefix;
use crate::project::Project;
use crate::request::Allow;
use crate::rollout;
use crate::target::{Place, Record, Target};

/// Which release a run moves its environment to. Decided once the lock is held: what serves may be another by then.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// The one that was proven, or promoted.
    This(Box<Release>),
    /// The one that serves.
    Serving,
    /// An earlier one, by a prefix of its id; without one, the last known good.
    Earlier(Option<String>),
    /// What was decided before the run began, while this rollout served.
    Decided(Box<Chosen>, Box<Which>),
}

/// A release that was decided on.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub release: Release,
    /// What was passed over because a person said so, in words.
    pub anyway: Option<String>,
    /// The rollout that served when it was decided.
    pub while_served: Option<RolloutId>,
}

/// What a target knows of an environment's releases.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    pub serving: Option<Record>,
    /// What served before, each release once, the last one first.
    pub earlier: Vec<Record>,
    /// Whether this home did not know all of it.
    pub new: bool,
}

impl Engine {
    /// Decides on a release.
    ///
    /// # Errors
    /// When there is no such release, its image is gone, or it may not be gone back to.
    pub(super) async fn choose(
        &self,
        docker: &Docker,
        target: &dyn Target,
        project: &Project,
        name: &EnvironmentName,
        which: &Which,
    ) -> Result<Chosen, EngineError> {
        match which {
            Which::This(release) => Ok(Chosen { release: (**release).clone(), anyway: None, while_served: None }),
            Which::Serving => {
                let observed = target.observe(&place(project, name)).await?;
                let record = observed.serving.ok_or_else(|| nothing_serves(name))?.record;
                Ok(Chosen { release: record.release, anyway: None, while_served: Some(record.rollout) })
            }
            Which::Decided(before, which) => {
                let serving = target.observe(&place(project, name)).await?.serving;
                match serving.map(|side| side.record.rollout) == before.while_served {
                    true => Ok((**before).clone()),
                    false => Box::pin(self.choose(docker, target, project, name, which)).await,
                }
            }
            Which::Earlier(prefix) => {
                let chosen = self.choose_earlier(target, project, name, prefix.as_deref()).await?;
                images::require(docker, &chosen.release).await?;
                Ok(chosen)
            }
        }
    }

    async fn choose_earlier(
        &self,
        target: &dyn Target,
        project: &Project,
        name: &EnvironmentName,
        prefix: Option<&str>,
    ) -> Result<Chosen, EngineError> {
        let place = place(project, name);
        let records = self.learn(target, &place).await?;
        let releases = self.store.releases(&place.project)?;
        let while_served = records.serving.as_ref().map(|record| record.rollout.clone());
        let serving = records.serving.map(|record| record.release);
        let release = match prefix {
            Some(prefix) => {
                let unknown = |error| match project.settings.environments.keys().find(|name| name.as_str() == prefix) {
                    Some(name) => {
                        let hint = format!("`{name}` is an environment: `nonevent rollback -e {name}` goes back there");
                        unknown_release(error).with_hint(hint)
                    }
                    None => unknown_release(error),
                };
                by_prefix(&releases, prefix).map_err(unknown)?.clone()
            }
            None => {
                let serving = serving.as_ref().ok_or_else(|| nothing_serves(name))?;
                let earlier = records.earlier.iter().map(|record| record.release.id.clone()).collect();
                let before = self.before(&place.project, name, &serving.id, earlier)?;
                let none = || {
                    EngineError::user("no_earlier_release", format!("no earlier release of {} is known in {name}", place.project))
                        .with_hint("`nonevent releases` lists what there is")
                };
                let found = before.and_then(|id| releases.iter().find(|release| release.id == id).cloned());
                found.ok_or_else(none)?
            }
        };
        let anyway = match serving {
            Some(serving) => self.refuse_ahead(&place, &serving, &release, &releases)?,
            None => None,
        };
        Ok(Chosen { release, anyway, while_served })
    }

    /// The release that served before the present one and was never found failing: by what the target keeps, which every laptop sees,
    /// else by what this home remembers.
    pub(super) fn before(
        &self,
        project: &ProjectName,
        name: &EnvironmentName,
        serving: &ReleaseId,
        earlier: Vec<ReleaseId>,
    ) -> Result<Option<ReleaseId>, EngineError> {
        let rollouts = self.store.rollouts(project, Some(name), u32::MAX)?;
        let last = |release: &ReleaseId| {
            rollouts.iter().find(|rollout| rollout.to == *release && rollout.state != RolloutState::Cancelled)
        };
        let failed = |release: &ReleaseId| last(release).is_some_and(|rollout| rollout.state == RolloutState::Failed);
        let good = rollouts.iter().filter(|rollout| matches!(rollout.state, RolloutState::Succeeded | RolloutState::Recovered));
        let remembered = good.map(|rollout| rollout.to.clone());
        Ok(earlier.into_iter().chain(remembered).find(|release| release != serving && !failed(release)))
    }

    /// Refuses a release that does not know what was done to the database, unless a person said that it may be: then it is returned what
    /// was passed over.
    fn refuse_ahead(
        &self,
        place: &Place,
        serving: &Release,
        release: &Release,
        releases: &[Release],
    ) -> Result<Option<String>, EngineError> {
        if release.evidence.format < SAYS_MIGRATIONS {
            return Ok(None);
        }
        for applied in self.whose_schema(place, serving, releases)? {
            let unknown = unknown_migrations(&applied.evidence.migrations, &release.evidence.migrations);
            let Some(first) = unknown.first() else { continue };
            let more = match unknown.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            let how = match &applied.settings.before_start {
                Some(_) => "was applied by",
                None => "came with",
            };
            let words =
                format!("migration {first}{more} {how} release {}, and release {} does not know it", applied.id, release.id);
            return match self.asked.anyway {
                Allow::Yes => Ok(Some(words)),
                Allow::No => Err(EngineError::user("schema_ahead", format!("{} was not touched: {words}", place.environment))
                    .with_cause("an app that reads a schema which is ahead of it may fail, or write what is wrong")
                    .with_hint(
                        "take the migration back by the project's own tool in a new release, or ship a release that knows it",
                    )
                    .with_hint(
                        "if the older code can live with the newer schema, go back with `--anyway`; the history keeps that",
                    )
                    .with_details(unknown)),
            };
        }
        Ok(None)
    }

    /// The releases whose migrations are in the database: the one that serves, and those that were left by going back anyway.
    fn whose_schema(&self, place: &Place, serving: &Release, releases: &[Release]) -> Result<Vec<Release>, EngineError> {
        let rollouts = self.store.rollouts(&place.project, Some(&place.environment), u32::MAX)?;
        let mut applied = vec![serving.clone()];
        let moved = |rollout: &&RolloutRecord| !matches!(rollout.state, RolloutState::Failed | RolloutState::Cancelled);
        for rollout in rollouts.iter().filter(moved) {
            match (&rollout.anyway, &rollout.from) {
                (Some(_), Some(left)) => applied.extend(releases.iter().find(|release| release.id == *left).cloned()),
                // Fresh instances of the same release change nothing about it.
                _ if rollout.from.as_ref() == Some(&rollout.to) => {}
                _ => break,
            }
        }
        Ok(applied)
    }

    /// Learns what served and serves from the target, so that this home can show it and go back to it.
    ///
    /// # Errors
    /// When the target does not answer, or the memory of the home cannot be written.
    pub(super) async fn learn(&self, target: &dyn Target, place: &Place) -> Result<Records, EngineError> {
        let observed = target.observe(place).await?;
        let earlier = target.earlier(place).await?;
        let serving = observed.serving.map(|side| side.record);
        let (mut before, mut new) = (None, false);
        // The oldest first, so that each knows what it came after.
        for record in earlier.iter().rev().chain(&serving) {
            new |= self.store.remember_release(&record.release)?;
            new |= self.store.remember_rollout(&remembered(place, record, before.take()))?;
            before = Some(record.release.id.clone());
        }
        if let Some(idle) = &observed.idle {
            new |= self.store.remember_release(&idle.record.release)?;
        }
        Ok(Records { serving, earlier, new })
    }

    /// The release that serves in the environment before, once it has finished its bake there.
    pub(super) async fn promoted(
        &self,
        target: &dyn Target,
        project: &Project,
        before: &EnvironmentName,
    ) -> Result<Release, EngineError> {
        let observed = target.observe(&place(project, before)).await?;
        let Some(serving) = &observed.serving else {
            return Err(EngineError::user(
                "not_promotable",
                format!("nothing serves in {before}, from where a release would come"),
            )
            .with_hint(format!("run `nonevent ship {before}` first")));
        };
        let bakes = self.store.unfinished_rollouts(&project.settings.app.name, before)?;
        if !bakes.is_empty() || !rollout::leftovers(&observed).is_empty() {
            return Err(EngineError::user(
                "not_promotable",
                format!("release {} has not finished its bake in {before}", serving.record.release.id),
            )
            .with_hint(format!("wait for it, or run `nonevent ship {before}` again to end it")));
        }
        self.store.remember_release(&serving.record.release)?;
        Ok(serving.record.release.clone())
    }
}

/// The version of the evidence's shape from which on it says which migrations a source knows.
const SAYS_MIGRATIONS: u32 = 3;

/// A rollout of another laptop, as far as the target tells of it.
fn remembered(place: &Place, record: &Record, from: Option<ReleaseId>) -> RolloutRecord {
    RolloutRecord {
        id: record.rollout.clone(),
        run: RunId::new(""),
        project: place.project.clone(),
        environment: place.environment.clone(),
        reason: record.reason.unwrap_or(RolloutReason::Ship),
        from,
        to: record.release.id.clone(),
        placement: record.placement.clone(),
        state: RolloutState::Succeeded,
        failure: None,
        diagnosis: None,
        started_at: record.staged_at.clone(),
        finished_at: None,
        by: record.by.clone().unwrap_or_else(|| "another laptop".to_owned()),
        message: record.message.clone(),
        anyway: record.anyway.clone(),
        steps: Vec::new(),
    }
}
