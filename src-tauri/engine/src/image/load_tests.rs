#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::io::Read as _;

use bollard::query_parameters::RemoveImageOptionsBuilder;

use super::*;
use crate::image::cache::Cache;
use crate::image::layer::{self, EPOCH, Mode, Node, Packing, Tree};
use crate::image::oci::{Execution, System, describe};
use crate::image::source::{TreeContent, TreeFile};

/// An image of two layers of its own, on nothing.
fn package(cache: &Cache, name: &str) -> Package {
    let layers: Vec<_> = ["lower", "upper"]
        .iter()
        .map(|part| {
            let bytes = format!("{part} {name}").into_bytes();
            let mut tree = Tree::default();
            let content = TreeFile::Made(bytes.clone());
            tree.insert(part, Node::File { mode: Mode::Plain, size: bytes.len() as u64, time: EPOCH, content }).unwrap();
            let blob = layer::write(&tree, &mut TreeContent::of("/".as_ref()), Packing::Gzip, cache).unwrap();
            PackedLayer { reference: LayerReference::of_blob(&blob), blob: Some(cache.blob(&blob.digest)) }
        })
        .collect();
    let references: Vec<_> = layers.iter().map(|layer| layer.reference.clone()).collect();
    let system = System { os: "linux".into(), architecture: architecture().into(), variant: None };
    let execution = Execution { workdir: "/".into(), command: vec!["none".into()], ..Execution::default() };
    let description = describe(&system, &execution, &references, None, &BTreeMap::new()).unwrap();
    Package { description, layers, tag: format!("nonevent/{name}:1") }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[test]
fn an_archive_holds_only_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let package = package(&Cache::at(folder.path()), "archive");
    let blobs = |present: usize| {
        let mut bytes = Vec::new();
        write_archive(&package, present, &mut bytes).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut names = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            if let Some(hex) = name.strip_prefix("blobs/sha256/") {
                assert_eq!(sha256(&content).hex(), hex);
            }
            names.push(name);
        }
        names
    };
    let path = |layer: usize| blob_path(&package.layers[layer].reference.digest);
    assert_eq!(blobs(0)[..3], ["oci-layout", "index.json", "manifest.json"]);
    assert_eq!(blobs(0)[5..], [path(0), path(1)]);
    assert_eq!(blobs(1)[5..], [path(1)]);
    assert_eq!(blobs(2).len(), 5);
}

#[tokio::test]
async fn docker_a_missing_layer_is_an_error_and_sending_it_mends_it() {
    let docker = Docker::connect().await.expect("a Docker engine answers: `scripts/lab up` starts one");
    let folder = tempfile::tempdir().unwrap();
    let name = format!("load-test-{}", uuid::Uuid::now_v7().simple());
    let package = package(&Cache::at(folder.path()), &name);
    for present in [1, 2] {
        let error = load(&docker, &package, present).await.unwrap_err();
        assert!(matches!(error, ImageError::Engine { .. } | ImageError::LoadedOther { .. }), "{error}");
        eprintln!("{error}");
        assert!(!holds(&docker, &package).await.unwrap(), "an image without a layer counts as held");
    }
    let id = load(&docker, &package, 0).await.unwrap();
    assert_eq!(id, package.engine_id(docker.info.store));
    assert!(holds(&docker, &package).await.unwrap());
    let force = RemoveImageOptionsBuilder::new().force(true).build();
    docker.client.remove_image(&package.tag, Some(force), None).await.unwrap();
    assert!(!holds(&docker, &package).await.unwrap());
}

#[tokio::test]
async fn docker_an_image_that_lost_its_tag_gets_it_again() {
    let docker = Docker::connect().await.expect("a Docker engine answers: `scripts/lab up` starts one");
    let folder = tempfile::tempdir().unwrap();
    let name = format!("load-test-{}", uuid::Uuid::now_v7().simple());
    let mut package = package(&Cache::at(folder.path()), &name);
    load(&docker, &package, 0).await.unwrap();
    package.tag = format!("nonevent/{name}:2");
    assert!(holds(&docker, &package).await.unwrap());
    let image = inspect(&docker, &package.tag).await.unwrap().unwrap();
    assert_eq!(image.id, package.engine_id(docker.info.store));
    for tag in image.tags {
        docker.client.remove_image(&tag, None::<bollard::query_parameters::RemoveImageOptions>, None).await.unwrap();
    }
}
