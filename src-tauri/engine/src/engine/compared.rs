//! What differs between two releases of a project.

use std::path::Path;

use super::{Engine, environment, nothing_serves, place, unknown_release};
use crate::compare::compare;
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{Commits, EnvironmentName, Placement, Release, ReleaseDiff, ReleaseId};
use crate::pipeline::release::by_prefix;
use crate::project;
use crate::target::Record;

impl Engine {
    /// Compares two releases, each named by a unique prefix. Without the second, the first is compared with what serves; without any, what
    /// serves is compared with what served before it.
    ///
    /// # Errors
    /// When there is no such release, or nothing serves and it is asked about.
    pub async fn diff(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<ReleaseDiff, EngineError> {
        let project = self.open_project(folder)?;
        let (name, settings) = environment(&project, name)?;
        let app = &project.settings.app.name;
        let place = place(&project, name);
        // Two releases that are known here need no engine.
        let records = match Docker::connect().await {
            Ok(docker) => {
                let target = self.target(&docker, &project, settings)?;
                self.learn(target.as_ref(), &place).await
            }
            Err(error) => Err(EngineError::from(error)),
        };
        let releases = self.store.releases(app)?;
        let named = |prefix: &str| by_prefix(&releases, prefix).cloned().map_err(unknown_release);
        let serving = || -> Result<Release, EngineError> {
            match &records {
                Ok(records) => {
                    let serving = records.serving.as_ref().ok_or_else(|| nothing_serves(name))?;
                    Ok(serving.release.clone())
                }
                Err(error) => Err(EngineError::user(&error.problem.code, error.problem.message.clone())
                    .with_hints(error.problem.hints.iter().cloned())
                    .with_hint("name two releases to compare them without asking what serves")),
            }
        };
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (named(from)?, named(to)?),
            (Some(from), None) => (named(from)?, serving()?),
            (None, _) => {
                let serving = serving()?;
                let earlier = records.iter().flat_map(|records| &records.earlier).map(|record| record.release.id.clone());
                let before = self.before(&place.project, name, &serving.id, earlier.collect())?;
                let before = before.and_then(|id| releases.iter().find(|release| release.id == id).cloned());
                let none = || {
                    EngineError::user("no_earlier_release", format!("nothing served in {name} before release {}", serving.id))
                        .with_hint("name two of those that `nonevent releases` lists")
                };
                (before.ok_or_else(none)?, serving)
            }
        };
        let placement = |release: &ReleaseId| self.placement_of(&place.project, name, release, records.as_ref().ok());
        let placements = (placement(&from.id)?, placement(&to.id)?);
        let placements = placements.0.as_ref().zip(placements.1.as_ref());
        Ok(compare(&from, &to, placements, commits(&project.root, &from, &to)))
    }

    /// What an environment added to a release when that came there the last time.
    fn placement_of(
        &self,
        project: &crate::model::ProjectName,
        name: &EnvironmentName,
        release: &ReleaseId,
        records: Option<&super::Records>,
    ) -> Result<Option<Placement>, EngineError> {
        let rollouts = self.store.rollouts(project, Some(name), u32::MAX)?;
        let remembered = rollouts.into_iter().find(|rollout| rollout.to == *release).map(|rollout| rollout.placement);
        let all = records.into_iter().flat_map(|records| records.serving.iter().chain(&records.earlier));
        let recorded = all.filter(|record: &&Record| record.release.id == *release).map(|record| record.placement.clone());
        Ok(recorded.chain(remembered).next())
    }
}

fn commits(root: &Path, from: &Release, to: &Release) -> Commits {
    let unknown = |why: &str| Commits { unknown: Some(why.to_owned()), ..Commits::default() };
    let (before, after) = (&from.evidence.source, &to.evidence.source);
    let (Some(old), Some(new)) = (&before.commit, &after.commit) else {
        return unknown("one of the two was not built from a commit");
    };
    let Some(mut commits) = project::commits_between(root, old, new) else {
        return unknown("the repository here does not have both commits");
    };
    if before.dirty || after.dirty {
        commits.unknown = Some("uncommitted changes were built as well".to_owned());
    }
    commits
}
