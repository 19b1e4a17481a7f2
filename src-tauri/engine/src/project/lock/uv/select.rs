//! The walk through the graph of `uv.lock`: which packages a project needs on one interpreter.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::ExtraName;
use url::Url;

use super::super::LockError;
use super::super::file::{file_name, normalize};
use super::super::manifest::{Manifest, group_name};
use super::super::markers;
use super::super::python::PythonTarget;
use super::super::selection::{Candidate, LocalPackage, MainDependencies, Selection, UncheckedFile, Wanted, choose, sha256};
use super::groups;
use super::schema::{Edge, File, Package, Source, UvLock};

const FILE: &str = "uv.lock";

impl UvLock {
    /// Chooses what a project needs; `dir` is the lock's folder, `project` the project's.
    pub(in super::super) fn select(
        &self,
        dir: &Path,
        project: &Path,
        target: &PythonTarget,
        wanted: &Wanted,
    ) -> Result<Selection, LockError> {
        self.require_python(target)?;
        let root = self.project(dir, project);
        let walk = Walk::new(self, target);
        let starts = match root {
            Some(root) => self.starts(root, wanted)?,
            None => self.starts_of_workspace(dir, project, wanted, &walk)?,
        };
        let reached = walk.run(root, &starts, wanted)?;
        self.gather(dir, root, reached, target)
    }

    /// Names the extras and the groups of a project.
    pub(in super::super) fn names(&self, dir: &Path, project: &Path) -> (Vec<String>, Vec<String>) {
        match self.project(dir, project).and_then(|root| self.packages.get(root)) {
            Some(package) => (extras(package), groups_of(package)),
            None => (Vec::new(), self.manifest.dependency_groups.keys().cloned().collect()),
        }
    }

    /// Names the groups that uv installs by itself.
    pub(in super::super) fn default_groups(&self, project: &Path) -> Result<Vec<String>, LockError> {
        Manifest::read(project)?.map_or(Ok(Vec::new()), |manifest| groups::default(&manifest))
    }

    /// Counts the packages that are not folders of this machine.
    pub(in super::super) fn pinned(&self) -> usize {
        self.packages.iter().filter(|package| package.source.folder().is_none()).count()
    }

    /// Lists the packages with a file that has no sha256, or from a repository.
    pub(in super::super) fn unhashed(&self) -> Vec<String> {
        let bare = |package: &&Package| {
            let files = package.wheels.iter().chain(package.sdist.as_ref());
            package.source.folder().is_none()
                && package.source.git.is_none()
                && files.clone().next().is_some()
                && files.into_iter().all(|file| file.hash.as_deref().and_then(sha256).is_none())
        };
        self.packages.iter().filter(bare).map(title).collect()
    }

    /// Lists the packages from repositories, with the address.
    pub(in super::super) fn repositories(&self) -> Vec<(String, String)> {
        self.packages.iter().filter_map(|package| Some((package.name.clone(), package.source.git.clone()?))).collect()
    }

    fn require_python(&self, target: &PythonTarget) -> Result<(), LockError> {
        let specifiers = VersionSpecifiers::from_str(&self.requires_python).unwrap_or_default();
        if !specifiers.contains(&target.version().only_release()) {
            let (wants, has) = (self.requires_python.clone(), target.version().to_string());
            return Err(LockError::Python { wants, has });
        }
        let mut fits = self.supported_markers.is_empty();
        for text in &self.supported_markers {
            fits |= markers::parse(text, FILE)?.evaluate(target.markers(), &[]);
        }
        if !fits {
            return Err(LockError::Environment { wants: self.supported_markers.join(" or ") });
        }
        Ok(())
    }

    fn project(&self, dir: &Path, project: &Path) -> Option<usize> {
        let project = normalize(project);
        let here = |package: &Package| package.source.folder().is_some_and(|folder| normalize(&dir.join(folder)) == project);
        self.packages.iter().position(here)
    }

