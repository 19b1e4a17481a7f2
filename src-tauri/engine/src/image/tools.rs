//! The volume that development wheels lie in: filled once for the same wheels, and only read by gates.
//!
//! In a layer of the gates' image they would lie above the app's, and an engine would unpack them again after every change of the app.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    UploadToContainerOptionsBuilder,
};
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::cache::Cache;
use super::digest::key;
use super::error::ImageError;
use super::layer::LayerBlob;
use crate::docker::Docker;
use crate::model::{Digest, ProjectName, RunId};

/// The role of such a volume, as its label says it.
const ROLE: &str = "tools";

const PROJECT_LABEL: &str = "dev.nonevent.project";
const ROLE_LABEL: &str = "dev.nonevent.role";
const RUN_LABEL: &str = "dev.nonevent.run";

const FILL: &str = "fill the volume of the development wheels";

/// Which volume of an engine holds a project's development wheels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Filled {
    volume: String,
    layers: Vec<Digest>,
}

/// Where development wheels are to lie.
pub(super) struct Shelf<'a> {
    pub(super) docker: &'a Docker,
    pub(super) cache: &'a Cache,
    pub(super) project: &'a ProjectName,
    /// The run that reads them: what it made to keep them bears its label.
    pub(super) run: &'a RunId,
    /// An image that the engine holds.
    pub(super) image: &'a Digest,
    /// The folder that a gate sees them in, as an absolute path.
    pub(super) path: &'a str,
}

impl Shelf<'_> {
    /// Returns the volume that holds these layers, if it was filled, and keeps it for the run.
    pub(super) async fn filled(&self, layers: &[LayerBlob]) -> Result<Option<String>, ImageError> {
        let Some(filled) = self.record().filter(|filled| filled.layers.iter().eq(diff_ids(layers))) else { return Ok(None) };
        // Whoever names a volume that is gone makes an empty one, which has no label.
        let holder = self.hold(&filled.volume).await?;
        let volume = self.docker.client.inspect_volume(&filled.volume).await;
        let volume = volume.map_err(|error| ImageError::engine("look for the volume of the development wheels", &error))?;
        if volume.labels.get(ROLE_LABEL).is_some_and(|role| role == ROLE) {
            return Ok(Some(filled.volume));
        }
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        let _ = self.docker.client.remove_container(&holder, Some(options)).await;
        let _ = self.docker.client.remove_volume(&filled.volume, None::<RemoveVolumeOptions>).await;
        Ok(None)
    }

    /// Makes a volume of these layers, in place of the one that was there, and keeps it for the run.
    ///
    /// Its name is new each time: what was filled halfway is never taken for whole, and whoever reads the old one goes on.
    pub(super) async fn fill(&self, layers: &[LayerBlob]) -> Result<String, ImageError> {
        let volume = format!("nonevent-{}-tools-{}", self.project, uuid::Uuid::now_v7().simple());
        let request =
            VolumeCreateRequest { name: Some(volume.clone()), labels: Some(self.labels()), ..VolumeCreateRequest::default() };
        self.docker.client.create_volume(request).await.map_err(|error| ImageError::engine(FILL, &error))?;
        let holder = self.hold(&volume).await?;
        for layer in layers {
            self.unpack(&holder, &self.cache.blob(&layer.digest)).await?;
        }
        let old = self.record();
        let layers = diff_ids(layers).cloned().collect();
        self.cache.put_record("tool-volumes", &self.key(), &Filled { volume: volume.clone(), layers })?;
        if let Some(Filled { volume, .. }) = old {
            // One that a run keeps just now stays, and `nonevent gc` finds it later.
            let _ = self.docker.client.remove_volume(&volume, None::<RemoveVolumeOptions>).await;
        }
        Ok(volume)
    }

    /// Makes a container that is never started: while it is there, nobody can remove the volume. It goes with all of its run.
    async fn hold(&self, volume: &str) -> Result<String, ImageError> {
        let mount = Mount {
            source: Some(volume.to_owned()),
            target: Some(self.path.to_owned()),
            typ: Some(MountType::VOLUME),
            ..Mount::default()
        };
        let body = ContainerCreateBody {
            image: Some(self.image.to_string()),
            cmd: Some(vec!["true".to_owned()]),
            labels: Some(self.labels().into_iter().chain([(RUN_LABEL.to_owned(), self.run.to_string())]).collect()),
            host_config: Some(HostConfig { mounts: Some(vec![mount]), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let created = self.docker.client.create_container(None::<CreateContainerOptions>, body).await;
        Ok(created.map_err(|error| ImageError::engine(FILL, &error))?.id)
    }

    fn labels(&self) -> HashMap<String, String> {
        let labels = [(PROJECT_LABEL, self.project.as_str()), (ROLE_LABEL, ROLE)];
        labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    async fn unpack(&self, container: &str, blob: &Path) -> Result<(), ImageError> {
        let unread = |error: std::io::Error| ImageError::Engine { operation: FILL.to_owned(), reason: error.to_string() };
        let file = File::open(blob).await.map_err(unread)?;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        let body = bollard::body_try_stream(ReaderStream::with_capacity(file, 1 << 18));
        let uploaded = self.docker.client.upload_to_container(container, Some(options), body).await;
        uploaded.map_err(|error| ImageError::engine(FILL, &error))
    }

    fn record(&self) -> Option<Filled> {
        self.cache.record("tool-volumes", &self.key())
    }

    fn key(&self) -> String {
        key(["1", &self.docker.info.host, self.project.as_str(), self.path])
    }
}

fn diff_ids(layers: &[LayerBlob]) -> impl Iterator<Item = &Digest> {
    layers.iter().map(|layer| &layer.diff_id)
}

/// Finds the volumes of a project's development wheels, the newest last; the next gauntlet fills one that it misses again.
///
/// # Errors
/// What the engine says.
pub async fn tool_volumes(docker: &Docker, project: &ProjectName) -> Result<Vec<String>, ImageError> {
    let labels = vec![format!("{PROJECT_LABEL}={project}"), format!("{ROLE_LABEL}={ROLE}")];
    let options = ListVolumesOptionsBuilder::default().filters(&HashMap::from([("label".to_owned(), labels)])).build();
    let listed = docker.client.list_volumes(Some(options)).await;
    let listed = listed.map_err(|error| ImageError::engine("list volumes".to_owned(), &error))?;
    let mut names: Vec<String> = listed.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect();
    names.sort();
    Ok(names)
}
