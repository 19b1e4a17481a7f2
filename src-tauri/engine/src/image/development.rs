//! The image that gates run in: a release's image, unchanged below, with what only development needs on top.
//!
//! Development wheels lie under a prefix of their own, on a volume that gates only read; a path file adds them *after* the image's
//! packages, so that what was shipped is what is tested even where both hold a package. Files of the tree that the image lacks (tests,
//! tools' configuration) are put beside the app's. Layers are plain tars: they never leave the machine, and engines unpack them faster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokio::task::spawn_blocking;

use super::cache::Cache;
use super::error::ImageError;
use super::http::Http;
use super::inspect::{EngineImage, inspect};
use super::layer::{self, EPOCH, LayerBlob, Mode, Node, Packing, Tree};
use super::load::{Package, PackedLayer, holds, load};
use super::oci::{Execution, LayerReference, System, describe};
use super::python::{PythonRuntime, probe, variable, with_variables};
use super::saved::saved;
use super::source::{self, SourceTree, Sources, TreeContent, TreeFile};
use super::tools::Shelf;
use super::wheels::{
    Blobs, Dependencies, DependencyLayers, ReleaseRecord, Scheme, VENV, Wheel, add_source, below, dependency_layers,
    release_record,
};
use crate::docker::Docker;
use crate::model::{BuildSettings, BuilderKind, Digest, ImageReport, ProjectName, RunId, StoreKind};

/// Where development wheels lie.
const PREFIX: &str = "opt/nonevent/dev";

/// The same, as a container sees it.
const MOUNT: &str = "/opt/nonevent/dev";

/// Where the tree is put when the image names no folder of its own.
const FALLBACK_WORKDIR: &str = "/app";

/// Everything that a development image is made of.
pub struct DevelopmentBuild<'a> {
    /// The image of the release, as its builder reported it.
    pub image: &'a ImageReport,
    /// Its project.
    pub project: &'a ProjectName,
    /// The run that needs it: a container that keeps the development wheels bears its label, and is to be removed with all of the run.
    pub run: &'a RunId,
    /// The locked wheels that gates need and the release does not hold.
    pub wheels: &'a [Wheel],
    /// The project's folder.
    pub root: &'a Path,
    /// Its files, when they have been read: those that the image was built of.
    pub sources: Option<&'a Sources>,
    /// Folders from which its packages are imported, relative to its root; used for images that do not install it.
    pub import_roots: &'a [String],
    /// How the project is built.
    pub settings: &'a BuildSettings,
    /// The folder of the builder's cache.
    pub cache: &'a Path,
    /// Told what is being done, in words.
    pub progress: &'a (dyn Fn(String) + Send + Sync),
}

/// An image for gates, in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevelopmentImage {
    /// What the engine calls it.
    pub engine_id: Digest,
    /// Diff ids of all its layers: exactly the release's, then those for development.
    pub layers: Vec<Digest>,
    /// The volume of development wheels that it needs, when there are any.
    pub tools: Option<ToolVolume>,
    /// The interpreter that gates run.
    pub python: String,
    /// The folder that holds the project: paths below it are paths below the project's folder.
    pub workdir: String,
    /// Files of the tree that the release's image lacks, sorted.
    pub added_files: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
}

/// Development wheels, as gates see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolVolume {
    /// The volume's name.
    pub name: String,
    /// The folder that it is to be mounted on, to be read only.
    pub path: String,
    /// Diff ids of the layers that it was filled from.
    pub layers: Vec<Digest>,
}

/// What the release's image is, as far as it concerns what is put on it.
struct Ground {
    image: EngineImage,
    record: Option<ReleaseRecord>,
    interpreter: String,
    python: PythonRuntime,
    site_packages: String,
    workdir: String,
    /// The tree's files that the image holds already; for the wheel builder its own rules say which.
    present: Option<BTreeSet<String>>,
}

