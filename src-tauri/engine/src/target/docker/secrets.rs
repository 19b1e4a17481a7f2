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
        for container in self.place_containers(place).await? {
            let labels = container.labels.unwrap_or_default();
            if !labels.get(label::ROLE).is_some_and(|role| *role == Role::Web.word() || *role == Role::Worker.word()) {
                continue;
            }
            // What it was made with is known also when no side holds it: before it is staged, and after the proxy forgot it.
            let own = labels.get(label::SECRETS).map(String::as_str).unwrap_or_default();
            let names: BTreeSet<&str> = own.split_whitespace().chain(names.iter().map(String::as_str)).collect();
            if names.is_empty() {
                continue;
            }
            let Some(id) = container.id else { continue };
            let Some(inspected) = self.api.inspect(&id).await? else { continue };
            let env = inspected.config.and_then(|config| config.env).unwrap_or_default();
            let pairs = env.iter().filter_map(|pair| pair.split_once('='));
            values.extend(pairs.filter(|(name, _)| names.contains(name)).map(|(_, value)| Secret::new(value)));
            let mounted =
                inspected.mounts.unwrap_or_default().into_iter().any(|mount| mount.destination.as_deref() == Some(SECRETS));
            if !mounted {
                continue;
            }
            for name in &names {
                match self.api.download(&id, &format!("{SECRETS}/{name}")).await {
                    Ok(Some(bytes)) => values.push(Secret::new(String::from_utf8_lossy(&bytes))),
                    Ok(None) => {}
                    Err(error) if self.api.inspect(&id).await?.is_some() => return Err(error),
                    // It went meanwhile, and all that it had.
                    Err(_) => break,
                }
            }
        }
        Ok(values)
    }
}
