//! Layers as an engine would save them, for images that no registry told us about.
//!
//! An engine tells the diff ids of an image, but a manifest needs each layer's own digest and size. `docker save` has them: newer
//! engines write an OCI layout with real manifests, older ones plain tars, whose digest is the diff id itself. The whole image passes
//! by once; nothing of it is kept but names, sizes and small JSON.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::str::FromStr as _;

use futures_util::TryStreamExt as _;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType, Sha256Digest};
use serde::Deserialize;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::digest::sha256;
use super::error::ImageError;
use super::inspect::EngineImage;
use crate::docker::Docker;
use crate::model::Digest;

/// What is kept of one file of the archive at most.
const MOST_JSON_BYTES: u64 = 4 << 20;

/// An image as the engine has it.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    /// The manifest's digest where the engine has a manifest, else of the one that it would have.
    pub(crate) manifest: Option<Digest>,
    pub(crate) config: ImageConfiguration,
    pub(crate) layers: Vec<Descriptor>,
}

/// What an archive holds besides layers' bytes.
#[derive(Debug, Default)]
struct Contents {
    json: BTreeMap<String, Vec<u8>>,
    sizes: BTreeMap<String, u64>,
    links: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerManifest {
    config: String,
    layers: Vec<String>,
}

/// Lets the engine save an image and notes what its layers are.
pub(crate) async fn saved(docker: &Docker, image: &EngineImage) -> Result<Saved, ImageError> {
    let operation = format!("save {}", image.id.short());
    let stream = docker.client.export_image(image.id.as_str()).map_err(io::Error::other);
    let reader = SyncIoBridge::new(StreamReader::new(Box::pin(stream)));
    let failed = |reason: String| ImageError::Engine { operation: operation.clone(), reason };
    let contents = tokio::task::spawn_blocking(move || read_contents(reader))
        .await
        .map_err(|error| ImageError::interrupted(&error))?
        .map_err(|error| failed(error.to_string()))?;
    contents.image(&image.diff_ids).ok_or_else(|| failed("its archive does not hold the image".to_owned()))
}

fn read_contents(reader: impl Read) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if let Some(target) = entry.link_name()? {
            contents.links.insert(path, target.to_string_lossy().into_owned());
            continue;
        }
        let size = entry.size();
        if size <= MOST_JSON_BYTES {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            if bytes.first() == Some(&b'{') || bytes.first() == Some(&b'[') {
                contents.json.insert(path.clone(), bytes);
            }
        }
        contents.sizes.insert(path, size);
    }
    Ok(contents)
}

impl Contents {
    fn image(&self, diff_ids: &[Digest]) -> Option<Saved> {
        self.by_index(diff_ids).or_else(|| self.by_docker_manifest(diff_ids))
    }

    /// Walks the OCI layout's index, nested ones too, to the manifest with these layers.
    fn by_index(&self, diff_ids: &[Digest]) -> Option<Saved> {
        let mut waiting = vec![ImageIndex::from_reader(self.json.get("index.json")?.as_slice()).ok()?];
        while let Some(index) = waiting.pop() {
            for descriptor in index.manifests() {
                let bytes = match self.blob(descriptor.digest().to_string().as_str()) {
                    Some(bytes) => bytes,
                    None => continue,
                };
                if let Ok(nested) = ImageIndex::from_reader(bytes) {
                    waiting.push(nested);
                } else if let Some(saved) = self.by_manifest(bytes, diff_ids) {
                    return Some(saved);
                }
            }
        }
        None
    }

    fn by_manifest(&self, bytes: &[u8], diff_ids: &[Digest]) -> Option<Saved> {
        let manifest = ImageManifest::from_reader(bytes).ok()?;
        let config = ImageConfiguration::from_reader(self.blob(manifest.config().digest().to_string().as_str())?).ok()?;
        let matches = has_layers(&config, diff_ids) && manifest.layers().len() == diff_ids.len();
        matches.then(|| Saved { manifest: Some(sha256(bytes)), config, layers: manifest.layers().clone() })
    }

