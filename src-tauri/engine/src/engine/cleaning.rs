//! Cleaning: what is ours on an engine and no longer needed.

use super::Engine;
use crate::docker::Docker;
use crate::error::EngineError;
use crate::image::tool_volumes;
use crate::pipeline::images;
use crate::request::{Garbage, Sweep};
use crate::target::Target;
use crate::target::docker::DockerTarget;
use crate::{gauntlet, process};

impl Engine {
    /// Finds, or removes, what is ours and no longer needed.
    ///
    /// # Errors
    /// When no engine answers.
    pub async fn gc(&self, sweep: Sweep) -> Result<Garbage, EngineError> {
        let docker = Docker::connect().await?;
        let target = DockerTarget::new(&docker, self.options(images::PROXY.to_owned()))?;
        // What other laptops released stays as well: without knowing of it, their images would look like waste.
        let known = self.store.projects()?;
        for place in target.places().await?.into_iter().filter(|place| known.iter().any(|known| known.name == place.project)) {
            self.learn(&target, &place).await?;
        }
        let waste = target.garbage(&self.kept()?).await?;
        if sweep == Sweep::Remove {
            target.sweep(&waste).await?;
        }
        let mut items: Vec<(String, u64)> =
            waste.iter().map(|one| (format!("{} {}", one.kind.word(), one.name), one.bytes)).collect();
        items.extend(self.wasted_caches(&docker, sweep).await?);
        Ok(Garbage { bytes: items.iter().map(|(_, bytes)| bytes).sum(), items })
    }

    /// Finds, or removes, tools' caches of projects whose folder is gone, and those that were not used for a month.
    async fn wasted_caches(&self, docker: &Docker, sweep: Sweep) -> Result<Vec<(String, u64)>, EngineError> {
        let projects = self.store.projects()?;
        let mut items = Vec::new();
        for (project, cache) in self.store.gate_caches()? {
            let lives = projects.iter().any(|known| known.name == project && known.folder.is_dir());
            let spared = usize::from(lives && !cache.is_unused());
            for tools in tool_volumes(docker, &project).await?.into_iter().rev().skip(spared) {
                if is_removed(docker, &tools, sweep).await {
                    items.push((format!("volume {tools}"), 0));
                }
            }
            if spared == 0 && is_removed(docker, &gauntlet::cache::volume(&project), sweep).await {
                items.push((format!("caches of the gates of {project}"), cache.bytes));
                if sweep == Sweep::Remove {
                    self.store.forget_gate_cache(&project)?;
                }
            }
        }
        Ok(items)
    }

    /// Takes away what gates of a run left whose process is gone.
    pub(super) async fn clean_after_dead_runs(&self, docker: &Docker) -> Result<(), EngineError> {
        let dead = self.store.abandon_dead_runs(process::still_runs)?;
        if let Err(error) = gauntlet::clean_leftovers(docker, &dead).await {
            tracing::warn!(%error, "what an ended run left behind was not taken away");
        }
        Ok(())
    }
}

/// Removes a volume of gates, or says that it would be.
async fn is_removed(docker: &Docker, volume: &str, sweep: Sweep) -> bool {
    match sweep {
        Sweep::Tell => true,
        Sweep::Remove => gauntlet::cache::remove(docker, volume).await.unwrap_or_else(|error| {
            tracing::warn!(volume, %error, "a volume of gates was not removed");
            false
        }),
    }
}
