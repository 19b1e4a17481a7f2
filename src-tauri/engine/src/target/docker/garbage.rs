//! What is ours and what nothing needs, with the bytes that its removal frees.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum, ImageSummary};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, RemoveImageOptionsBuilder,
};

use super::DockerTarget;
use super::api::{is_conflict, is_missing};
use super::scope::{Role, key, label};
use crate::model::{InstanceId, ProjectName, ReleaseId};
use crate::target::{Kept, Place, TargetError, Waste, WasteKind};

/// What the proxy's volume refers to.
#[derive(Default)]
struct Needed {
    places: BTreeSet<String>,
    instances: BTreeSet<InstanceId>,
    /// Releases that serve or are warm, each with its environment.
    releases: BTreeSet<(String, ReleaseId)>,
    images: BTreeSet<String>,
}

impl DockerTarget {
    pub(super) async fn find_waste(&self, kept: &Kept) -> Result<Vec<Waste>, TargetError> {
        let needed = self.needed().await?;
        let options = ListContainersOptionsBuilder::new().all(true).size(true).filters(&self.api.filters(Vec::new())).build();
        let containers = self.api.client.list_containers(Some(options)).await;
        let containers = containers.map_err(|error| self.api.error("list containers", error))?;
        let mut waste = self.wasted_images(kept, &needed).await?;
        for container in &containers {
            if self.is_wasted(container, kept, &needed).await? {
                waste.push(Waste {
                    kind: WasteKind::Container,
                    id: container.id.clone().unwrap_or_default(),
                    name: name_of(container),
                    bytes: container.size_rw.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
                });
            }
        }
        let options = ListNetworksOptionsBuilder::new().filters(&self.api.filters(vec![role(Role::Network)])).build();
        let networks = self.api.client.list_networks(Some(options)).await;
        for network in networks.map_err(|error| self.api.error("list networks", error))? {
            let Some(place) = network.labels.as_ref().and_then(place_of) else { continue };
            let used = containers.iter().any(|container| container.labels.as_ref().and_then(place_of).as_ref() == Some(&place));
            if kept.projects.contains(&place.project) && !needed.places.contains(&key(&place)) && !used {
                let name = network.name.unwrap_or_default();
                waste.push(Waste { kind: WasteKind::Network, id: name.clone(), name, bytes: 0 });
            }
        }
        let names: BTreeSet<&str> = containers.iter().filter_map(|container| label_in(container, label::INSTANCE)).collect();
        for volume in self.volumes(vec![role(Role::Secrets)]).await? {
            let project = volume.labels.get(label::PROJECT).map(|name| ProjectName::from(name.as_str()));
            let orphan = volume.labels.get(label::INSTANCE).is_none_or(|name| !names.contains(name.as_str()));
            if orphan && project.is_some_and(|project| kept.projects.contains(&project)) {
                waste.push(Waste { kind: WasteKind::SecretVolume, id: volume.name.clone(), name: volume.name, bytes: 0 });
            }
        }
        Ok(waste)
    }

    pub(super) async fn remove_waste(&self, waste: &[Waste]) -> Result<u64, TargetError> {
        let needed = self.needed().await?;
        let mut freed = 0;
        for item in waste {
            let removed = match item.kind {
                WasteKind::Image if needed.images.contains(&item.id) => false,
                WasteKind::Image => self.remove_image(&item.id).await?,
                WasteKind::Container if needed.instances.contains(&item.id.as_str().into()) => false,
                WasteKind::Container => self.api.remove(&item.id).await.map(|()| true)?,
                // The engine itself refuses a network or a volume that is in use.
                WasteKind::Network => self.remove_network(&item.id).await.is_ok(),
                WasteKind::SecretVolume => self.remove_volume(&item.id).await.map(|()| true)?,
            };
            freed += if removed { item.bytes } else { 0 };
        }
        Ok(freed)
    }

