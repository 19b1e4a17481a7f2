//! Config and manifest of an image (OCI image specification), with one spelling: sorted keys, no spaces, constant times.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, History, ImageConfiguration, MediaType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::digest::sha256;
use super::error::ImageError;
use super::layer::{LayerBlob, Packing};
use crate::model::Digest;

/// The time of everything that is built: the earliest one that all tools take.
const CREATED: &str = "1980-01-01T00:00:00Z";

/// Config and manifest, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
}

/// A layer as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerReference {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) diff_id: Digest,
}

/// What an image is, beyond its layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Execution {
    pub(crate) env: Vec<String>,
    pub(crate) user: Option<String>,
    pub(crate) workdir: String,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) command: Vec<String>,
    /// TCP ports that are listened on.
    pub(crate) ports: Vec<u16>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// The system that an image is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct System {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
}

impl Description {
    pub(crate) fn config_digest(&self) -> Digest {
        sha256(&self.config)
    }

    pub(crate) fn manifest_digest(&self) -> Digest {
        sha256(&self.manifest)
    }
}

impl LayerReference {
    pub(crate) fn of_blob(blob: &LayerBlob) -> Self {
        let media_type = match blob.packing {
            Packing::Gzip => MediaType::ImageLayerGzip,
            Packing::Plain => MediaType::ImageLayer,
        };
        Self { media_type: media_type.to_string(), digest: blob.digest.clone(), size: blob.size, diff_id: blob.diff_id.clone() }
    }

    /// Names a base's layer; Docker's own media types have equals in the specification.
    pub(crate) fn of_base(descriptor: &Descriptor, diff_id: &Digest) -> Self {
        let media_type = match descriptor.media_type().to_string().as_str() {
            "application/vnd.docker.image.rootfs.diff.tar.gzip" => MediaType::ImageLayerGzip.to_string(),
            "application/vnd.docker.image.rootfs.diff.tar" => MediaType::ImageLayer.to_string(),
            other => other.to_owned(),
        };
        Self {
            media_type,
            digest: Digest::new(descriptor.digest().to_string()),
            size: descriptor.size(),
            diff_id: diff_id.clone(),
        }
    }
}

impl LayerReference {
    /// Names a layer of which only the diff id is known: as the uncompressed tar that it is. Its size is not known either.
    pub(crate) fn of_diff_id(diff_id: &Digest) -> Self {
        Self { media_type: MediaType::ImageLayer.to_string(), digest: diff_id.clone(), size: 0, diff_id: diff_id.clone() }
    }
}

impl System {
    pub(crate) fn of_config(config: &ImageConfiguration) -> Self {
        Self { os: config.os().to_string(), architecture: config.architecture().to_string(), variant: config.variant().clone() }
    }
}

/// Describes an image.
pub(crate) fn describe(
    system: &System,
    execution: &Execution,
    layers: &[LayerReference],
    history: Option<&[History]>,
    annotations: &BTreeMap<String, String>,
) -> Result<Description, ImageError> {
    let config = canonical(config(system, execution, layers, history)?)?;
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::ImageManifest.to_string(),
        "config": {
            "mediaType": MediaType::ImageConfig.to_string(),
            "digest": sha256(&config),
            "size": config.len(),
        },
        "layers": layers
            .iter()
            .map(|layer| json!({"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size}))
            .collect::<Vec<_>>(),
    });
    set(&mut manifest, "annotations", (!annotations.is_empty()).then(|| json!(annotations)));
    Ok(Description { config, manifest: canonical(manifest)? })
}

fn config(
    system: &System,
    execution: &Execution,
    layers: &[LayerReference],
    history: Option<&[History]>,
) -> Result<Value, ImageError> {
    let ports: BTreeMap<_, _> = execution.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    let mut settings = json!({
        "Env": execution.env,
        "WorkingDir": execution.workdir,
        "Cmd": execution.command,
        "Labels": execution.labels,
    });
    set(&mut settings, "User", execution.user.as_ref().map(|user| json!(user)));
    set(&mut settings, "Entrypoint", (!execution.entrypoint.is_empty()).then(|| json!(execution.entrypoint)));
    set(&mut settings, "ExposedPorts", (!ports.is_empty()).then(|| json!(ports)));
    let mut config = json!({
        "created": CREATED,
        "os": system.os,
        "architecture": system.architecture,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| &layer.diff_id).collect::<Vec<_>>()},
    });
    set(&mut config, "variant", system.variant.as_ref().map(|variant| json!(variant)));
    set(&mut config, "history", whole_history(history, layers.len())?);
    Ok(config)
}

