//! Tools of gates that a project configures and does not lock: at versions of ours, with what they need, found through uv.
//!
//! What is found is kept in `nonevent.lock` by whoever asks, and handed in the next time: then the same versions are found again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::LockError;
use super::file;
use super::index::{self, PipIndexes};
use super::pylock::Pylock;
use super::python::{Libc, PythonTarget};
use super::selection::{Choice, ResolvedWheel, Wanted};
use super::tool::CommandLine;

/// The versions that are run where a project locks none and `nonevent.lock` pins none.
const OURS: [(&str, &str); 6] = [
    ("basedpyright", "1.40.2"),
    ("black", "26.10.1"),
    ("mypy", "2.4.1"),
    ("pytest", "9.2.0"),
    ("ruff", "0.17.6"),
    ("ty", "0.0.105"),
];

/// Returns the version of a tool that is run where nothing else is said; none of a tool that must be locked.
pub fn our_version(tool: &str) -> Option<&'static str> {
    OURS.iter().find(|(name, _)| *name == tool).map(|(_, version)| *version)
}

/// Tools with what they need.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unlocked {
    /// Their wheels, without those of packages that are there anyway.
    pub wheels: Vec<ResolvedWheel>,
    /// The version of each of them, to be pinned.
    pub pins: BTreeMap<String, String>,
}

/// Finds the wheels of tools and of what they need for one interpreter, beside packages that are there with their versions.
///
/// `pins` holds versions that were found before. The answer is kept in `cache`.
///
/// # Errors
/// `LockError::ToolMissing` and `LockError::ToolFailed` from uv, `LockError::NoUrl` for what has no wheel.
pub async fn unlocked(
    tools: &[&str],
    pins: &BTreeMap<String, String>,
    beside: &BTreeMap<String, String>,
    target: &PythonTarget,
    cache: &Path,
) -> Result<Unlocked, LockError> {
    let version = |tool: &str| pins.get(tool).map(String::as_str).or_else(|| our_version(tool));
    let wanted: String = tools.iter().filter_map(|tool| Some(format!("{tool}=={}\n", version(tool)?))).collect();
    // What ships has the last word on what both need.
    let line = |(name, version): (&String, &String)| format!("{name}=={version}\n");
    let shipped: String = beside.iter().map(line).collect();
    let held = pins.iter().filter(|(name, _)| !beside.contains_key(*name) && !tools.contains(&name.as_str()));
    let held: String = held.map(line).collect();
    let ask = |constraints| Question { wanted: wanted.clone(), constraints, target }.answer(cache);
    let text = match ask(format!("{shipped}{held}")).await {
        // What was pinned does not go together with what ships today.
        Err(LockError::ToolFailed { .. }) if !held.is_empty() => ask(shipped).await?,
        answer => answer?,
    };
    let selection = Pylock::parse(&text)?.select(cache, target, &Wanted::default())?;
    let mut found = Unlocked::default();
    for package in selection.packages.into_iter().filter(|package| !beside.contains_key(&package.name)) {
        let Choice::Wheel(wheel) = package.choice else {
            return Err(LockError::NoUrl { name: package.name, version: package.version });
        };
        let Some(url) = wheel.url else { return Err(LockError::NoUrl { name: package.name, version: package.version }) };
        found.pins.insert(package.name.clone(), package.version.clone());
        found.wheels.push(ResolvedWheel {
            name: package.name,
            version: package.version,
            filename: wheel.filename,
            url,
            sha256: wheel.sha256,
            size: wheel.size,
        });
    }
    Ok(found)
}

/// The interpreter's system, in uv's words.
fn platform(target: &PythonTarget) -> String {
    let libc = match target.libc() {
        Libc::Glibc { .. } => "gnu",
        Libc::Musl { .. } => "musl",
    };
    format!("{}-unknown-linux-{libc}", target.machine().as_str())
}

/// What uv is asked.
struct Question<'a> {
    wanted: String,
    constraints: String,
    target: &'a PythonTarget,
}

impl Question<'_> {
    /// Takes the answer from the cache, or asks and keeps it there.
    async fn answer(self, cache: &Path) -> Result<String, LockError> {
        let Self { wanted, constraints, target } = &self;
        let asked = format!("1\n3.{} {}\n{wanted}\n{constraints}", target.minor(), platform(target));
        let remembered = cache.join(format!("tools-{}.toml", hex::encode(Sha256::digest(asked))));
        if let Some(text) = file::read_text(&remembered).ok().flatten() {
            return Ok(text);
        }
        let text = self.ask().await?;
        file::write_text(&remembered, &text)?;
        Ok(text)
    }

    /// Asks with the index configuration of the user: uv's, else pip's.
    async fn ask(&self) -> Result<String, LockError> {
        match self.put(None).await {
            Err(error @ LockError::ToolFailed { .. }) => match PipIndexes::configured(&std::env::temp_dir()).await {
                Some(pip) => self.put(Some(&pip)).await,
                None => Err(error),
            },
            answer => answer,
        }
    }

    async fn put(&self, pip: Option<&PipIndexes>) -> Result<String, LockError> {
        let io = |error: std::io::Error| LockError::File {
            path: PathBuf::from("requirements.in"),
            verb: "written",
            reason: error.to_string(),
        };
        // A folder of its own, so that no project's configuration is read.
        let folder = tempfile::tempdir().map_err(io)?;
        std::fs::write(folder.path().join("requirements.in"), &self.wanted).map_err(io)?;
        std::fs::write(folder.path().join("constraints.txt"), &self.constraints).map_err(io)?;
        let (python, platform) = (format!("3.{}", self.target.minor()), platform(self.target));
        let mut words = vec!["uv", "pip", "compile", "requirements.in", "--constraints", "constraints.txt"];
        // The first Python that is found will do: what is wanted has wheels, and nothing is built.
        words.extend(["--python", "3", "--python-version", &python, "--python-platform", &platform]);
        words.extend(["--only-binary", ":all:", "--no-header", "--quiet", "--format", "pylock.toml"]);
        let command = CommandLine::new(words, "finding tools of gates that the project does not lock");
        command
            .run(folder.path(), |command| {
                index::apply(
                    command,
                    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
                );
                if let Some(pip) = pip {
                    pip.apply(command);
                }
            })
            .await
    }
}
