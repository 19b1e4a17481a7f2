//! Makes the images of a run: the release's, by whichever builder the project asks for, and the one that gates run in.
//!
//! Pins what it resolves in `nonevent.lock`, and uses what is pinned there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Context;
use crate::docker::Docker;
use crate::error::EngineError;
use crate::gauntlet::{self, Xdist};
use crate::image::source::Sources;
use crate::image::wheels::{self, LocalProject, Wheel, WheelBuild};
use crate::image::{
    DevelopmentBuild, DevelopmentImage, LibcKind, PythonRuntime, development_image, dockerfile, hold_pinned, inspect,
    python_runtime, read_sources, resolve_base,
};
use crate::model::{Digest, ImageReport, Release, ServiceSettings, Stage};
use crate::project::lock::{
    self, Libc, LocalPackage, LockFile, LockedPackage, Machine, MainDependencies, PythonTarget, ResolvedWheel, Wanted,
};
use crate::project::pins::{Pins, Written};
use crate::project::{Manifest, Project};

/// The proxy in front of every environment.
pub const PROXY: &str = "haproxy:3.2";

/// What is needed to make a run's images.
pub struct Images<'a> {
    /// The run.
    pub context: &'a Context,
    /// The engine.
    pub docker: &'a Docker,
    /// The home's cache folder.
    pub cache: &'a Path,
    /// The project.
    pub project: &'a Project,
    /// Its lock; a Dockerfile image may go without.
    pub lock: Option<&'a LockFile>,
}

/// What the gates' image adds to the release's, and what both stand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tooling {
    /// Wheels that only gates need.
    wheels: Vec<Wheel>,
    /// The tree that both are made of.
    pub sources: Sources,
    /// What a gate stands on beside the tree: base and wheels; for a Dockerfile the image itself, which may hold anything.
    pub ground: Vec<String>,
    /// Versions of what the lock pins, by distribution; none where the image may hold others.
    pub versions: BTreeMap<String, String>,
    /// What people should know about tools that the project does not lock.
    notes: Vec<String>,
}

impl Tooling {
    /// Tells whether gates are given pytest-xdist.
    pub fn xdist(&self) -> Xdist {
        if self.wheels.iter().any(|wheel| wheel.name == "pytest-xdist") { Xdist::Locked } else { Xdist::Absent }
    }
}

/// What a lock pins for the app, and what for its gates beyond that.
#[derive(Default)]
struct Locked {
    app: Vec<Wheel>,
    companions: Vec<LocalProject>,
    tools: Vec<Wheel>,
    notes: Vec<String>,
}

/// Tools that the lock does not hold.
#[derive(Default)]
struct Unlocked {
    wheels: Vec<Wheel>,
    notes: Vec<String>,
}

