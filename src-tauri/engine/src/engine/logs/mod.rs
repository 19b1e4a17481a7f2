//! What environments print: collected while it is watched, before an instance is removed and when it is asked for; found again.

mod collect;
mod query;
mod watch;

use std::path::PathBuf;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use self::collect::{CollectError, Collector};
use super::{Engine, place};
use crate::error::EngineError;
use crate::mask::Mask;
use crate::model::{EnvironmentName, Instance, LogStream};
use crate::project::Project;
use crate::store::LogStore;
use crate::store::logs::Source;
use crate::target::{Follow, Keeper, Place, Target};

const STREAMS: [LogStream; 2] = [LogStream::Stdout, LogStream::Stderr];

/// Keeps the last lines of instances that a rollout removes, whoever runs it.
#[derive(Debug)]
pub(super) struct LastLines {
    pub home: PathBuf,
    pub budget: u64,
}

#[async_trait]
impl Keeper for LastLines {
    async fn keep(&self, target: &dyn Target, place: &Place, instance: &Instance) -> Result<(), String> {
        let kept = async {
            let store = LogStore::open(&self.home, &place.project)?;
            let mask = Mask::new(&target.secrets_of(place).await?);
            to_the_end(target, &store, place, instance, &mask, self.budget).await
        };
        kept.await.map_err(|error: CollectError| error.to_string())
    }
}

/// Keeps all that an instance has printed.
async fn to_the_end(
    target: &dyn Target,
    store: &LogStore,
    place: &Place,
    instance: &Instance,
    mask: &Mask,
    budget: u64,
) -> Result<(), CollectError> {
    let streams = STREAMS.map(|stream| {
        let source = Source { environment: place.environment.clone(), instance: instance.clone(), stream };
        async move { Collector { target, store, source, mask: mask.clone(), budget }.read(Follow::Stop, &mut || {}).await }
    });
    try_join_all(streams).await?;
    Ok(())
}

impl Engine {
    /// Keeps all that the instances of an environment have printed by now.
    async fn catch_up(&self, target: &dyn Target, project: &Project, name: &EnvironmentName) -> Result<(), EngineError> {
        let place = place(project, name);
        let instances = target.instances(&place).await?;
        if instances.is_empty() {
            return Ok(());
        }
        let store = LogStore::open(&self.home.data, &place.project)?;
        let mask = Mask::new(&target.secrets_of(&place).await?);
        let budget = project.settings.logs.keep_bytes;
        for instance in &instances {
            to_the_end(target, &store, &place, instance, &mask, budget).await?;
        }
        Ok(())
    }
}

impl From<CollectError> for EngineError {
    fn from(error: CollectError) -> Self {
        match error {
            CollectError::Target(error) => error.into(),
            CollectError::Store(error) => error.into(),
            CollectError::Ended(error) => Self::ours(error.to_string()),
        }
    }
}
