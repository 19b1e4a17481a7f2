//! What must be there before instances start: the proxy, the environment's network and its place in the proxy, kept services.

use super::DockerTarget;
use super::scope::key;
use crate::target::proxy::{PlaceState, ProxyState};
use crate::target::{Fence, Foundation, TargetError};

impl DockerTarget {
    pub(super) async fn prepare_place(&self, fence: &Fence, foundation: &Foundation) -> Result<(), TargetError> {
        let place = &fence.place;
        let ground = self.ensure_ground().await?;
        self.expose(&ground, foundation).await?;
        let shared = match self.shared_network().await? {
            Some(shared) => shared,
            None => {
                // The proxy runs without its network's name being known: somebody removed it by force.
                return Err(TargetError::Refused {
                    operation: format!("use network {}", self.options.scope.name()),
                    reason: "it is gone although the proxy runs".to_owned(),
                });
            }
        };
        let network = self.ensure_place_network(place, &shared).await?;
        self.remove_leftovers(place).await?;
        for mount in &foundation.volumes {
            self.ensure_volume(&self.options.scope.volume(place, &mount.name), place, super::scope::Role::Volume).await?;
        }
        self.enter_place(fence, foundation).await?;
        self.ensure_services(place, &network, &foundation.services).await
    }

    /// Makes the environment known to the proxy. A new one needs a reload, which the short lock keeps apart from a `down` that takes
    /// the proxy away because nothing is left.
    async fn enter_place(&self, fence: &Fence, foundation: &Foundation) -> Result<(), TargetError> {
        let place = &fence.place;
        let domain = foundation.domain.as_deref().map(str::to_lowercase).filter(|domain| !domain.is_empty());
        if let Some(domain) = domain.as_deref().filter(|domain| !is_host_name(domain)) {
            return Err(TargetError::Refused {
                operation: format!("route {domain}"),
                reason: "it is no host name: letters, digits, hyphens and dots are allowed".to_owned(),
            });
        }
        let ground = self.ensure_ground().await?;
        let https = match &domain {
            Some(domain) => self.host_https(&ground, place, domain, &foundation.https).await?,
            None => None,
        };
        let enter = |state: &mut ProxyState| {
            if let Some(owner) = domain.as_deref().and_then(|domain| state.owner(domain)).filter(|owner| *owner != place) {
                return Err(TargetError::Refused {
                    operation: format!("route {}", domain.as_deref().unwrap_or_default()),
                    reason: format!("it belongs to {owner}"),
                });
            }
            let here = state.places.entry(key(place)).or_insert_with(|| PlaceState::new(place.clone()));
            here.domains.extend(domain.clone());
            here.https.retain(|host, _| here.domains.contains(host) && domain.as_ref() != Some(host));
            here.https.extend(domain.clone().zip(https.clone()));
            Ok(())
        };
        let known = self.read_state(&ground).await?;
        if known.places.contains_key(&key(place)) {
            let mut wanted = known.clone();
            enter(&mut wanted)?;
            // Most rollouts find it as they want it.
            if wanted != known {
                self.change(Some(fence), place, None, enter).await?;
            }
            return self.await_certificate(fence, &ground, domain.as_deref()).await;
        }
        // `ensure_ground` inside `change` may need the short lock itself, so the proxy is made to run before it is taken.
        let setup = self.hold_setup().await?;
        let entered = match self.ground().await? {
            Some(ground) if ground.running => self.change(Some(fence), place, None, enter).await.map(|_| ()),
            _ => Err(TargetError::Refused {
                operation: "prepare the proxy".to_owned(),
                reason: "it was removed in this moment".to_owned(),
            }),
        };
        self.free_setup(setup).await?;
        entered?;
        self.await_certificate(fence, &ground, domain.as_deref()).await
    }
}

/// Tells whether a text is a host name (RFC 1123, section 2.1).
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        let inside =
            label.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-');
        !label.is_empty() && label.len() <= 63 && inside && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::is_host_name;

    #[test]
    fn host_names_are_told_from_nonsense() {
        for text in ["shop.localhost", "a", "3-x.example.com"] {
            assert!(is_host_name(text), "{text}");
        }
        for text in ["", "shop localhost", "-a", "a..b", "shop;x", "Shop", "shop\nx"] {
            assert!(!is_host_name(text), "{text}");
        }
    }
}
