//! Which values the instances of an environment really have: whoever shows what they print must know, also where other laptops placed them.

use std::collections::BTreeSet;

use super::DockerTarget;
use super::recipe::SECRETS;
use super::scope::{Role, label};
use crate::mask::Secret;
use crate::target::{Place, Target as _, TargetError};

impl DockerTarget {
    /// Reads the values of the secrets that were placed, from variables and files of every instance that there is, ended or not.
    pub(super) async fn placed_secrets(&self, place: &Place) -> Result<Vec<Secret>, TargetError> {
        let observed = self.observe(place).await?;
        let sides = observed.serving.iter().chain(&observed.idle).map(|side| side.record.clone());
        let records = sides.chain(self.earlier_records(place).await?);
        let names: BTreeSet<String> = records.flat_map(|record| record.placement.secrets.into_keys()).collect();
        let mut values = Vec::new();
        if names.is_empty() {
            return Ok(values);
        }
        for container in self.place_containers(place).await? {
            let role = container.labels.as_ref().and_then(|labels| labels.get(label::ROLE));
            if !role.is_some_and(|role| *role == Role::Web.word() || *role == Role::Worker.word()) {
                continue;
            }
            let Some(id) = container.id else { continue };
            let Some(inspected) = self.api.inspect(&id).await? else { continue };
            let env = inspected.config.and_then(|config| config.env).unwrap_or_default();
            let pairs = env.iter().filter_map(|pair| pair.split_once('='));
            values.extend(pairs.filter(|(name, _)| names.contains(*name)).map(|(_, value)| Secret::new(value)));
            let mounted =
                inspected.mounts.unwrap_or_default().into_iter().any(|mount| mount.destination.as_deref() == Some(SECRETS));
            if !mounted {
                continue;
            }
            for name in &names {
                if let Some(bytes) = self.api.download(&id, &format!("{SECRETS}/{name}")).await? {
                    values.push(Secret::new(String::from_utf8_lossy(&bytes)));
                }
            }
        }
        Ok(values)
    }
}
