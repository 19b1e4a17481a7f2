//! Where the files of a lock without URLs are: asked once, through uv, and remembered by the lock's digest.
//!
//! What the index answers is only believed where its sha256 is one of the lock's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use url::Url;

use super::LockFile;
use super::error::{LockError, Unavailable};
use super::file;
use super::index::{self, PipIndexes};
use super::pylock::Pylock;
use super::python::PythonTarget;
use super::selection::{Choice, LockedFile, LockedPackage, ResolvedWheel, Selection};
use super::tags::Tags;
use super::tool::CommandLine;
use super::wheel::pick;

/// The version of the remembered answer's form.
const FORMAT: u32 = 1;

/// What an index answered, by `name==version`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    format: u32,
    files: BTreeMap<String, Vec<Remote>>,
}

/// One file of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remote {
    pub(super) filename: String,
    pub(super) url: Url,
    pub(super) sha256: String,
    pub(super) size: Option<u64>,
}

/// Completes a selection: every package becomes a wheel with a URL.
///
/// Where the lock holds no URLs, uv is asked with the index configuration of the user, and the answer is kept in `cache` under
/// the lock's digest; without uv such a lock cannot be used.
///
/// # Errors
/// `LockError::NoWheel` for packages that must be built first, `LockError::NoUrl` when the index lacks a locked file,
/// `LockError::Mismatch` when it has another one of that name, `LockError::ToolMissing` and `LockError::ToolFailed` from uv.
pub async fn with_urls(
    packages: Vec<LockedPackage>,
    lock: &LockFile,
    target: &PythonTarget,
    cache: &Path,
) -> Result<Vec<ResolvedWheel>, LockError> {
    let selection = Selection { packages, local: Vec::new() };
    selection.require_wheels()?;
    let remembered = cache.join(format!("{}-3.{}.json", lock.digest().hex(), target.minor()));
    let mut answers = Answers::read(&remembered);
    let unknown: Vec<&LockedPackage> = selection.packages.iter().filter(|package| answers.lack(package)).collect();
    if !unknown.is_empty() {
        answers.ask(&unknown, target).await?;
        answers.write(&remembered)?;
    }
    let tags = Tags::of(target);
    let (mut wheels, mut missing) = (Vec::new(), Vec::new());
    for package in &selection.packages {
        match answers.wheel(package, target, &tags)? {
            Ok(wheel) => wheels.push(wheel),
            Err(unavailable) => missing.push(unavailable),
        }
    }
    if missing.is_empty() { Ok(wheels) } else { Err(LockError::NoWheel { packages: missing }) }
}

fn key(package: &LockedPackage) -> String {
    format!("{}=={}", package.name, package.version)
}

/// Finds what an index answered about a package; it may write the version in another way, such as 2.0 for 2.0.0.
fn files_of<'f>(files: &'f BTreeMap<String, Vec<Remote>>, package: &LockedPackage) -> Option<&'f [Remote]> {
    let same_version = |key: &str| match key.strip_prefix(&package.name).and_then(|rest| rest.strip_prefix("==")) {
        Some(version) => match (Version::from_str(version), Version::from_str(&package.version)) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        },
        None => false,
    };
    let exact = files.get(&key(package));
    let found = exact.or_else(|| files.iter().find(|(key, _)| same_version(key)).map(|(_, files)| files));
    found.map(Vec::as_slice)
}

impl Answers {
    fn read(path: &Path) -> Self {
        // A cache that cannot be read is asked for again.
        let text = file::read_text(path).ok().flatten();
        let answers: Option<Self> = text.and_then(|text| serde_json::from_str(&text).ok());
        answers.filter(|answers| answers.format == FORMAT).unwrap_or_default()
    }

    fn write(&mut self, path: &Path) -> Result<(), LockError> {
        self.format = FORMAT;
        let text = serde_json::to_string(self).unwrap_or_default();
        file::write_text(path, &text)
    }

    fn of(&self, package: &LockedPackage) -> &[Remote] {
        files_of(&self.files, package).unwrap_or_default()
    }

    /// Tells whether the index must be asked about a package.
    fn lack(&self, package: &LockedPackage) -> bool {
        let known = |sha256: &String| self.of(package).iter().any(|remote| remote.sha256 == *sha256);
        match &package.choice {
            Choice::Wheel(wheel) => wheel.url.is_none() && !known(&wheel.sha256),
            Choice::Hashes(hashes) => !hashes.iter().any(known),
            Choice::Sdist { .. } => false,
        }
    }

