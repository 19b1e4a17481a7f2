//! Builds the image of a release: layers, config, manifest, and into the engine.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::dependencies::{Blobs, Dependencies, DependencyLayers, dependency_layers};
use super::install::Scheme;
use super::local::Placed;
use super::{WheelBuild, local};
use crate::docker::Docker;
use crate::image::base::BaseImage;
use crate::image::cache::Cache;
use crate::image::deliver::{deliver, remember};
use crate::image::error::ImageError;
use crate::image::http::Http;
use crate::image::layer::{self, EPOCH, LayerBlob, Mode, Node, Packing, Tree};
use crate::image::load::{Package, PackedLayer, holds};
use crate::image::oci::{Description, Execution, LayerReference, System, describe};
use crate::image::python::{variable, with_variables};
use crate::image::source::{self, Part, SourceTree, TreeContent};
use crate::model::{BuildSettings, BuilderKind, Digest, ImageReport, ProcessKind, StoreKind};

/// Where a release's virtual environment lies.
pub(crate) const VENV: &str = "/opt/venv";

/// User and group of a release's processes: numbers, so that no base needs to know them.
const USER: &str = "65532:65532";

/// What a base that says nothing about it has as its `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is remembered about an image that was built: enough to put layers on it without asking the engine for its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReleaseRecord {
    pub(crate) base: BaseImage,
    pub(crate) layers: Vec<LayerReference>,
}

/// An image whose layers are made, as far as they had to be.
pub(super) struct Assembled {
    pub(super) package: Package,
    pub(super) report: ImageReport,
}

/// Builds an image of locked wheels and the project's source, and gives it to the engine; one that is there already is not made again.
///
/// # Errors
/// When a wheel cannot be had or is not what was locked, when the source cannot be read, and when the engine refuses the image.
pub async fn build(docker: &Docker, build: WheelBuild<'_>) -> Result<ImageReport, ImageError> {
    let cache = Cache::at(build.cache);
    let Assembled { mut package, mut report } = assemble(&build, Blobs::MayBeGone, docker.info.store).await?;
    let line = build.app.name.as_str();
    if holds(docker, &package).await? {
        remember(docker, line, &report.engine_id, &cache)?;
        report.reused = true;
    } else {
        // What a look at the records did not need is needed now.
        Assembled { package, report } = assemble(&build, Blobs::Needed, docker.info.store).await?;
        (build.progress)("loading the image into the engine".to_owned());
        deliver(docker, &mut package, build.base, line, &cache).await?;
    }
    let record =
        ReleaseRecord { base: build.base.clone(), layers: package.layers.into_iter().map(|layer| layer.reference).collect() };
    if release_record(&cache, &report.digest).as_ref() != Some(&record) {
        cache.put_record("releases", report.digest.hex(), &record)?;
    }
    Ok(report)
}

/// Makes everything of an image that needs no engine.
pub(super) async fn assemble(build: &WheelBuild<'_>, blobs: Blobs, store: StoreKind) -> Result<Assembled, ImageError> {
    let cache = Cache::at(build.cache);
    let base = build.base;
    check_python(build)?;
    let scheme = scheme(base);
    let dependencies = Dependencies {
        wheels: build.wheels,
        scheme: &scheme,
        skeleton: skeleton(base),
        packing: Packing::Gzip,
        base_libraries: &base.python.libraries,
    };
    let bundle = build.settings.ca_bundle.as_ref().map(|bundle| build.project.root.join(bundle));
    let http = || Ok(Http::new(bundle.as_deref())?);
    let (placed, made) =
        tokio::try_join!(read_sources(build), dependency_layers(&dependencies, blobs, http, &cache, build.progress))?;
    let app = app_layer(&placed, &scheme, &cache).await?;
    let package = package(build, &made, &app, &cache)?;
    let report = report(build, &package, store, &made, &app, warnings(&placed));
    Ok(Assembled { package, report })
}

