//! Removing an environment, and what environments share once none is left.

use futures_util::future::try_join_all;

use super::DockerTarget;
use super::scope::{Role, key, label};
use crate::target::proxy::ProxyState;
use crate::target::{Fence, Leave, Place, TargetError};

impl DockerTarget {
    pub(super) async fn remove_place(&self, fence: &Fence, leave: Leave) -> Result<(), TargetError> {
        let place = &fence.place;
        // First no request reaches it, then it ends.
        self.leave_proxy(fence).await?;
        let containers = self.place_containers(place).await?;
        let removals = containers.into_iter().filter_map(|container| {
            let labels = container.labels.unwrap_or_default();
            let id = container.id?;
            let name = container.names.and_then(|names| names.into_iter().next()).unwrap_or_default();
            // The lock is its holder's to give back.
            (labels.get(label::ROLE).map(String::as_str) != Some(Role::Lock.word()))
                .then(|| self.end(place, id, name.trim_start_matches('/').to_owned()))
        });
        try_join_all(removals).await?;
        for volume in self.volumes(place_labels(place)).await? {
            let role = volume.labels.get(label::ROLE).map(String::as_str);
            if leave == Leave::Nothing || role == Some(Role::Secrets.word()) {
                self.remove_volume(&volume.name).await?;
            }
        }
        self.remove_network(&self.options.scope.network(place)).await?;
        self.remove_ground_if_unused().await
    }

    async fn end(&self, place: &Place, id: String, name: String) -> Result<(), TargetError> {
        self.stop(&id, &name).await?;
        if let Some(container) = self.api.inspect(&id).await? {
            let _ = self.keep_output(place, &container).await;
        }
        self.discard(&id, &name).await
    }

    /// Takes the environment out of the proxy. Under the short lock, as entering is: whoever finds that none is left takes the proxy
    /// away, and with it whatever still runs in it.
    async fn leave_proxy(&self, fence: &Fence) -> Result<(), TargetError> {
        let Some(ground) = self.ground().await? else { return Ok(()) };
        let key = key(&fence.place);
        if !self.read_state(&ground).await?.places.contains_key(&key) {
            return Ok(());
        }
        // `change` may need the short lock itself to start a proxy that is stopped.
        self.ensure_ground().await?;
        let setup = self.hold_setup().await?;
        let left = match self.ground().await? {
            Some(_) => {
                let leave = |state: &mut ProxyState| {
                    state.places.remove(&key);
                    Ok(())
                };
                self.change(Some(fence), &fence.place, None, leave).await.map(|_| ())
            }
            None => Ok(()),
        };
        self.free_setup(setup).await?;
        left
    }

    /// Removes proxy, network and volume when no environment is left. Under the short lock, so that nobody enters meanwhile.
    async fn remove_ground_if_unused(&self) -> Result<(), TargetError> {
        self.ensure_proxy_image().await?;
        let setup = self.hold_setup().await?;
        let removed = self.remove_unused_ground().await;
        self.free_setup(setup).await?;
        removed
    }

    async fn remove_unused_ground(&self) -> Result<(), TargetError> {
        if let Some(ground) = self.ground().await? {
            if !self.read_state(&ground).await?.places.is_empty() {
                return Ok(());
            }
            self.api.remove(&ground.container).await?;
        }
        let others = self.api.containers(vec![label::ENVIRONMENT.to_owned()]).await?;
        let alive = others.iter().any(|container| {
            let role = container.labels.as_ref().and_then(|labels| labels.get(label::ROLE)).map(String::as_str);
            role != Some(Role::Lock.word())
        });
        if alive {
            // Instances of an environment that the volume does not know, such as after a proxy was lost: its network stays.
            return Ok(());
        }
        self.remove_volume(&self.options.scope.proxy()).await?;
        self.remove_network(self.options.scope.name()).await
    }
}

fn place_labels(place: &Place) -> Vec<String> {
    vec![format!("{}={}", label::PROJECT, place.project), format!("{}={}", label::ENVIRONMENT, place.environment)]
}
