//! The choice from `pylock.toml`, as PEP 751 tells installers to make it, and what can be said of its freshness.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::ExtraName;
use url::Url;

use super::super::LockError;
use super::super::file::{file_name, normalize};
use super::super::findings::{Verdict, Words};
use super::super::manifest::{Manifest, group_name};
use super::super::markers;
use super::super::python::PythonTarget;
use super::super::selection::{Candidate, LocalPackage, MainDependencies, Selection, UncheckedFile, Wanted, choose, sha256};
use super::super::urls::Remote;
use super::schema::{File, Package, Pylock};

const FILE: &str = "pylock.toml";

impl Pylock {
    /// Chooses what a project needs.
    pub(in super::super) fn select(
        &self,
        project: &Path,
        target: &PythonTarget,
        wanted: &Wanted,
    ) -> Result<Selection, LockError> {
        self.require_python(self.requires_python.as_deref(), target)?;
        let mut fits = self.environments.is_empty();
        for environment in &self.environments {
            fits |= markers::parse(environment, FILE)?.evaluate(target.markers(), &[]);
        }
        if !fits {
            return Err(LockError::Environment { wants: self.environments.join(" or ") });
        }
        let active = self.active(wanted)?;
        let (mut candidates, mut local) = (Vec::new(), Vec::new());
        for package in &self.packages {
            if !package.is_wanted(&active, wanted, target)? {
                continue;
            }
            self.require_python(package.requires_python.as_deref(), target)?;
            let (name, version) = (group_name(&package.name), package.version.clone());
            if let Some(vcs) = &package.vcs {
                let url = vcs.url.clone().or(vcs.path.clone()).unwrap_or_default();
                return Err(LockError::Git { name, url });
            }
            match &package.directory {
                Some(directory) => {
                    let path = normalize(&project.join(&directory.path));
                    // The project itself is no package to install.
                    if path != normalize(project) {
                        local.push(LocalPackage { name, version, path });
                    }
                }
                None => candidates.push(package.candidate(name, project)),
            }
        }
        Ok(Selection { packages: choose(candidates, target)?, local })
    }

    /// Names the extras and the groups.
    pub(in super::super) fn names(&self) -> (Vec<String>, Vec<String>) {
        let normal = |names: &[String]| names.iter().map(|name| group_name(name)).collect();
        (normal(&self.extras), normal(&self.dependency_groups))
    }

    /// Names the group for development, where there is one: what the format calls default belongs to the app.
    pub(in super::super) fn default_groups(&self) -> Vec<String> {
        self.names().1.into_iter().filter(|group| group == "dev").collect()
    }

    /// Looks for a direct requirement that is not met; that all are proves nothing of the rest.
    pub(in super::super) fn check(&self, manifest: Option<&Manifest>) -> Result<Verdict, LockError> {
        let words = Words { lock: FILE, manifest: "pyproject.toml".into(), hint: "make it again with the tool that wrote it" };
        let mut locked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for package in &self.packages {
            locked.entry(group_name(&package.name)).or_default().extend(package.version.clone());
        }
        let requirements = manifest.map_or(Ok(Vec::new()), Manifest::dependencies)?;
        Ok(Verdict {
            findings: words.unmet(&requirements, "", &locked),
            doubts: vec!["pylock.toml does not record what it was made for: only direct requirements were compared".into()],
        })
    }

    /// Counts the packages that are not folders of this machine.
    pub(in super::super) fn pinned(&self) -> usize {
        self.packages.iter().filter(|package| package.directory.is_none()).count()
    }

    /// Lists the packages whose files have no sha256.
    pub(in super::super) fn unhashed(&self) -> Vec<String> {
        let bare = |package: &&Package| {
            let mut files = package.wheels.iter().chain(&package.sdist).chain(&package.archive).peekable();
            files.peek().is_some() && files.all(|file| hash(file).is_none())
        };
        let title = |package: &Package| format!("{} {}", package.name, package.version.as_deref().unwrap_or_default());
        self.packages.iter().filter(bare).map(|package| title(package).trim_end().to_owned()).collect()
    }