/// Returns what is remembered about a built image.
pub(crate) fn release_record(cache: &Cache, digest: &Digest) -> Option<ReleaseRecord> {
    cache.record("releases", digest.hex())
}

fn check_python(build: &WheelBuild<'_>) -> Result<(), ImageError> {
    let found = build.base.python.minor();
    match build.app.python.is_empty() || build.app.python == found {
        true => Ok(()),
        false => Err(ImageError::OtherPython {
            base: build.base.pinned.reference.clone(),
            wanted: build.app.python.clone(),
            found: build.base.python.version.clone(),
        }),
    }
}

fn scheme(base: &BaseImage) -> Scheme {
    Scheme {
        prefix: VENV.trim_start_matches('/').to_owned(),
        interpreter: format!("{VENV}/bin/python"),
        python: base.python.minor(),
    }
}

/// The virtual environment without packages: three static entries are all that Python looks at (PEP 405).
fn skeleton(base: &BaseImage) -> Tree<Vec<u8>> {
    let prefix = VENV.trim_start_matches('/');
    let python = &base.python;
    let config = format!("home = {}\ninclude-system-site-packages = false\nversion = {}\n", python.home(), python.version);
    let file = Node::File { mode: Mode::Plain, size: config.len() as u64, time: EPOCH, content: config.into_bytes() };
    let link = |target: &str| Node::Link { target: target.to_owned() };
    let mut tree = Tree::default();
    // Each path occurs once.
    let _ = tree.insert(&format!("{prefix}/pyvenv.cfg"), file);
    let _ = tree.insert(&format!("{prefix}/bin/python"), link(&python.real_executable));
    let _ = tree.insert(&format!("{prefix}/bin/python3"), link("python"));
    let _ = tree.insert(&format!("{prefix}/bin/python{}", python.minor()), link("python"));
    let _ = tree.insert(&format!("{prefix}/lib/python{}/site-packages", python.minor()), Node::Directory);
    tree
}

async fn read_sources<'a>(build: &WheelBuild<'a>) -> Result<Vec<Placed<'a>>, ImageError> {
    let tree = match build.tree {
        Some(tree) => tree.clone(),
        None => read_source(&build.project.root, build.settings).await?,
    };
    let mut placed = vec![Placed::app(build.project, tree)];
    // What the settings include and exclude is said of the project alone.
    let plain = BuildSettings { include: Vec::new(), exclude: Vec::new(), ..build.settings.clone() };
    for companion in build.companions {
        placed.push(Placed::companion(companion, read_source(&companion.root, &plain).await?));
    }
    Ok(placed)
}

async fn read_source(root: &Path, settings: &BuildSettings) -> Result<SourceTree, ImageError> {
    let (root, settings) = (root.to_owned(), settings.clone());
    let read = spawn_blocking(move || source::read(&root, &settings, Part::Release)).await;
    Ok(read.map_err(|error| ImageError::interrupted(&error))??)
}

