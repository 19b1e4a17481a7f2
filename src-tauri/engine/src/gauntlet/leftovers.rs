//! Removes what a run of the gauntlet left on the engine: by its label, and nothing else.

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder};

use crate::docker::Docker;
use crate::model::RunId;

/// The label that everything of a run bears.
pub(super) const RUN_LABEL: &str = "dev.nonevent.run";

/// Removes containers, their anonymous volumes and networks of runs that have ended without doing so themselves; returns what was
/// removed, in words.
///
/// Which runs have ended the caller knows: a run that goes on elsewhere must not be among them.
///
/// # Errors
/// What the engine says when it cannot list.
pub async fn clean_leftovers(docker: &Docker, runs: &[RunId]) -> Result<Vec<String>, ApiError> {
    let mut removed = Vec::new();
    for run in runs {
        removed.extend(sweep(&docker.client, run).await?);
    }
    Ok(removed)
}

/// How often, and how long apart, a sweep looks again for what the engine was still busy removing.
const SWEEPS: u32 = 50;
const BETWEEN_SWEEPS: Duration = Duration::from_millis(100);

async fn sweep(client: &bollard::Docker, run: &RunId) -> Result<Vec<String>, ApiError> {
    let mut removed = Vec::new();
    for _ in 0..SWEEPS {
        if sweep_once(client, run, &mut removed).await? == Left::Nothing {
            break;
        }
        tokio::time::sleep(BETWEEN_SWEEPS).await;
    }
    Ok(removed)
}

#[derive(PartialEq, Eq)]
enum Left {
    Nothing,
    Something,
}

/// Removes what is there; says whether something would not go yet.
async fn sweep_once(client: &bollard::Docker, run: &RunId, removed: &mut Vec<String>) -> Result<Left, ApiError> {
    let mut left = Left::Nothing;
    let label = format!("{RUN_LABEL}={run}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let listing = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    for container in client.list_containers(Some(listing)).await? {
        let name = container.names.iter().flatten().next().map(|name| name.trim_start_matches('/').to_owned());
        let id = container.id.unwrap_or_default();
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match client.remove_container(&id, Some(options)).await {
            Ok(()) => removed.push(format!("container {}", name.unwrap_or(id))),
            Err(error) => {
                tracing::debug!(container = id, error = %error, "a leftover is not removed yet");
                left = Left::Something;
            }
        }
    }
    let listing = ListNetworksOptionsBuilder::default().filters(&filters).build();
    for network in client.list_networks(Some(listing)).await? {
        let id = network.id.unwrap_or_default();
        match client.remove_network(&id).await {
            Ok(()) => removed.push(format!("network {}", network.name.unwrap_or(id))),
            Err(error) => {
                tracing::debug!(network = id, error = %error, "a leftover is not removed yet");
                left = Left::Something;
            }
        }
    }
    Ok(left)
}

/// Removes what bears a run's label when it goes away, awaited or not.
pub struct RunGuard {
    client: bollard::Docker,
    run: RunId,
    armed: bool,
}

impl RunGuard {
    /// Guards a run from here on.
    pub fn new(docker: &Docker, run: &RunId) -> Self {
        Self { client: docker.client.clone(), run: run.clone(), armed: true }
    }

    /// Says that nothing is left.
    pub fn disarm(mut self) {
        self.armed = false;
    }

    pub(super) async fn sweep(mut self) {
        if let Err(error) = sweep(&self.client, &self.run).await {
            tracing::warn!(run = %self.run, error = %error, "what the gauntlet made was not removed; the next start does it");
        }
        self.armed = false;
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (client, run) = (self.client.clone(), self.run.clone());
            runtime.spawn(async move { sweep(&client, &run).await });
        }
    }
}