    /// Lists the packages from repositories, with the address.
    pub(in super::super) fn repositories(&self) -> Vec<(String, String)> {
        let git = |package: &Package| Some((package.name.clone(), package.vcs.as_ref()?.url.clone().unwrap_or_default()));
        self.packages.iter().filter_map(git).collect()
    }

    fn require_python(&self, range: Option<&str>, target: &PythonTarget) -> Result<(), LockError> {
        let Some(range) = range else { return Ok(()) };
        let specifiers = VersionSpecifiers::from_str(range).unwrap_or_default();
        if specifiers.contains(&target.version().only_release()) {
            return Ok(());
        }
        Err(LockError::Python { wants: range.to_owned(), has: target.version().to_string() })
    }

    fn active(&self, wanted: &Wanted) -> Result<Vec<ExtraName>, LockError> {
        let (extras, groups) = self.names();
        let mut active = Vec::new();
        for extra in &wanted.extras {
            let extra = group_name(extra);
            match markers::extra(&extra) {
                Some(name) if extras.contains(&extra) => active.push(name),
                _ => return Err(LockError::UnknownExtra { extra, known: extras }),
            }
        }
        for group in &wanted.groups {
            let group = group_name(group);
            match markers::group(&group) {
                Some(name) if groups.contains(&group) => active.push(name),
                _ => return Err(LockError::UnknownGroup { file: FILE.into(), group, known: groups }),
            }
        }
        if wanted.project == MainDependencies::Include {
            active.extend(self.default_groups.iter().filter_map(|group| markers::group(group)));
        }
        Ok(active)
    }
}

impl Package {
    fn is_wanted(&self, active: &[ExtraName], wanted: &Wanted, target: &PythonTarget) -> Result<bool, LockError> {
        let include = wanted.project == MainDependencies::Include;
        let Some(text) = &self.marker else { return Ok(include) };
        let marker = markers::parse(text, FILE)?;
        // What would be there without any group belongs to the project.
        let of_project = || marker.evaluate(target.markers(), &[]);
        Ok(marker.evaluate(target.markers(), active) && (include || !of_project()))
    }

    fn candidate(&self, name: String, project: &Path) -> Candidate {
        let archive = self.archive.as_ref().map(|file| located(file, project));
        let (wheel, sdist): (Vec<_>, Vec<_>) = archive.into_iter().partition(|file| file.filename.ends_with(".whl"));
        let wheels = self.wheels.iter().map(|file| located(file, project)).chain(wheel).collect();
        Candidate {
            name,
            version: self.version.clone().unwrap_or_default(),
            wheels,
            sdist: self.sdist.as_ref().map(|file| located(file, project)).or(sdist.into_iter().next()),
            hashes: Vec::new(),
            index: None,
        }
    }
}

fn located(file: &File, project: &Path) -> UncheckedFile {
    let remote = file.url.as_deref().and_then(|url| Url::parse(url).ok());
    let local = || Url::from_file_path(normalize(&project.join(file.path.as_deref()?))).ok();
    let url = remote.or_else(local);
    let filename = file.name.clone().or_else(|| url.as_ref().and_then(file_name));
    UncheckedFile { filename: filename.unwrap_or_default(), sha256: hash(file), url, size: file.size }
}

fn hash(file: &File) -> Option<String> {
    sha256(&format!("sha256:{}", file.hashes.get("sha256")?))
}

impl Pylock {
    /// Lists every file with a URL and a sha256, by `name==version`.
    pub(in super::super) fn remotes(&self) -> BTreeMap<String, Vec<Remote>> {
        let mut all: BTreeMap<String, Vec<Remote>> = BTreeMap::new();
        for package in &self.packages {
            let files = package.wheels.iter().chain(&package.sdist).filter_map(|file| {
                let UncheckedFile { filename, sha256, url, size } = located(file, Path::new("/"));
                Some(Remote { filename, url: url?, sha256: sha256?, size })
            });
            let key = format!("{}=={}", group_name(&package.name), package.version.as_deref().unwrap_or_default());
            all.entry(key).or_default().extend(files);
        }
        all
    }
}