    fn starts(&self, root: usize, wanted: &Wanted) -> Result<Vec<Start<'_>>, LockError> {
        let Some(package) = self.packages.get(root) else { return Ok(Vec::new()) };
        let mut starts = Vec::new();
        if wanted.project == MainDependencies::Include {
            starts.push(Start::Node(root, None));
        }
        for extra in &wanted.extras {
            let extra = group_name(extra);
            if !extras(package).contains(&extra) {
                return Err(LockError::UnknownExtra { extra, known: extras(package) });
            }
            starts.push(Start::Node(root, Some(extra)));
        }
        for group in &wanted.groups {
            let group = group_name(group);
            if !groups_of(package).contains(&group) {
                return Err(LockError::UnknownGroup { file: FILE.into(), group, known: groups_of(package) });
            }
            starts.extend(package.dev_dependencies.get(&group).into_iter().flatten().map(Start::Edge));
        }
        Ok(starts)
    }

    /// A root that is no project has groups only.
    fn starts_of_workspace(
        &self,
        dir: &Path,
        project: &Path,
        wanted: &Wanted,
        walk: &Walk<'_>,
    ) -> Result<Vec<Start<'_>>, LockError> {
        let is_root = normalize(dir) == normalize(project);
        if !is_root || wanted.project == MainDependencies::Include || !wanted.extras.is_empty() {
            return Err(LockError::NotInLock { file: FILE.into(), project: project.to_path_buf() });
        }
        let known: Vec<String> = self.manifest.dependency_groups.keys().cloned().collect();
        let mut starts = Vec::new();
        for group in &wanted.groups {
            let group = group_name(group);
            let Some(wishes) = self.manifest.dependency_groups.get(&group) else {
                return Err(LockError::UnknownGroup { file: FILE.into(), group, known });
            };
            for wish in wishes {
                if !walk.holds(wish.marker.as_deref(), &[])? {
                    continue;
                }
                let Some(node) = walk.by_markers(&wish.name) else {
                    return Err(LockError::Dangling { file: FILE.into(), name: wish.name.clone() });
                };
                starts.push(Start::Node(node, None));
                starts.extend(wish.extras.iter().map(|extra| Start::Node(node, Some(extra.clone()))));
            }
        }
        Ok(starts)
    }

    fn gather(
        &self,
        dir: &Path,
        root: Option<usize>,
        reached: BTreeSet<usize>,
        target: &PythonTarget,
    ) -> Result<Selection, LockError> {
        let (mut candidates, mut local) = (Vec::new(), Vec::new());
        for node in reached {
            let Some(package) = self.packages.get(node).filter(|_| Some(node) != root) else { continue };
            let (name, version) = (package.name.clone(), package.version.clone());
            match &package.source {
                Source { r#virtual: Some(_), .. } => {}
                Source { git: Some(url), .. } => return Err(LockError::Git { name, url: url.clone() }),
                source => match source.folder() {
                    Some(folder) => local.push(LocalPackage { name, version, path: normalize(&dir.join(folder)) }),
                    None => candidates.push(Candidate {
                        name,
                        version: version.unwrap_or_default(),
                        wheels: package.wheels.iter().map(|wheel| located(wheel, source, dir)).collect(),
                        sdist: package.sdist.as_ref().map(|sdist| located(sdist, source, dir)),
                        hashes: Vec::new(),
                        index: None,
                    }),
                },
            }
        }
        Ok(Selection { packages: choose(candidates, target)?, local })
    }
}

fn extras(package: &Package) -> Vec<String> {
    let provided = package.metadata.iter().flat_map(|metadata| metadata.provides_extras.iter());
    let names: BTreeSet<&String> = provided.chain(package.optional_dependencies.keys()).collect();
    names.into_iter().cloned().collect()
}

fn groups_of(package: &Package) -> Vec<String> {
    let declared = package.metadata.iter().flat_map(|metadata| metadata.requires_dev.keys());
    let names: BTreeSet<&String> = declared.chain(package.dev_dependencies.keys()).collect();
    names.into_iter().cloned().collect()
}

fn title(package: &Package) -> String {
    format!("{} {}", package.name, package.version.as_deref().unwrap_or_default()).trim_end().to_owned()
}

/// Completes a file by where its package comes from.
fn located(file: &File, source: &Source, dir: &Path) -> UncheckedFile {
    let on_disk = |path: &Path| Url::from_file_path(normalize(path)).ok();
    let url = match (&file.url, &file.path, source) {
        (Some(url), _, _) => Url::parse(url).ok(),
        // An index that is a folder: paths of files are relative to it.
        (None, Some(path), Source { registry: Some(registry), .. }) => on_disk(&dir.join(registry).join(path)),
        (None, _, Source { url: Some(url), .. }) => Url::parse(url).ok(),
        (None, _, Source { path: Some(path), .. }) => on_disk(&dir.join(path)),
        _ => None,
    };
    let filename = file.filename.clone().or_else(|| url.as_ref().and_then(file_name));
    UncheckedFile { filename: filename.unwrap_or_default(), sha256: file.hash.as_deref().and_then(sha256), url, size: file.size }
}

/// Where a walk begins.
enum Start<'l> {
    /// At a package, or at one extra of it.
    Node(usize, Option<String>),
    /// At a dependency of a group.
    Edge(&'l Edge),
}

struct Walk<'l> {
    lock: &'l UvLock,
    target: &'l PythonTarget,
    by_name: HashMap<&'l str, Vec<usize>>,
}