impl Images<'_> {
    /// Makes the release's image, and finds what its gates need.
    ///
    /// # Errors
    /// When a base, a wheel or a Dockerfile is not as it should be.
    pub async fn build(&self) -> Result<(ImageReport, Tooling), EngineError> {
        // Read once, before anything is made of it: what is tested is what is built, whatever is saved meanwhile.
        let sources = read_sources(&self.project.root, &self.project.settings.build).await?;
        match &self.project.settings.build.dockerfile {
            Some(_) => self.build_by_dockerfile(sources).await,
            None => self.build_from_wheels(sources).await,
        }
    }

    async fn build_from_wheels(&self, sources: Sources) -> Result<(ImageReport, Tooling), EngineError> {
        let lock = self.lock.ok_or_else(|| EngineError::ours("the wheel builder was started without a lock"))?;
        let settings = &self.project.settings;
        let reference = &settings.build.base;
        self.context.progress(Stage::Build, format!("resolving {reference}"));
        let mut pins = Pins::read(&self.project.root)?.unwrap_or_default();
        let base = resolve_base(self.docker, reference, pins.images.get(reference), self.cache).await?;
        pins.images.insert(reference.clone(), base.pinned.digest.clone());
        write_pins(&self.project.root, &pins)?;
        let Locked { app, companions, tools, notes } = self.locked(lock, &base.python).await?;
        let progress = |text: String| self.context.progress(Stage::Build, text);
        let build = WheelBuild {
            base: &base,
            wheels: &app,
            project: &LocalProject {
                name: manifest_name(&self.project.manifest).unwrap_or_else(|| settings.app.name.to_string()),
                ..local_project(&self.project.root, &self.project.manifest)
            },
            tree: Some(&sources.release),
            companions: &companions,
            settings: &settings.build,
            app: &settings.app,
            cache: self.cache,
            progress: &progress,
        };
        let image = wheels::build(self.docker, build).await?;
        let all = || app.iter().chain(&tools);
        // Members of a workspace have trees of their own, which are in the image.
        let others = (!companions.is_empty()).then(|| image.digest.as_str().to_owned());
        let ground = [base.digest.as_str().to_owned()].into_iter().chain(others).chain(all().map(named)).collect();
        let versions = all().map(|wheel| (wheel.name.clone(), wheel.version.clone())).collect();
        Ok((image, Tooling { wheels: tools, sources, ground, versions, notes }))
    }

    async fn build_by_dockerfile(&self, sources: Sources) -> Result<(ImageReport, Tooling), EngineError> {
        let settings = &self.project.settings;
        let progress = |text: String| self.context.progress(Stage::Build, text);
        let lines = self.context.lines();
        let cancel = self.context.cancel();
        let image =
            dockerfile::build(self.docker, &self.project.root, &settings.build, &settings.app, lines, &progress, cancel).await?;
        let Locked { tools, notes, .. } = match self.lock {
            Some(lock) => self.locked(lock, &python_runtime(self.docker, &image.engine_id, self.cache).await?).await?,
            None => Locked::default(),
        };
        let ground = [image.digest.as_str().to_owned()].into_iter().chain(tools.iter().map(named)).collect();
        Ok((image, Tooling { wheels: tools, sources, ground, versions: BTreeMap::new(), notes }))
    }

    /// Makes the image that gates run in.
    ///
    /// # Errors
    /// When a wheel cannot be had, or the engine refuses.
    pub async fn development(&self, image: &ImageReport, tooling: &Tooling) -> Result<DevelopmentImage, EngineError> {
        let progress = |text: String| self.context.progress(Stage::Gauntlet, text);
        let build = DevelopmentBuild {
            image,
            project: &self.project.settings.app.name,
            run: self.context.run(),
            wheels: &tooling.wheels,
            root: &self.project.root,
            sources: Some(&tooling.sources),
            import_roots: &import_roots(&self.project.manifest),
            settings: &self.project.settings.build,
            cache: self.cache,
            progress: &progress,
        };
        let mut development = development_image(self.docker, build).await?;
        development.warnings.extend(tooling.notes.iter().cloned());
        Ok(development)
    }

    /// Returns what the images of services are pinned to, asking nobody; none where one is not pinned yet.
    ///
    /// # Errors
    /// When `nonevent.lock` cannot be read.
    pub fn pins_of(&self, services: &BTreeMap<String, ServiceSettings>) -> Result<Option<BTreeMap<String, Digest>>, EngineError> {
        let pins = Pins::read(&self.project.root)?.unwrap_or_default();
        let digests = services.iter().map(|(name, service)| Some((name.clone(), pins.images.get(&service.image)?.clone())));
        Ok(digests.collect())
    }

    /// Replaces the images of services by what they are pinned to.
    ///
    /// # Errors
    /// When an image cannot be had.
    pub async fn pinned_services(
        &self,
        services: BTreeMap<String, ServiceSettings>,
    ) -> Result<BTreeMap<String, ServiceSettings>, EngineError> {
        let pinned = pin_services(self.docker, self.project, services).await?;
        Ok(pinned.into_iter().map(|(name, (service, image))| (name, ServiceSettings { image, ..service })).collect())
    }

    /// Chooses the wheels of the app and of its gates for one interpreter.
    async fn locked(&self, lock: &LockFile, python: &PythonRuntime) -> Result<Locked, EngineError> {
        let target = python_target(python)?;
        let settings = &self.project.settings;
        let main = Wanted {
            extras: settings.build.extras.clone(),
            groups: settings.build.groups.clone(),
            project: MainDependencies::Include,
        };
        let mut all = main.clone();
        all.extras.extend(settings.gauntlet.extras.iter().cloned());
        all.groups.extend(settings.gauntlet.groups.iter().cloned());
        let app = lock.select(&target, &main)?;
        let companions = app.local.iter().map(companion).collect::<Result<Vec<_>, _>>()?;
        let everything = lock.select(&target, &all)?;
        refuse_other(&everything.local, &app.local)?;
        let mut tools = Vec::new();
        for package in everything.packages {
            match app.packages.iter().find(|shipped| shipped.name == package.name) {
                None => tools.push(package),
                Some(shipped) if shipped.version == package.version => {}
                Some(shipped) => return Err(differently_locked(shipped, &package)),
            }
        }
        let locked = app.packages.iter().chain(&tools).map(|package| (package.name.clone(), package.version.clone())).collect();
        let unlocked = self.unlocked(&locked, &target).await?;
        let count = app.packages.len();
        let together = app.packages.into_iter().chain(tools).collect();
        let mut resolved = lock::with_urls(together, lock, &target, &self.cache.join("locks")).await?.into_iter().map(wheel);
        let app = resolved.by_ref().take(count).collect();
        let tools = resolved.chain(unlocked.wheels).collect();
        Ok(Locked { app, companions, tools, notes: unlocked.notes })
    }

    /// Finds the tools that gates call and the lock does not hold, at versions of ours, and pins them.
    async fn unlocked(&self, locked: &BTreeMap<String, String>, target: &PythonTarget) -> Result<Unlocked, EngineError> {
        let called = gauntlet::tools_of(&self.project.settings.gauntlet.gates);
        let missing: Vec<&str> = called.into_iter().filter(|tool| !locked.contains_key(*tool)).collect();
        let wanted: Vec<&str> = missing.into_iter().filter(|tool| lock::our_version(tool).is_some()).collect();
        if wanted.is_empty() {
            return Ok(Unlocked::default());
        }
        let mut pins = Pins::read(&self.project.root)?.unwrap_or_default();
        let found = match lock::unlocked(&wanted, &pins.tools, locked, target, &self.cache.join("locks")).await {
            Ok(found) => found,
            // The gates say themselves that their tool is missing; the release does not depend on it.
            Err(error) => {
                let note = format!("{} cannot be had, which the project does not lock: {error}", wanted.join(", "));
                return Ok(Unlocked { wheels: Vec::new(), notes: vec![note] });
            }
        };
        let notes = wanted.iter().filter_map(|tool| {
            let version = found.pins.get(*tool)?;
            Some(format!("the project does not lock {tool}: {tool} {version} is run, pinned in nonevent.lock"))
        });
        let notes = notes.collect();
        pins.tools.extend(found.pins);
        write_pins(&self.project.root, &pins)?;
        Ok(Unlocked { wheels: found.wheels.into_iter().map(wheel).collect(), notes })
    }
}