    /// Asks for packages, those of each index together.
    async fn ask(&mut self, packages: &[&LockedPackage], target: &PythonTarget) -> Result<(), LockError> {
        let indexes: BTreeSet<Option<&Url>> = packages.iter().map(|package| package.index.as_ref()).collect();
        for index in indexes {
            let of_index: Vec<&LockedPackage> =
                packages.iter().copied().filter(|package| package.index.as_ref() == index).collect();
            let first = question(&of_index, index, target, None).await;
            let satisfied =
                |found: &BTreeMap<String, Vec<Remote>>| of_index.iter().all(|package| files_of(found, package).is_some());
            let found = match first {
                Ok(found) if satisfied(&found) => found,
                Err(error @ LockError::ToolMissing { .. }) => return Err(error),
                // The user may have told pip of an index, and not uv.
                first => match PipIndexes::configured(&std::env::temp_dir()).await.filter(|_| index.is_none()) {
                    Some(pip) => question(&of_index, index, target, Some(&pip)).await?,
                    None => first?,
                },
            };
            self.files.extend(found);
        }
        Ok(())
    }

    fn wheel(
        &self,
        package: &LockedPackage,
        target: &PythonTarget,
        tags: &Tags,
    ) -> Result<Result<ResolvedWheel, Unavailable>, LockError> {
        let LockedPackage { name, version, .. } = package;
        let remotes = self.of(package);
        let no_url = || LockError::NoUrl { name: name.clone(), version: version.clone() };
        let found = match &package.choice {
            Choice::Wheel(LockedFile { filename, sha256, url: Some(url), size }) => {
                Remote { filename: filename.clone(), url: url.clone(), sha256: sha256.clone(), size: *size }
            }
            Choice::Wheel(wheel) => match remotes.iter().find(|remote| remote.filename == wheel.filename) {
                Some(remote) if remote.sha256 == wheel.sha256 => remote.clone(),
                Some(remote) => {
                    let (file, has, wants) = (remote.filename.clone(), remote.sha256.clone(), wheel.sha256.clone());
                    return Err(LockError::Mismatch { file, has, wants });
                }
                None => return Err(no_url()),
            },
            Choice::Hashes(hashes) => {
                let locked: Vec<&Remote> = remotes.iter().filter(|remote| hashes.contains(&remote.sha256)).collect();
                if locked.is_empty() {
                    return Err(no_url());
                }
                match pick(&locked, |remote| &remote.filename, target, tags) {
                    Ok(remote) => (*remote).clone(),
                    Err(reason) => {
                        return Ok(Err(Unavailable { name: name.clone(), version: version.clone(), reason }));
                    }
                }
            }
            Choice::Sdist { reason, .. } => {
                return Ok(Err(Unavailable { name: name.clone(), version: version.clone(), reason: reason.clone() }));
            }
        };
        let Remote { filename, url, sha256, size } = found;
        Ok(Ok(ResolvedWheel { name: name.clone(), version: version.clone(), filename, url, sha256, size }))
    }
}

/// Lets uv list the files of exact versions; nothing is resolved, built or installed.
async fn question(
    packages: &[&LockedPackage],
    index: Option<&Url>,
    target: &PythonTarget,
    pip: Option<&PipIndexes>,
) -> Result<BTreeMap<String, Vec<Remote>>, LockError> {
    let io = |error: std::io::Error| LockError::File {
        path: PathBuf::from("requirements.in"),
        verb: "written",
        reason: error.to_string(),
    };
    // A folder of its own, so that no project's configuration is read.
    let folder = tempfile::tempdir().map_err(io)?;
    let lines: String = packages.iter().map(|package| format!("{}\n", key(package))).collect();
    std::fs::write(folder.path().join("requirements.in"), lines).map_err(io)?;
    let python = format!("3.{}", target.minor());
    // The first Python that is found will do, since none is run: finding a certain one can take seconds.
    let mut words = vec!["uv", "pip", "compile", "requirements.in", "--python", "3", "--no-deps", "--universal"];
    words.extend(["--no-header", "--quiet", "--format", "pylock.toml", "--python-version", &python]);
    if let Some(index) = index {
        words.extend(["--default-index", index.as_str()]);
    }
    let command = CommandLine::new(words, "finding the files of a lock without URLs");
    let text = command
        .run(folder.path(), |command| {
            index::apply(
                command,
                std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
            );
            if let Some(pip) = pip {
                pip.apply(command);
            }
        })
        .await?;
    Ok(Pylock::parse(&text)?.remotes())
}