/// Continues the base's history by one line for each new layer. Where the base tells no whole history, nothing is told: engines
/// refuse one that does not fit the layers.
fn whole_history(base: Option<&[History]>, layers: usize) -> Result<Option<Value>, ImageError> {
    let Some(base) = base else { return Ok(None) };
    let told = base.iter().filter(|line| line.empty_layer() != Some(true)).count();
    if told == 0 || told > layers {
        return Ok(None);
    }
    let mut lines = base.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>().map_err(|error| undescribed(&error))?;
    lines.extend((told..layers).map(|_| json!({"created": CREATED, "created_by": "nonevent"})));
    Ok(Some(Value::Array(lines)))
}

fn set(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(value), Some(object)) = (value, object.as_object_mut()) {
        object.insert(name.to_owned(), value);
    }
}

/// Spells JSON in the one way that digests are made of.
pub(crate) fn canonical(mut value: Value) -> Result<Vec<u8>, ImageError> {
    value.sort_all_objects();
    serde_json::to_vec(&value).map_err(|error| undescribed(&error))
}

fn undescribed(error: &serde_json::Error) -> ImageError {
    ImageError::Description { reason: error.to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn layer(name: &str) -> LayerReference {
        let digest = sha256(name.as_bytes());
        LayerReference { media_type: MediaType::ImageLayerGzip.to_string(), digest: digest.clone(), size: 7, diff_id: digest }
    }

    #[test]
    fn golden_description() {
        let system = System { os: "linux".into(), architecture: "arm64".into(), variant: Some("v8".into()) };
        let execution = Execution {
            env: vec!["PATH=/bin".into()],
            user: Some("65532:65532".into()),
            workdir: "/app".into(),
            command: vec!["shop".into()],
            ports: vec![8000],
            labels: BTreeMap::from([("b".into(), "2".into()), ("a".into(), "1".into())]),
            ..Execution::default()
        };
        let annotations = BTreeMap::from([("dev.nonevent.format".to_owned(), "1".to_owned())]);
        let made = describe(&system, &execution, &[layer("base"), layer("ours")], None, &annotations).unwrap();
        insta::assert_snapshot!(String::from_utf8(made.config).unwrap(), @r#"{"architecture":"arm64","config":{"Cmd":["shop"],"Env":["PATH=/bin"],"ExposedPorts":{"8000/tcp":{}},"Labels":{"a":"1","b":"2"},"User":"65532:65532","WorkingDir":"/app"},"created":"1980-01-01T00:00:00Z","os":"linux","rootfs":{"diff_ids":["sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2","sha256:ae0bec9e9d33c56354bd612c8a6010840324fc5b9786ce0a18b696b304b09397"],"type":"layers"},"variant":"v8"}"#);
        insta::assert_snapshot!(String::from_utf8(made.manifest).unwrap(), @r#"{"annotations":{"dev.nonevent.format":"1"},"config":{"digest":"sha256:5f3ec1c1d4b14be7fdc8475cbe2940287385369bdf77d76d08f0eb0599cf9e59","mediaType":"application/vnd.oci.image.config.v1+json","size":418},"layers":[{"digest":"sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":7},{"digest":"sha256:ae0bec9e9d33c56354bd612c8a6010840324fc5b9786ce0a18b696b304b09397","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":7}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}"#);
    }

    #[test]
    fn history_is_told_whole_or_not_at_all() {
        let told = |lines: &str, layers| {
            let lines: Vec<History> = serde_json::from_str(lines).unwrap();
            whole_history(Some(&lines), layers).unwrap().map(|value| value.as_array().unwrap().len())
        };
        assert_eq!(told(r#"[{"created_by":"a"},{"created_by":"b","empty_layer":true}]"#, 3), Some(4));
        assert_eq!(told("[]", 3), None);
        assert_eq!(told(r#"[{"created_by":"a"},{"created_by":"b"}]"#, 1), None);
    }
}