fn wheel(wheel: ResolvedWheel) -> Wheel {
    let ResolvedWheel { name, version, filename, url, sha256, size } = wheel;
    Wheel { name, version, filename, url: url.to_string(), sha256, size }
}

/// Reads a package that is a folder, such as another member of the workspace: it is installed as the project itself is.
fn companion(local: &LocalPackage) -> Result<LocalProject, EngineError> {
    let manifest = Manifest::of(&local.path)?;
    if let Some(backend) =
        manifest.build_system.as_ref().and_then(|system| system.backend.as_deref()).filter(|name| compiles(name))
    {
        return Err(EngineError::user(
            "local_dependency",
            format!(
                "{} is a folder ({}) that `{backend}` compiles, and only Python sources are taken",
                local.name,
                local.path.display()
            ),
        )
        .with_hint("write a Dockerfile that installs it; Nonevent builds that instead"));
    }
    let version = local.version.clone().or_else(|| manifest.version.clone());
    Ok(LocalProject { name: local.name.clone(), version, ..local_project(&local.path, &manifest) })
}

/// Tells whether a build backend is there to compile extension modules.
fn compiles(backend: &str) -> bool {
    ["maturin", "mesonpy", "scikit_build_core", "setuptools_rust", "cmeel"].iter().any(|known| backend.starts_with(known))
}