    async fn remove_image(&self, id: &str) -> Result<bool, TargetError> {
        // Not by force: an image with a name that somebody gave it, or in use, stays.
        let options = RemoveImageOptionsBuilder::new().force(false).build();
        match self.api.client.remove_image(id, Some(options), None).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) || is_conflict(&error) => Ok(false),
            Err(error) => Err(self.api.error(format!("remove image {id}"), error)),
        }
    }

    async fn needed(&self) -> Result<Needed, TargetError> {
        let Some(ground) = self.ground().await? else { return Ok(Needed::default()) };
        loop {
            let state = self.read_state(&ground).await?;
            let mut needed = Needed { places: state.places.keys().cloned().collect(), ..Needed::default() };
            let mut complete = true;
            for (place, here) in &state.places {
                for side in here.sides.values() {
                    needed.instances.extend(side.instances.iter().cloned());
                    match self.read_record(&ground, &side.record).await? {
                        Some(record) => {
                            needed.images.insert(record.release.engine_id.to_string());
                            needed.releases.insert((place.clone(), record.release.id));
                        }
                        None => complete = false,
                    }
                }
            }
            // A record that is missing was replaced since the state was read: an image must not count as waste for that.
            if complete || self.read_state(&ground).await? == state {
                return Ok(needed);
            }
        }
    }

    /// Tells whether a container is what a process left when it died. Nothing of an environment whose lock is held is.
    async fn is_wasted(&self, container: &ContainerSummary, kept: &Kept, needed: &Needed) -> Result<bool, TargetError> {
        let Some(place) = container.labels.as_ref().and_then(place_of) else { return Ok(false) };
        let Some(id) = container.id.as_deref() else { return Ok(false) };
        if !kept.projects.contains(&place.project) {
            return Ok(false);
        }
        let word = label_in(container, label::ROLE).unwrap_or_default();
        let is = |roles: &[Role]| roles.iter().any(|role| role.word() == word);
        if is(&[Role::Lock]) {
            // A lock that was taken over and not removed has another name than the fixed one.
            return Ok(name_of(container) != self.options.scope.lock(&place));
        }
        if is(&[Role::Job]) {
            // A run that goes on has somebody who waits for it, or will find it again; one that ended and lies there has nobody.
            return Ok(container.state != Some(ContainerSummaryStateEnum::RUNNING)
                && container.state != Some(ContainerSummaryStateEnum::CREATED));
        }
        let is_left = if is(&[Role::Web]) {
            !needed.instances.contains(&id.into())
        } else if is(&[Role::Worker]) {
            let release = ReleaseId::from(label_in(container, label::RELEASE).unwrap_or_default());
            !needed.releases.contains(&(key(&place), release))
        } else {
            is(&[Role::Once, Role::Hand])
        };
        Ok(is_left && self.lock_holder(&place).await?.is_none())
    }

    async fn wasted_images(&self, kept: &Kept, needed: &Needed) -> Result<Vec<Waste>, TargetError> {
        let all = self.images(HashMap::new()).await?;
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let containers = self.api.client.list_containers(Some(options)).await;
        let containers = containers.map_err(|error| self.api.error("list containers", error))?;
        let used: BTreeSet<&str> = containers.iter().filter_map(|container| container.image_id.as_deref()).collect();
        let mut wasted = Vec::new();
        for project in &kept.projects {
            let filter = HashMap::from([("label".to_owned(), vec![format!("{}={project}", label::PROJECT)])]);
            for image in self.images(filter).await? {
                let is_kept = kept.images.iter().any(|digest| digest.as_str() == image.id);
                if !is_kept && !used.contains(image.id.as_str()) && !needed.images.contains(&image.id) {
                    wasted.push(image);
                }
            }
        }
        if wasted.is_empty() {
            return Ok(Vec::new());
        }
        // What several of them share counts with the first: always the same one.
        wasted.sort_by(|one, other| (&one.repo_tags, &one.id).cmp(&(&other.repo_tags, &other.id)));
        let wasted_ids: BTreeSet<&str> = wasted.iter().map(|image| image.id.as_str()).collect();
        let mut kept_layers = Vec::new();
        for image in all.iter().filter(|image| !wasted_ids.contains(image.id.as_str())) {
            kept_layers.extend(self.layers(&image.id).await?);
        }
        let bases: BTreeMap<String, u64> =
            kept_layers.iter().filter_map(|image| Some((image.chains.last()?.clone(), image.total))).collect();
        let mut shared: BTreeSet<String> = kept_layers.into_iter().flat_map(|image| image.chains).collect();
        let mut items = Vec::new();
        for image in &wasted {
            let bytes = match self.layers(&image.id).await? {
                Some(layers) => layers.own_bytes(&bases, &mut shared),
                None => continue,
            };
            let short = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
            let name = image.repo_tags.first().cloned().unwrap_or_else(|| short.get(..12).unwrap_or(short).to_owned());
            items.push(Waste { kind: WasteKind::Image, id: image.id.clone(), name, bytes });
        }
        Ok(items)
    }

    async fn images(&self, filters: HashMap<String, Vec<String>>) -> Result<Vec<ImageSummary>, TargetError> {
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        self.api.client.list_images(Some(options)).await.map_err(|error| self.api.error("list images", error))
    }

    /// Reads an image's layers. An image that is gone has none.
    async fn layers(&self, id: &str) -> Result<Option<Layers>, TargetError> {
        let image = match self.api.client.inspect_image(id).await {
            Ok(image) => image,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(self.api.error(format!("inspect image {id}"), error)),
        };
        let mut chain = String::new();
        let layers = image.root_fs.and_then(|root| root.layers).unwrap_or_default();
        let chains: Vec<String> = layers
            .into_iter()
            .map(|layer| {
                chain.push_str(&layer);
                chain.clone()
            })
            .collect();
        // The history comes newest first, and has entries without a layer, whose size is 0. An imported image may have none, for
        // which containerd's store answers `null`, which the client refuses.
        let history = self.api.client.image_history(id).await.unwrap_or_default();
        let sizes: Vec<u64> =
            history.iter().rev().filter_map(|entry| u64::try_from(entry.size).ok()).filter(|size| *size > 0).collect();
        Ok(Some(Layers {
            sizes: (sizes.len() == chains.len()).then_some(sizes),
            chains,
            total: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        }))
    }
}

