//! What an engine says about an image that it holds.

use std::collections::BTreeMap;

use bollard::errors::Error;

use super::error::ImageError;
use crate::docker::Docker;
use crate::model::Digest;

/// An image as the engine describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineImage {
    /// What the engine calls it.
    pub id: Digest,
    /// Its layers' diff ids, the lowest first.
    pub diff_ids: Vec<Digest>,
    /// Variables, as `NAME=value`.
    pub env: Vec<String>,
    /// The folder in which its processes run, `/` when it names none.
    pub workdir: String,
    /// The user that its processes run as; none means root.
    pub user: Option<String>,
    /// Its entry point.
    pub entrypoint: Vec<String>,
    /// Its command.
    pub command: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its names with tags.
    pub tags: Vec<String>,
    /// Its names with digests, as registries know it.
    pub digests: Vec<String>,
    /// `linux/amd64` and the like: system, architecture, variant.
    pub platform: (String, String, Option<String>),
}

/// Asks the engine for an image; `None` when it holds no such image, or lacks parts of it.
///
/// # Errors
/// When the engine does not answer or answers nonsense.
pub async fn inspect(docker: &Docker, name: &str) -> Result<Option<EngineImage>, ImageError> {
    let found = match docker.client.inspect_image(name).await {
        Ok(found) => found,
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => return Ok(None),
        // containerd's store describes an image whose layers it lacks without a root file system, which the client cannot read.
        Err(Error::JsonDataError { message, .. }) => {
            tracing::debug!(image = name, error = message, "an image is not whole");
            return Ok(None);
        }
        Err(error) => return Err(ImageError::engine(format!("inspect {name}"), &error)),
    };
    let config = found.config.unwrap_or_default();
    Ok(Some(EngineImage {
        id: Digest::new(with_algorithm(found.id.unwrap_or_default())),
        diff_ids: found.root_fs.and_then(|root| root.layers).unwrap_or_default().into_iter().map(Digest::new).collect(),
        env: config.env.unwrap_or_default(),
        workdir: config.working_dir.filter(|folder| !folder.is_empty()).unwrap_or_else(|| "/".to_owned()),
        user: config.user.filter(|user| !user.is_empty()),
        entrypoint: config.entrypoint.unwrap_or_default(),
        command: config.cmd.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        tags: found.repo_tags.unwrap_or_default(),
        digests: found.repo_digests.unwrap_or_default(),
        platform: (
            found.os.unwrap_or_else(|| "linux".to_owned()),
            found.architecture.unwrap_or_default(),
            found.variant.filter(|variant| !variant.is_empty()),
        ),
    }))
}

/// Podman leaves the algorithm out.
fn with_algorithm(id: String) -> String {
    match id.contains(':') {
        true => id,
        false => format!("sha256:{id}"),
    }
}