    /// Reads the older form: `manifest.json` names a config and one tar for each layer.
    fn by_docker_manifest(&self, diff_ids: &[Digest]) -> Option<Saved> {
        let manifests: Vec<DockerManifest> = serde_json::from_slice(self.json.get("manifest.json")?).ok()?;
        manifests.iter().find_map(|manifest| {
            let config = ImageConfiguration::from_reader(self.json.get(&manifest.config)?.as_slice()).ok()?;
            if !has_layers(&config, diff_ids) || manifest.layers.len() != diff_ids.len() {
                return None;
            }
            let layers = manifest.layers.iter().zip(diff_ids).map(|(path, diff_id)| {
                let digest = Sha256Digest::from_str(diff_id.hex()).ok()?;
                Some(Descriptor::new(MediaType::ImageLayer, self.size(path)?, digest))
            });
            Some(Saved { manifest: None, config, layers: layers.collect::<Option<_>>()? })
        })
    }

    fn blob(&self, digest: &str) -> Option<&[u8]> {
        let (algorithm, hex) = digest.split_once(':')?;
        self.json.get(&format!("blobs/{algorithm}/{hex}")).map(Vec::as_slice)
    }

    /// The size of a layer; one that occurs twice is a link to its first occurrence (`../<id>/layer.tar`).
    fn size(&self, path: &str) -> Option<u64> {
        match self.links.get(path) {
            Some(target) => self.sizes.get(target.trim_start_matches("../")).copied(),
            None => self.sizes.get(path).copied(),
        }
    }
}

fn has_layers(config: &ImageConfiguration, diff_ids: &[Digest]) -> bool {
    config.rootfs().diff_ids().iter().map(String::as_str).eq(diff_ids.iter().map(Digest::as_str))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, *bytes).unwrap();
        }
        for (path, target) in links {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            tar.append_link(&mut header, path, target).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn config(diff_ids: &[&Digest]) -> Vec<u8> {
        serde_json::to_vec(&serde_json::json!({
            "architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }))
        .unwrap()
    }

    #[test]
    fn an_older_engine_names_one_tar_for_each_layer() {
        let (first, second) = (sha256(b"first layer"), sha256(b"second"));
        let manifest = br#"[{"Config":"c.json","RepoTags":null,"Layers":["a/layer.tar","b/layer.tar","d/layer.tar"]}]"#;
        let bytes = archive(
            &[
                ("a/layer.tar", b"first layer"),
                ("b/layer.tar", b"second"),
                ("c.json", &config(&[&first, &second, &second])),
                ("manifest.json", manifest),
            ],
            &[("d/layer.tar", "../b/layer.tar")],
        );
        let contents = read_contents(bytes.as_slice()).unwrap();
        let saved = contents.image(&[first.clone(), second.clone(), second.clone()]).unwrap();
        let layers: Vec<_> = saved.layers.iter().map(|layer| (layer.digest().to_string(), layer.size())).collect();
        assert_eq!(layers, [(first.to_string(), 11), (second.to_string(), 6), (second.to_string(), 6)]);
        assert_eq!(saved.manifest, None);
        assert!(contents.image(&[first]).is_none());
    }

    #[test]
    fn a_newer_engine_has_a_manifest_below_an_index() {
        let diff_id = sha256(b"layer");
        let config = config(&[&diff_id]);
        let descriptor =
            |kind: &str, bytes: &[u8]| serde_json::json!({"mediaType": kind, "digest": sha256(bytes), "size": bytes.len()});
        let manifest = serde_json::to_vec(&serde_json::json!({
            "schemaVersion": 2,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", b"compressed")],
        }))
        .unwrap();
        let index = |bytes: &[u8], kind: &str| {
            serde_json::to_vec(&serde_json::json!({"schemaVersion": 2, "manifests": [descriptor(kind, bytes)]})).unwrap()
        };
        let inner = index(&manifest, "application/vnd.oci.image.manifest.v1+json");
        let outer = index(&inner, "application/vnd.oci.image.index.v1+json");
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
        let bytes = archive(
            &[(&blob(&config), &config), (&blob(&manifest), &manifest), (&blob(&inner), &inner), ("index.json", &outer)],
            &[],
        );
        let saved = read_contents(bytes.as_slice()).unwrap().image(&[diff_id]).unwrap();
        assert_eq!(saved.manifest, Some(sha256(&manifest)));
        assert_eq!(saved.layers[0].digest().to_string(), sha256(b"compressed").to_string());
    }
}