/// Gates run beside what is installed in the image: a folder that only they need has no place there.
fn refuse_other(wanted: &[LocalPackage], shipped: &[LocalPackage]) -> Result<(), EngineError> {
    match wanted.iter().find(|local| !shipped.contains(local)) {
        None => Ok(()),
        Some(local) => Err(EngineError::user(
            "local_dependency",
            format!("{} is a folder ({}) that only the gates need, which is not installed", local.name, local.path.display()),
        )
        .with_hint("make it a dependency of the project, or publish it and lock its wheel")),
    }
}

/// The gates would not test what ships.
fn differently_locked(shipped: &LockedPackage, tool: &LockedPackage) -> EngineError {
    let LockedPackage { name, version, .. } = shipped;
    EngineError::user("lock_refused", format!("{name} is locked at {version} for the app and at {} for its gates", tool.version))
        .with_hint("lock the development requirements with those of the app as constraints, so that what is tested is what ships")
}

/// A wheel by name and content.
fn named(wheel: &Wheel) -> String {
    format!("{} sha256:{}", wheel.filename, wheel.sha256)
}

fn python_target(python: &PythonRuntime) -> Result<PythonTarget, EngineError> {
    let unsupported = |what: String| {
        EngineError::user("base_unsupported", format!("the base runs {what}, for which no wheels can be chosen"))
            .with_hint("take a base such as `python:3.13-slim`, or write a Dockerfile")
    };
    let machine = match python.machine.as_str() {
        "x86_64" => Machine::X86_64,
        "aarch64" | "arm64" => Machine::Aarch64,
        other => return Err(unsupported(other.to_owned())),
    };
    let mut numbers = python.libc.version.split('.').map_while(|part| part.parse().ok());
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let libc = match python.libc.kind {
        LibcKind::Glibc => Libc::Glibc { major, minor },
        LibcKind::Musl => Libc::Musl { major, minor },
        LibcKind::Unknown => return Err(unsupported("an unknown C library".to_owned())),
    };
    Ok(PythonTarget::cpython(&python.version, machine, libc)?)
}

fn local_project(root: &Path, manifest: &Manifest) -> LocalProject {
    LocalProject {
        name: manifest_name(manifest).unwrap_or_default(),
        version: manifest.version.clone(),
        scripts: manifest.scripts.iter().map(|(name, target)| (name.clone(), target.value.clone())).collect(),
        entry_points: BTreeMap::new(),
        import_roots: import_roots(manifest),
        root: root.to_owned(),
    }
}

fn manifest_name(manifest: &Manifest) -> Option<String> {
    manifest.name.as_ref().map(|name| name.value.clone())
}

fn import_roots(manifest: &Manifest) -> Vec<String> {
    let written = |root: &PathBuf| match root.to_string_lossy() {
        empty if empty.is_empty() => ".".to_owned(),
        path => path.into_owned(),
    };
    manifest.layout.import_roots.iter().map(written).collect()
}

