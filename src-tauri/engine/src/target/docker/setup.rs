//! The short lock on what environments share. Held for seconds, by creating a container; left behind by a dead process, it is
//! taken over after a minute of the engine's time.

use std::time::{Duration, Instant};

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::RenameContainerOptionsBuilder;
use jiff::Timestamp;

use super::DockerTarget;
use super::api::{is_conflict, is_missing};
use super::lock::label_of;
use super::scope::{Role, label};
use crate::target::TargetError;

/// Proof of holding the short lock.
pub(super) struct Setup {
    token: String,
}

/// Age after which its holder counts as dead.
const STALE: Duration = Duration::from_secs(60);
/// Time after which somebody who waits gives up.
const PATIENCE: Duration = Duration::from_secs(180);
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(50);

impl DockerTarget {
    /// Takes the short lock; waits while somebody else holds it.
    pub(super) async fn hold_setup(&self) -> Result<Setup, TargetError> {
        let name = self.options.scope.setup_lock();
        let began = Instant::now();
        loop {
            let token = uuid::Uuid::now_v7().simple().to_string();
            let mut labels = self.api.labels(Role::Lock, None);
            labels.insert(label::TOKEN.to_owned(), token.clone());
            let body = ContainerCreateBody {
                image: Some(self.options.proxy_image.clone()),
                entrypoint: Some(vec!["false".to_owned()]),
                labels: Some(labels),
                host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
                ..ContainerCreateBody::default()
            };
            if self.create_named(&name, body).await? {
                return Ok(Setup { token });
            }
            self.depose_setup(&name).await?;
            if began.elapsed() > PATIENCE {
                return Err(TargetError::Refused {
                    operation: "prepare the proxy".to_owned(),
                    reason: format!("another process holds container {name}"),
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Gives the short lock back.
    pub(super) async fn free_setup(&self, setup: Setup) -> Result<(), TargetError> {
        let held = self.api.inspect(&self.options.scope.setup_lock()).await?;
        match held.filter(|container| label_of(container, label::TOKEN).as_ref() == Some(&setup.token)).and_then(|held| held.id) {
            Some(id) => self.api.remove(&id).await,
            None => Ok(()),
        }
    }

    async fn depose_setup(&self, name: &str) -> Result<(), TargetError> {
        let Some(held) = self.api.inspect(name).await? else { return Ok(()) };
        let created = held.created.and_then(|time| Timestamp::from_nanosecond(time.unix_timestamp_nanos()).ok());
        let age = self.engine_time().await?.duration_since(created.unwrap_or_default());
        let (Some(id), true) = (held.id, age.unsigned_abs() > STALE) else { return Ok(()) };
        let options = RenameContainerOptionsBuilder::new().name(&format!("{name}.{}", id.get(..12).unwrap_or(&id))).build();
        match self.api.client.rename_container(&id, options).await {
            Ok(()) => self.api.remove(&id).await,
            Err(error) if is_missing(&error) || is_conflict(&error) => Ok(()),
            Err(error) => Err(self.api.error(format!("rename {name}"), error)),
        }
    }
}
