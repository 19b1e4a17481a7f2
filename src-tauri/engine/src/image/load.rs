//! Gives an image to an engine without a registry: one tar that is an OCI layout and a docker-archive at once, with only the layers
//! that the engine lacks.
//!
//! The classic store reads `manifest.json` and finds layers that it has by their chain of diff ids; containerd's store reads
//! `index.json` and finds blobs by their digest. Errors come inside a stream with status 200, and an engine may make another image
//! of what it was given: so it is asked afterwards.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use bollard::query_parameters::ImportImageOptionsBuilder;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::digest::sha256;
use super::error::ImageError;
use super::inspect::inspect;
use super::oci::{Description, LayerReference, canonical};
use crate::docker::{Docker, said};
use crate::model::{Digest, StoreKind};

/// Bytes that are handed to the engine at once.
const CHUNK: usize = 1 << 18;

/// An image, ready to be given to an engine.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) description: Description,
    /// Its layers, the lowest first.
    pub(crate) layers: Vec<PackedLayer>,
    /// Its name with a tag, such as `nonevent/shop:0123456789ab`.
    pub(crate) tag: String,
}

/// A layer, and its blob where this machine has it.
#[derive(Debug, Clone)]
pub(crate) struct PackedLayer {
    pub(crate) reference: LayerReference,
    pub(crate) blob: Option<PathBuf>,
}

impl Package {
    /// Returns what an engine calls the image: its config in the classic store, its manifest in containerd's.
    pub(crate) fn engine_id(&self, store: StoreKind) -> Digest {
        match store {
            StoreKind::Classic => self.description.config_digest(),
            StoreKind::Containerd => self.description.manifest_digest(),
        }
    }
}

/// Tells whether the engine holds the image, and sees to it that it bears its tag.
pub(crate) async fn holds(docker: &Docker, package: &Package) -> Result<bool, ImageError> {
    let id = package.engine_id(docker.info.store);
    let Some(image) = inspect(docker, id.as_str()).await? else { return Ok(false) };
    let layers = package.layers.iter().map(|layer| &layer.reference.diff_id);
    if !layers.eq(&image.diff_ids) {
        return Ok(false);
    }
    let bears = |tag: &String| tag == &package.tag || tag.ends_with(&format!("/{}", package.tag));
    if !image.tags.iter().any(bears) {
        let (repo, tag) = package.tag.rsplit_once(':').unwrap_or((&package.tag, "latest"));
        let options = bollard::query_parameters::TagImageOptionsBuilder::new().repo(repo).tag(tag).build();
        docker
            .client
            .tag_image(id.as_str(), Some(options))
            .await
            .map_err(|error| ImageError::engine(format!("tag {}", package.tag), &error))?;
    }
    Ok(true)
}

/// Sends an image whose lowest layers, `present` of them, the engine is believed to hold; then makes sure that it holds the image.
pub(crate) async fn load(docker: &Docker, package: &Package, present: usize) -> Result<Digest, ImageError> {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(4);
    let sent = package.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(CHUNK, ChannelWriter(sender.clone()));
        let written = write_archive(&sent, present, &mut out).and_then(|()| out.flush());
        if let Err(error) = written {
            // When the engine hung up, it says why itself.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let operation = || format!("load {}", package.tag);
    let options = ImportImageOptionsBuilder::new().quiet(true).build();
    let mut progress = docker.client.import_image_stream(options, ReceiverStream::new(receiver), None);
    let refused = |reason: String| ImageError::Engine { operation: operation(), reason };
    while let Some(step) = progress.try_next().await.map_err(|error| refused(said(&error)))? {
        if let Some(message) = step.error_detail.and_then(|detail| detail.message) {
            return Err(refused(message));
        }
    }
    drop(progress);
    writing.await.map_err(|error| ImageError::interrupted(&error))?;
    match holds(docker, package).await? {
        true => Ok(package.engine_id(docker.info.store)),
        false => Err(ImageError::LoadedOther { tag: package.tag.clone(), expected: package.engine_id(docker.info.store) }),
    }
}

fn write_archive(package: &Package, present: usize, into: &mut dyn Write) -> io::Result<()> {
    let Description { config, manifest } = &package.description;
    let mut tar = tar::Builder::new(into);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": sha256(manifest),
            "size": manifest.len(),
            "annotations": {
                "io.containerd.image.name": format!("docker.io/{}", package.tag),
                "org.opencontainers.image.ref.name": package.tag.rsplit(':').next(),
            },
        }],
    });
    let docker_manifest = json!([{
        "Config": blob_path(&sha256(config)),
        "RepoTags": [package.tag],
        "Layers": package.layers.iter().map(|layer| blob_path(&layer.reference.digest)).collect::<Vec<_>>(),
    }]);
    let spelled = |value| canonical(value).map_err(io::Error::other);
    append(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    append(&mut tar, "index.json", &spelled(index)?)?;
    append(&mut tar, "manifest.json", &spelled(docker_manifest)?)?;
    append(&mut tar, &blob_path(&sha256(config)), config)?;
    append(&mut tar, &blob_path(&sha256(manifest)), manifest)?;
    let mut sent = BTreeSet::new();
    for layer in package.layers.iter().skip(present) {
        let Some(path) = layer.blob.as_ref().filter(|_| sent.insert(&layer.reference.digest)) else { continue };
        let mut header = header(layer.reference.size);
        tar.append_data(&mut header, blob_path(&layer.reference.digest), File::open(path)?)?;
    }
    tar.finish()
}

fn append(tar: &mut tar::Builder<&mut dyn Write>, path: &str, bytes: &[u8]) -> io::Result<()> {
    tar.append_data(&mut header(bytes.len() as u64), path, bytes)
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(size);
    header
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Hands what is written to the task that sends it; waits while that one is behind.
struct ChannelWriter(mpsc::Sender<io::Result<Bytes>>);

impl Write for ChannelWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(Ok(Bytes::copy_from_slice(buffer))).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