/// Puts development wheels, and the files of the tree that the image lacks, on a release's image; one that is there already is not made
/// again.
///
/// # Errors
/// When the engine does not hold the release's image, when it has no Python, when a wheel cannot be had, and when the engine refuses
/// the result.
pub async fn development_image(docker: &Docker, build: DevelopmentBuild<'_>) -> Result<DevelopmentImage, ImageError> {
    let cache = Cache::at(build.cache);
    let ground = ground(docker, &build, &cache).await?;
    let scheme = Scheme { prefix: PREFIX.to_owned(), interpreter: ground.interpreter.clone(), python: ground.python.minor() };
    let (tools, path_file, tree) = tokio::try_join!(
        tools(docker, &build, &ground, &scheme, &cache),
        path_file_layer(&build, &ground, &scheme, &cache),
        missing_files(&build, &ground)
    )?;
    let (tools, warnings) = tools;
    let added_files = tree.files.iter().map(|file| file.path.clone()).collect();
    let files = tree_layer(&tree, &ground.workdir, &cache).await?;
    let package = package(docker, &build, &ground, path_file.iter().chain(&files), &cache).await?;
    if !holds(docker, &package).await? {
        (build.progress)("loading the development image into the engine".to_owned());
        // After a change of tests the engine holds all but the tree's own layer, which comes last; else the release's layers; else
        // it may have lost even those.
        let below = ground.image.diff_ids.len();
        let all_but_tree = package.layers.len() - usize::from(files.is_some());
        let mut refused = None;
        for present in BTreeSet::from([all_but_tree, below, 0]).into_iter().rev() {
            match load(docker, &package, present).await {
                Ok(_) => {
                    refused = None;
                    break;
                }
                Err(error) => {
                    tracing::debug!(image = package.tag, present, error = %error, "the engine wants more layers");
                    refused = Some(error);
                }
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
    }
    Ok(DevelopmentImage {
        engine_id: package.engine_id(docker.info.store),
        layers: package.layers.iter().map(|layer| layer.reference.diff_id.clone()).collect(),
        tools,
        python: ground.interpreter,
        workdir: ground.workdir,
        added_files,
        warnings: tree.warnings.into_iter().chain(warnings).collect(),
    })
}

/// Sees to it that a volume holds the development wheels; returns it with what people should know about them.
async fn tools(
    docker: &Docker,
    build: &DevelopmentBuild<'_>,
    ground: &Ground,
    scheme: &Scheme,
    cache: &Cache,
) -> Result<(Option<ToolVolume>, Vec<String>), ImageError> {
    if build.wheels.is_empty() {
        return Ok((None, Vec::new()));
    }
    let made = |blobs| dependencies(build, ground, scheme, build.wheels, Tree::default(), blobs, cache);
    let (project, run, image) = (build.project, build.run, &build.image.engine_id);
    let shelf = Shelf { docker, cache, project, run, image, path: MOUNT };
    let mut wheels = made(Blobs::MayBeGone).await?;
    let name = match shelf.filled(&wheels.layers).await? {
        Some(name) => name,
        None => {
            wheels = made(Blobs::Needed).await?;
            (build.progress)("unpacking the development wheels".to_owned());
            shelf.fill(&wheels.layers).await?
        }
    };
    let layers = wheels.layers.into_iter().map(|layer| layer.diff_id).collect();
    Ok((Some(ToolVolume { name, path: MOUNT.to_owned(), layers }), wheels.warnings))
}

/// Makes the layer of the one file that makes development wheels importable.
async fn path_file_layer(
    build: &DevelopmentBuild<'_>,
    ground: &Ground,
    scheme: &Scheme,
    cache: &Cache,
) -> Result<Vec<LayerBlob>, ImageError> {
    Ok(dependencies(build, ground, scheme, &[], path_file(build, ground, scheme), Blobs::Needed, cache).await?.layers)
}

async fn dependencies(
    build: &DevelopmentBuild<'_>,
    ground: &Ground,
    scheme: &Scheme,
    wheels: &[Wheel],
    skeleton: Tree<Vec<u8>>,
    blobs: Blobs,
    cache: &Cache,
) -> Result<DependencyLayers, ImageError> {
    let base_libraries = &ground.python.libraries;
    let dependencies = Dependencies { wheels, scheme, skeleton, packing: Packing::Plain, base_libraries };
    let bundle = build.settings.ca_bundle.as_ref().map(|bundle| build.root.join(bundle));
    let http = || Ok(Http::new(bundle.as_deref())?);
    dependency_layers(&dependencies, blobs, http, cache, build.progress).await
}

async fn ground(docker: &Docker, build: &DevelopmentBuild<'_>, cache: &Cache) -> Result<Ground, ImageError> {
    let engine_id = &build.image.engine_id;
    let image = inspect(docker, engine_id.as_str()).await?.ok_or_else(|| ImageError::Engine {
        operation: format!("inspect {}", engine_id.short()),
        reason: "it holds no such image".to_owned(),
    })?;
    let record = match build.image.builder {
        BuilderKind::Wheels => release_record(cache, &build.image.digest),
        BuilderKind::Dockerfile => None,
    };
    if let Some(record) = record {
        let python = record.base.python.clone();
        return Ok(Ground {
            interpreter: format!("{VENV}/bin/python"),
            site_packages: format!("{VENV}/lib/python{}/site-packages", python.minor()),
            workdir: image.workdir.clone(),
            present: None,
            image,
            record: Some(record),
            python,
        });
    }
    let probed = probe(docker, engine_id, build.cache).await?;
    let present = match build.image.builder {
        BuilderKind::Wheels => None,
        BuilderKind::Dockerfile => Some(probed.files),
    };
    Ok(Ground {
        interpreter: probed.python.executable.clone(),
        site_packages: probed.python.site_packages.clone(),
        workdir: match image.workdir.as_str() {
            "/" => FALLBACK_WORKDIR.to_owned(),
            folder => folder.trim_end_matches('/').to_owned(),
        },
        present,
        image,
        record: None,
        python: probed.python,
    })
}

/// One line that Python's `site` follows at every start (documentation of `site`, path configuration files).
fn path_file(build: &DevelopmentBuild<'_>, ground: &Ground, scheme: &Scheme) -> Tree<Vec<u8>> {
    let mut lines = Vec::new();
    if build.image.builder == BuilderKind::Dockerfile {
        lines.extend(build.import_roots.iter().map(|root| below(&ground.workdir, root)));
    }
    lines.push(format!("import site; site.addsitedir('/{}')", scheme.site_packages()));
    let text = format!("{}\n", lines.join("\n"));
    let mut tree = Tree::default();
    let node = Node::File { mode: Mode::Plain, size: text.len() as u64, time: EPOCH, content: text.into_bytes() };
    let path = format!("{}/nonevent-development.pth", ground.site_packages.trim_start_matches('/'));
    // The first entry of a tree is never taken.
    let _ = tree.insert(&path, node);
    tree
}

async fn missing_files(build: &DevelopmentBuild<'_>, ground: &Ground) -> Result<SourceTree, ImageError> {
    let sources = match build.sources {
        Some(sources) => sources.clone(),
        None => read_sources(build.root, build.settings).await?,
    };
    let mut tree = sources.development;
    if let Some(present) = &ground.present {
        tree.files.extend(sources.release.files);
        tree.files.retain(|file| !present.contains(&file.path));
        tree.files.sort();
    }
    Ok(tree)
}

/// Reads a project's tree: what its release holds, and what only its gates need.
///
/// # Errors
/// When a file cannot be read, or a pattern of the settings is none.
pub async fn read_sources(root: &Path, settings: &BuildSettings) -> Result<Sources, ImageError> {
    let (root, settings) = (root.to_owned(), settings.clone());
    let read = spawn_blocking(move || source::read_all(&root, &settings)).await;
    Ok(read.map_err(|error| ImageError::interrupted(&error))??)
}

async fn tree_layer(tree: &SourceTree, workdir: &str, cache: &Cache) -> Result<Option<LayerBlob>, ImageError> {
    let mut layout = Tree::<TreeFile>::default();
    add_source(&mut layout, tree, workdir);
    if layout.is_empty() {
        return Ok(None);
    }
    let store = cache.clone();
    let key = super::digest::key(["1", workdir, tree.fingerprint().as_str()]);
    if let Some(known) = cache.record::<LayerBlob>("tree-layers", &key)
        && cache.blob(&known.digest).exists()
    {
        return Ok(Some(known));
    }
    let written = spawn_blocking(move || layer::write(&layout, &mut TreeContent, Packing::Plain, &store)).await;
    let blob = written.map_err(|error| ImageError::interrupted(&error))??;
    cache.put_record("tree-layers", &key, &blob)?;
    Ok(Some(blob))
}

async fn package(
    docker: &Docker,
    build: &DevelopmentBuild<'_>,
    ground: &Ground,
    added: impl Iterator<Item = &LayerBlob>,
    cache: &Cache,
) -> Result<Package, ImageError> {
    let below = layers_below(docker, ground, cache).await?.into_iter().map(|reference| {
        let blob = Some(cache.blob(&reference.digest)).filter(|blob| blob.exists());
        PackedLayer { reference, blob }
    });
    let above = added.map(|blob| PackedLayer { reference: LayerReference::of_blob(blob), blob: Some(cache.blob(&blob.digest)) });
    let layers: Vec<_> = below.chain(above).collect();
    let references: Vec<_> = layers.iter().map(|layer| layer.reference.clone()).collect();
    let (os, architecture, variant) = ground.image.platform.clone();
    let system = System { os, architecture, variant };
    let description = describe(&system, &execution(build, ground), &references, None, &BTreeMap::new())?;
    let tag = format!("nonevent/{}-dev:{}", build.project, description.manifest_digest().short());
    Ok(Package { description, layers, tag })
}

/// The release's own layers, as a manifest names them.
async fn layers_below(docker: &Docker, ground: &Ground, cache: &Cache) -> Result<Vec<LayerReference>, ImageError> {
    if let Some(record) = &ground.record {
        return Ok(record.layers.clone());
    }
    match docker.info.store {
        // The classic store reads no manifest: it finds layers by their diff ids.
        StoreKind::Classic => Ok(ground.image.diff_ids.iter().map(LayerReference::of_diff_id).collect()),
        StoreKind::Containerd => {
            // There an image's id is its manifest's digest: what it names never changes.
            let key = ground.image.id.hex();
            if let Some(known) = cache.record("saved-layers", key) {
                return Ok(known);
            }
            let saved = saved(docker, &ground.image).await?;
            let pairs = saved.layers.iter().zip(&ground.image.diff_ids);
            let layers = pairs.map(|(layer, diff_id)| LayerReference::of_base(layer, diff_id)).collect();
            cache.put_record("saved-layers", key, &layers)?;
            Ok(layers)
        }
    }
}

fn execution(build: &DevelopmentBuild<'_>, ground: &Ground) -> Execution {
    let path = variable(&ground.image.env, "PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
    let changes = BTreeMap::from([("PATH", format!("/{PREFIX}/bin:{path}"))]);
    let labels = BTreeMap::from([
        ("dev.nonevent.project".to_owned(), build.project.as_str().to_owned()),
        ("dev.nonevent.role".to_owned(), "development".to_owned()),
    ]);
    Execution {
        env: with_variables(&ground.image.env, &changes),
        user: ground.image.user.clone(),
        workdir: ground.workdir.clone(),
        // A gate says itself what it runs.
        entrypoint: Vec::new(),
        command: vec![ground.interpreter.clone()],
        ports: Vec::new(),
        labels,
    }
}