/// What an image is made of.
struct Layers {
    /// Each layer, named by itself and all below it.
    chains: Vec<String>,
    /// Their sizes in bytes, where the history tells them.
    sizes: Option<Vec<u64>>,
    total: u64,
}

impl Layers {
    /// Returns the bytes of the layers that nothing in `shared` has, and puts them there. Where sizes of layers are not known, it is
    /// what the image has more than the largest of `bases` (by last layer) that it stands on.
    fn own_bytes(&self, bases: &BTreeMap<String, u64>, shared: &mut BTreeSet<String>) -> u64 {
        let fresh: Vec<bool> = self.chains.iter().map(|chain| shared.insert(chain.clone())).collect();
        match &self.sizes {
            Some(sizes) => sizes.iter().zip(fresh).filter(|(_, fresh)| *fresh).map(|(size, _)| size).sum(),
            None if fresh.iter().any(|fresh| *fresh) => {
                let base = self.chains.iter().filter_map(|chain| bases.get(chain)).max();
                self.total.saturating_sub(base.copied().unwrap_or_default())
            }
            None => 0,
        }
    }
}

fn role(role: Role) -> String {
    format!("{}={}", label::ROLE, role.word())
}

fn name_of(container: &ContainerSummary) -> String {
    let name = container.names.as_ref().and_then(|names| names.first()).map(String::as_str).unwrap_or_default();
    name.trim_start_matches('/').to_owned()
}

fn label_in<'a>(container: &'a ContainerSummary, name: &str) -> Option<&'a str> {
    container.labels.as_ref()?.get(name).map(String::as_str)
}

fn place_of(labels: &HashMap<String, String>) -> Option<Place> {
    Some(Place {
        project: labels.get(label::PROJECT)?.as_str().into(),
        environment: labels.get(label::ENVIRONMENT)?.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(chains: &[&str], sizes: Option<&[u64]>, total: u64) -> Layers {
        Layers { chains: chains.iter().map(|chain| (*chain).to_owned()).collect(), sizes: sizes.map(<[u64]>::to_vec), total }
    }

    #[test]
    fn layers_that_others_need_free_nothing() {
        let bases = BTreeMap::from([("base".to_owned(), 100)]);
        let mut shared = BTreeSet::from(["base".to_owned()]);
        let one = layers(&["base", "base+venv", "base+venv+one"], Some(&[100, 40, 2]), 142);
        let two = layers(&["base", "base+venv", "base+venv+two"], Some(&[100, 40, 3]), 143);
        let blind = layers(&["base", "base+other"], None, 107);
        assert_eq!(one.own_bytes(&bases, &mut shared), 42);
        assert_eq!(two.own_bytes(&bases, &mut shared), 3, "the layer that both have is counted once");
        assert_eq!(blind.own_bytes(&bases, &mut shared), 7);
        assert_eq!(blind.own_bytes(&bases, &mut shared), 0);
    }
}