/// Pins the images of services, and makes sure that the engine holds them; each comes with the reference to run.
///
/// # Errors
/// When an image cannot be had.
pub async fn pin_services(
    docker: &Docker,
    project: &Project,
    services: BTreeMap<String, ServiceSettings>,
) -> Result<BTreeMap<String, (ServiceSettings, String)>, EngineError> {
    let mut pins = Pins::read(&project.root)?.unwrap_or_default();
    let mut pinned = BTreeMap::new();
    for (name, service) in services {
        if service.container.refused.is_some() {
            // Whoever asks for it is told why.
            let image = service.image.clone();
            pinned.insert(name, (service, image));
            continue;
        }
        let held = hold_pinned(docker, &service.image, pins.images.get(&service.image)).await?;
        pins.images.insert(service.image.clone(), held.pinned.digest);
        pinned.insert(name, (service, held.reference));
    }
    if !pinned.is_empty() {
        write_pins(&project.root, &pins)?;
    }
    Ok(pinned)
}

/// Pins the base and the services anew; returns what changed, in words.
///
/// # Errors
/// When an image cannot be had.
pub async fn pin_all(docker: &Docker, project: &Project, cache: &Path) -> Result<Vec<String>, EngineError> {
    let before = Pins::read(&project.root)?.unwrap_or_default();
    let mut pins = before.clone();
    let settings = &project.settings;
    let mut used = gauntlet::wanted_services(&settings.gauntlet.gates, &settings.services);
    let kept = settings.environments.values().flat_map(|environment| &environment.services);
    used.extend(ServiceSettings::with_needed(kept, &settings.services));
    let can_be_had = used.values().filter(|service| service.container.refused.is_none());
    let mut references: Vec<&String> = can_be_had.map(|service| &service.image).collect();
    references.sort();
    references.dedup();
    for reference in references {
        pins.images.insert(reference.clone(), hold_pinned(docker, reference, None).await?.pinned.digest);
    }
    if settings.build.dockerfile.is_none() {
        let base = resolve_base(docker, &settings.build.base, None, cache).await?;
        pins.images.insert(settings.build.base.clone(), base.pinned.digest);
    }
    // Tools are found anew by the next run, at the versions of today; what they need follows.
    pins.tools = pins.tools.keys().filter_map(|tool| Some((tool.clone(), lock::our_version(tool)?.to_owned()))).collect();
    write_pins(&project.root, &pins)?;
    let changed = pins.images.iter().filter(|(reference, digest)| before.images.get(*reference) != Some(digest));
    Ok(changed.map(|(reference, digest)| format!("pinned {reference} to {}", digest.short())).collect())
}

/// Returns the proxy's image, as the project pins it or by its tag.
///
/// # Errors
/// When `nonevent.lock` cannot be read.
pub fn proxy(project: &Project) -> Result<String, EngineError> {
    let pins = Pins::read(&project.root)?.unwrap_or_default();
    Ok(pins.images.get(PROXY).map_or_else(|| PROXY.to_owned(), |digest| format!("haproxy@{digest}")))
}

/// Makes sure that the engine still holds a release's image.
///
/// # Errors
/// When it does not.
pub async fn require(docker: &Docker, release: &Release) -> Result<(), EngineError> {
    if inspect(docker, release.engine_id.as_str()).await?.is_some() {
        return Ok(());
    }
    let commit = release.evidence.source.commit.as_deref().map(|commit| format!("commit {}", commit.get(..12).unwrap_or(commit)));
    Err(EngineError::user("image_gone", format!("the image of release {} is no longer on the engine", release.id))
        .with_hint(format!("check out {} and ship it again", commit.as_deref().unwrap_or("its source"))))
}

fn write_pins(root: &Path, pins: &Pins) -> Result<(), EngineError> {
    match pins.write(root)? {
        Written::Changed | Written::Unchanged => Ok(()),
    }
}