fn warnings(placed: &[Placed<'_>]) -> Vec<String> {
    let mut warnings: Vec<_> = placed.iter().flat_map(|one| one.source.warnings.iter().cloned()).collect();
    let has_python = placed.iter().flat_map(|one| &one.source.files).any(|file| file.path.ends_with(".py"));
    if !has_python {
        warnings
            .push("no Python file of the project is in the image; `.gitignore` and `.dockerignore` decide what is".to_owned());
    }
    warnings
}

async fn app_layer(placed: &[Placed<'_>], scheme: &Scheme, cache: &Cache) -> Result<LayerBlob, ImageError> {
    let key = local::layer_key(placed, scheme)?;
    if let Some(known) = cache.record::<LayerBlob>("app-layers", &key)
        && cache.blob(&known.digest).exists()
    {
        return Ok(known);
    }
    let layout = local::app_tree(placed, scheme)?;
    let store = cache.clone();
    let written = spawn_blocking(move || layer::write(&layout, &mut TreeContent, Packing::Gzip, &store)).await;
    let blob = written.map_err(|error| ImageError::interrupted(&error))??;
    cache.put_record("app-layers", &key, &blob)?;
    Ok(blob)
}

fn package(build: &WheelBuild<'_>, made: &DependencyLayers, app: &LayerBlob, cache: &Cache) -> Result<Package, ImageError> {
    let base = build.base;
    let of_base = base
        .layers
        .iter()
        .zip(&base.diff_ids)
        .map(|(layer, diff_id)| PackedLayer { reference: LayerReference::of_base(layer, diff_id), blob: None });
    let own = made
        .layers
        .iter()
        .chain([app])
        .map(|blob| PackedLayer { reference: LayerReference::of_blob(blob), blob: Some(cache.blob(&blob.digest)) });
    let layers: Vec<_> = of_base.chain(own).collect();
    let references: Vec<_> = layers.iter().map(|layer| layer.reference.clone()).collect();
    let annotations = BTreeMap::from([
        ("org.opencontainers.image.base.name".to_owned(), base.name.clone()),
        ("org.opencontainers.image.base.digest".to_owned(), base.digest.as_str().to_owned()),
        ("dev.nonevent.format".to_owned(), "1".to_owned()),
    ]);
    let history = base.config.history().as_deref();
    let description = describe(&System::of_config(&base.config), &execution(build), &references, history, &annotations)?;
    let tag = tag(build.app.name.as_str(), &description);
    Ok(Package { description, layers, tag })
}

fn tag(project: &str, description: &Description) -> String {
    format!("nonevent/{project}:{}", description.manifest_digest().short())
}

fn execution(build: &WheelBuild<'_>) -> Execution {
    let inherited = build.base.config.config().as_ref().and_then(|config| config.env().clone()).unwrap_or_default();
    let path = variable(&inherited, "PATH").unwrap_or(DEFAULT_PATH);
    let changes = BTreeMap::from([
        ("PATH", format!("{VENV}/bin:{path}")),
        // The one folder that may be written; what looks for its user's own finds none in the base.
        ("HOME", "/tmp".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("VIRTUAL_ENV", VENV.to_owned()),
    ]);
    let mut labels = BTreeMap::from([
        ("dev.nonevent.project".to_owned(), build.app.name.as_str().to_owned()),
        ("dev.nonevent.role".to_owned(), "release".to_owned()),
        ("org.opencontainers.image.title".to_owned(), build.app.name.as_str().to_owned()),
    ]);
    labels.extend(build.project.version.clone().map(|version| ("org.opencontainers.image.version".to_owned(), version)));
    let ports = build.app.processes.iter().filter_map(|process| match process.kind {
        ProcessKind::Web { port } => Some(port),
        ProcessKind::Worker => None,
    });
    Execution {
        env: with_variables(&inherited, &changes),
        user: Some(USER.to_owned()),
        workdir: local::WORKDIR.to_owned(),
        entrypoint: Vec::new(),
        command: build.app.processes.first().map(|process| process.command.argv()).unwrap_or_default(),
        ports: ports.collect(),
        labels,
    }
}

fn report(
    build: &WheelBuild<'_>,
    package: &Package,
    store: StoreKind,
    made: &DependencyLayers,
    app: &LayerBlob,
    mut warnings: Vec<String>,
) -> ImageReport {
    warnings.extend(made.warnings.iter().cloned());
    ImageReport {
        digest: package.description.manifest_digest(),
        engine_id: package.engine_id(store),
        builder: BuilderKind::Wheels,
        base: Some(build.base.pinned.clone()),
        size: made.layers.iter().chain([app]).map(|layer| layer.unpacked).sum(),
        layers: package.layers.iter().map(|layer| layer.reference.diff_id.clone()).collect(),
        reused: false,
        warnings,
        workdir: local::WORKDIR.to_owned(),
    }
}