impl<'l> Walk<'l> {
    fn new(lock: &'l UvLock, target: &'l PythonTarget) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (node, package) in lock.packages.iter().enumerate() {
            by_name.entry(package.name.as_str()).or_default().push(node);
        }
        Self { lock, target, by_name }
    }

    /// Walks until the set of active extras no longer grows: edges of conflicting extras depend on it.
    fn run(&self, root: Option<usize>, starts: &[Start<'l>], wanted: &Wanted) -> Result<BTreeSet<usize>, LockError> {
        let mut active = self.first_active(root, wanted);
        loop {
            let (reached, extras) = self.once(starts, &active)?;
            let before = active.len();
            active.extend(extras);
            if active.len() == before {
                return Ok(reached);
            }
        }
    }

    fn first_active(&self, root: Option<usize>, wanted: &Wanted) -> BTreeSet<ExtraName> {
        let Some(package) = root.and_then(|root| self.lock.packages.get(root)) else { return BTreeSet::new() };
        let extras = wanted.extras.iter().filter_map(|extra| conflicting("extra", &package.name, Some(extra)));
        let groups = wanted.groups.iter().filter_map(|group| conflicting("group", &package.name, Some(group)));
        let project = (wanted.project == MainDependencies::Include).then(|| conflicting("project", &package.name, None));
        extras.chain(groups).chain(project.flatten()).collect()
    }

    fn once(&self, starts: &[Start<'l>], active: &BTreeSet<ExtraName>) -> Result<(BTreeSet<usize>, Vec<ExtraName>), LockError> {
        let active: Vec<ExtraName> = active.iter().cloned().collect();
        let mut seen: BTreeSet<(usize, Option<String>)> = BTreeSet::new();
        let mut queue: VecDeque<(usize, Option<String>)> = VecDeque::new();
        let follow = |edge: &'l Edge, queue: &mut VecDeque<_>| -> Result<(), LockError> {
            if self.holds(edge.marker.as_deref(), &active)? {
                let node = self.end(edge)?;
                queue.push_back((node, None));
                queue.extend(edge.extra.iter().map(|extra| (node, Some(extra.clone()))));
            }
            Ok(())
        };
        for start in starts {
            match start {
                Start::Node(node, extra) => queue.push_back((*node, extra.clone())),
                Start::Edge(edge) => follow(edge, &mut queue)?,
            }
        }
        while let Some((node, extra)) = queue.pop_front() {
            if !seen.insert((node, extra.clone())) {
                continue;
            }
            let Some(package) = self.lock.packages.get(node) else { continue };
            let edges = match &extra {
                None => &package.dependencies[..],
                Some(extra) => package.optional_dependencies.get(extra).map_or(&[][..], Vec::as_slice),
            };
            for edge in edges {
                follow(edge, &mut queue)?;
            }
        }
        let extras = seen
            .iter()
            .filter_map(|(node, extra)| conflicting("extra", &self.lock.packages.get(*node)?.name, Some(extra.as_deref()?)));
        let extras = extras.collect();
        Ok((seen.into_iter().map(|(node, _)| node).collect(), extras))
    }

    /// Finds the package at the end of an edge: by name, and by version and source where there are several.
    fn end(&self, edge: &Edge) -> Result<usize, LockError> {
        let fits = |node: &&usize| {
            self.lock.packages.get(**node).is_some_and(|package| {
                edge.version.as_ref().is_none_or(|version| package.version.as_ref() == Some(version))
                    && edge.source.as_ref().is_none_or(|source| package.source == *source)
            })
        };
        let named = self.by_name.get(edge.name.as_str()).map_or(&[][..], Vec::as_slice);
        match named.iter().filter(fits).collect::<Vec<_>>().as_slice() {
            [node] => Ok(**node),
            [] => Err(LockError::Dangling { file: FILE.into(), name: edge.name.clone() }),
            [first, ..] => Ok(self.by_markers(&edge.name).unwrap_or(**first)),
        }
    }

    /// Finds the one of several versions that was resolved for this interpreter.
    fn by_markers(&self, name: &str) -> Option<usize> {
        let named = self.by_name.get(name)?;
        let fits = |node: &&usize| {
            let markers = self.lock.packages.get(**node).map_or(&[][..], |package| &package.resolution_markers);
            markers.is_empty() || markers.iter().any(|marker| self.holds(Some(marker), &[]).unwrap_or_default())
        };
        named.iter().find(fits).or(named.first()).copied()
    }

    fn holds(&self, marker: Option<&str>, active: &[ExtraName]) -> Result<bool, LockError> {
        let Some(text) = marker else { return Ok(true) };
        Ok(markers::parse(text, FILE)?.evaluate(self.target.markers(), active))
    }
}

/// The name under which markers of `uv.lock` speak of an extra or a group that excludes another one.
fn conflicting(kind: &str, package: &str, item: Option<&str>) -> Option<ExtraName> {
    let item = item.map(|item| format!("-{}", group_name(item))).unwrap_or_default();
    ExtraName::new(format!("{kind}-{}-{package}{item}", package.len())).ok()
}
