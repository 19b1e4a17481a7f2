//! Staging, switching, rescaling: moves of the proxy's state that the environment's fence guards.

use super::DockerTarget;
use super::route::NamedRecord;
use super::scope::{key, label};
use crate::model::{HealthProbe, InstanceId, RolloutId};
use crate::target::proxy::{CheckKind, Member, NewSide, PlaceState, ProxyState, SLOTS, StateError};
use crate::target::{Fence, Place, Record, TargetError};

impl DockerTarget {
    pub(super) async fn stage_side(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError> {
        let (named, side) = self.new_side(&fence.place, record, instances).await?;
        self.change_place(fence, Some(&named), move |place| place.stage(side.clone())).await
    }

    pub(super) async fn rescale_side(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError> {
        let (named, side) = self.new_side(&fence.place, record, instances).await?;
        self.change_place(fence, Some(&named), move |place| place.rescale(side.clone())).await
    }

    pub(super) async fn switch_to(&self, fence: &Fence, rollout: &RolloutId) -> Result<(), TargetError> {
        self.change_place(fence, None, |place| place.switch(rollout)).await
    }

    /// Takes an instance out of the proxy before it is stopped.
    pub(super) async fn forget_instance(&self, fence: &Fence, instance: &InstanceId) -> Result<(), TargetError> {
        let place = &fence.place;
        let Some(ground) = self.ground().await? else { return Ok(()) };
        let known = |state: &ProxyState| {
            let here = state.places.get(&key(place));
            here.is_some_and(|here| here.sides.values().any(|side| side.instances.contains(instance)))
        };
        // Most often it was never staged, or its side is gone: then there is nothing to change.
        if known(&self.read_state(&ground).await?) {
            self.change_place(fence, None, |place| place.forget(instance)).await?;
        }
        Ok(())
    }

    pub(super) async fn change_place<F>(&self, fence: &Fence, record: Option<&NamedRecord>, edit: F) -> Result<(), TargetError>
    where
        F: Fn(&mut PlaceState) -> Result<(), StateError> + Send + Sync,
    {
        let place = &fence.place;
        let edit = |state: &mut ProxyState| {
            let here = state.places.entry(key(place)).or_insert_with(|| PlaceState::new(place.clone()));
            edit(here).map_err(|error| match error {
                StateError::TooMany { asked } => TargetError::TooManyInstances { asked, most: usize::from(SLOTS) },
                StateError::NothingStaged(rollout) => TargetError::NothingStaged { rollout: rollout.to_string() },
                StateError::NothingToShare(percent) => TargetError::NothingStaged { rollout: format!("{percent} percent") },
                StateError::Serves(instance) => TargetError::Refused {
                    operation: format!("retire instance {}", short(&instance)),
                    reason: "requests reach it".to_owned(),
                },
            })
        };
        self.change(Some(fence), place, record, edit).await.map(|_| ())
    }

    async fn new_side(
        &self,
        place: &Place,
        record: &Record,
        instances: &[InstanceId],
    ) -> Result<(NamedRecord, NewSide), TargetError> {
        let containers = self.place_containers(place).await?;
        let mut members = Vec::new();
        for instance in instances {
            let labels = containers
                .iter()
                .find(|container| container.id.as_deref() == Some(instance.as_str()))
                .and_then(|container| container.labels.as_ref())
                .ok_or_else(|| TargetError::Refused {
                    operation: format!("stage instance {}", short(instance)),
                    reason: "it does not exist".to_owned(),
                })?;
            let address = labels.get(label::ADDRESS).and_then(|text| text.parse().ok());
            let port = labels.get(label::PORT).and_then(|text| text.parse().ok());
            members.push(Member { instance: instance.clone(), listens: address.zip(port) });
        }
        let named = NamedRecord::new(place, record)?;
        let listens = members.iter().any(|member| member.listens.is_some());
        let (check, path) = match &record.release.health.probe {
            HealthProbe::Http { path } => (CheckKind::Http, plain_path(path)),
            HealthProbe::Tcp | HealthProbe::Command(_) | HealthProbe::Running => (CheckKind::Tcp, "/".to_owned()),
        };
        let side = NewSide {
            rollout: record.rollout.clone(),
            release: record.release.id.clone(),
            record: named.file.clone(),
            domain: if listens { record.placement.domain.to_lowercase() } else { String::new() },
            check,
            path,
            members,
        };
        Ok((named, side))
    }
}

/// Returns the first digits of a container's id.
pub(super) fn short(instance: &InstanceId) -> &str {
    instance.as_str().get(..12).unwrap_or(instance.as_str())
}

/// Writes a path so that it is one word for HAProxy: what a URL may not hold raw is percent-encoded (RFC 3986, section 2.1).
fn plain_path(path: &str) -> String {
    let mut plain = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        plain.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => plain.push(char::from(byte)),
            b'/' | b'-' | b'_' | b'.' | b'~' | b'?' | b'=' | b'&' | b'+' | b',' | b':' | b'@' | b'%' => {
                plain.push(char::from(byte))
            }
            other => plain.push_str(&format!("%{other:02X}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain_path;

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(plain_path("/healthz?full=1"), "/healthz?full=1");
        assert_eq!(plain_path("a b;c\n%20"), "/a%20b%3Bc%0A%20");
        assert_eq!(plain_path(""), "/");
    }
}
