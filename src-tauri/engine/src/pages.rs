//! What the pages of a window ask for, and what they are answered: plain data, small enough for lists of thousands.
//!
//! Knows no window: the command line could ask the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::model::{
    BuilderKind, EnvironmentName, EnvironmentSettings, Excerpt, GateName, GateReport, GateState, Process, ProcessKind,
    ProcessName, Release, ReleaseId, RunId, RunRecord, Setting, SourceState, TestResult,
};
use crate::pipeline::placement::replicas;
use crate::project::Project;
use crate::request::{AfterRed, Allow, Bake, Gates, Preview, WhenHeld};
use crate::target::{Held, Leave, Life};

/// A run that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "verb")]
pub enum RunRequest {
    /// The whole pipeline.
    Ship {
        /// Where to.
        environment: EnvironmentName,
        /// Whether a project without tests may go on.
        untested: Allow,
        /// Whether uncommitted changes may go elsewhere than to `local`.
        dirty: Allow,
        /// Which gates run.
        gates: Gates,
        /// What becomes of the other gates when one is red.
        after_red: AfterRed,
        /// Whether it waits for a look at the new instances.
        preview: Preview,
        /// Whether the run waits for the bake.
        bake: Bake,
    },
    /// Inspect, lock, build and gauntlet alone.
    Check {
        /// Which gates run.
        gates: Gates,
        /// What becomes of the other gates when one is red.
        after_red: AfterRed,
    },
    /// An earlier release; without one, the last known good.
    Rollback {
        /// Where.
        environment: EnvironmentName,
        /// Which.
        release: Option<ReleaseId>,
    },
    /// Fresh instances of the release that serves.
    Restart {
        /// Where.
        environment: EnvironmentName,
    },
    /// Removes instances, services and address.
    Down {
        /// Where.
        environment: EnvironmentName,
        /// What stays.
        leave: Leave,
    },
}

/// A run whose plan is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "verb")]
pub enum PlanRequest {
    /// The newest release, or the one that is promoted there.
    Ship,
    /// An earlier release, by any unique prefix of its id; without one, the last known good.
    Rollback {
        /// Which.
        release: Option<ReleaseId>,
    },
    /// Fresh instances of the release that serves.
    Restart,
}

/// A test that took long.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SlowTest {
    /// The gate that ran it.
    pub gate: GateName,
    /// The test, with the time it took.
    pub test: TestResult,
}

/// What a person says beside what is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Said {
    /// The environment's name, as it was typed.
    pub typed: Option<String>,
    /// What happens when another process holds the environment.
    pub held: WhenHeld,
    /// Whether a rollback goes to a release that does not know the database's migrations.
    pub anyway: Allow,
    /// Why it is done; kept with the rollout.
    pub message: Option<String>,
}

/// Who holds an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HeldPage {
    /// `user@host`.
    pub owner: String,
    /// The process's id on that host.
    pub pid: u32,
    /// What it does, such as `ship 3f2a91c04d5e`.
    pub purpose: String,
    /// Since when, RFC 3339, by the engine's clock.
    pub since: String,
    /// The number of its fence: whoever takes the lock away takes it from this holder and no other.
    pub number: u64,
    /// Milliseconds since its last heartbeat.
    pub silent_ms: u64,
    /// Whether it lives.
    pub life: Life,
}

/// What became of the gates in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GatePast {
    /// The run.
    pub run: RunId,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Each gate, in the order in which they are shown.
    pub gates: Vec<GateHeader>,
}

/// How a gate ended, without what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateHeader {
    /// Its name.
    pub gate: String,
    /// How it ended.
    pub state: GateState,
    /// Milliseconds it took.
    pub duration_ms: u64,
    /// Tests that passed, where it runs tests.
    pub passed: Option<u32>,
    /// Tests that failed or could not run.
    pub failed: Option<u32>,
}

/// A run with what happened in it after a sequence number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RunPage {
    /// How it stands.
    pub run: RunRecord,
    /// In order.
    pub events: Vec<Event>,
}

/// A project as its files say it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProjectFacts {
    /// Its folder, links resolved.
    pub folder: PathBuf,
    /// The framework, as people know it.
    pub framework: String,
    /// `MAJOR.MINOR` of the Python that the image runs.
    pub python: String,
    /// The state of the source.
    pub source: SourceState,
    /// What the image is built from: the base, or the Dockerfile.
    pub built_from: String,
    /// Each kind of instance.
    pub processes: Vec<ProcessFacts>,
    /// Every gate that is set up, in the order in which they are shown.
    pub gates: Vec<String>,
    /// Every service that gates and environments may ask for, with its image.
    pub services: BTreeMap<String, String>,
    /// Where releases run.
    pub environments: Vec<EnvironmentFacts>,
    /// Every effective setting and where it came from.
    pub settings: Vec<Setting>,
    /// The file that configures it, relative to the folder; none when everything was inferred.
    pub configuration: Option<PathBuf>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// One kind of instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProcessFacts {
    /// Its name.
    pub name: ProcessName,
    /// Where it listens, if it receives requests.
    pub port: Option<u16>,
    /// What it runs, as a person would type it.
    pub command: String,
}

/// An environment as the project's files declare it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct EnvironmentFacts {
    /// Its name.
    pub name: EnvironmentName,
    /// The engine behind it.
    pub target: String,
    /// Its name must be typed before a rollout.
    pub protected: bool,
    /// The environment in which a release must have baked before.
    pub after: Option<EnvironmentName>,
    /// Instances of each process.
    pub replicas: BTreeMap<ProcessName, u16>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
    /// The services that are kept here.
    pub services: Vec<String>,
}

/// A release as a list of thousands shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReleaseHeader {
    /// Its id.
    pub id: ReleaseId,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// The source that was built.
    pub source: SourceState,
    /// Who built the image.
    pub builder: BuilderKind,
    /// Bytes of the image's own layers.
    pub image_size: u64,
    /// Gates that ran and passed.
    pub gates_passed: u32,
    /// Tests that passed.
    pub tests_passed: u32,
    /// True when there were no tests and a person let it pass.
    pub untested: bool,
}

/// A release beside the one that was made before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReleasePage {
    /// The release.
    pub release: Release,
    /// The one before, if there is one.
    pub before: Option<Release>,
}

/// A folder and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct FolderSize {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of all its files.
    pub bytes: u64,
}

impl FolderSize {
    /// Adds up the files of a folder; what cannot be read counts nothing.
    pub fn of(path: PathBuf) -> Self {
        let files = walkdir::WalkDir::new(&path).into_iter().filter_map(Result::ok);
        let bytes =
            files.filter_map(|entry| entry.metadata().ok()).filter(std::fs::Metadata::is_file).map(|file| file.len()).sum();
        Self { path, bytes }
    }
}

impl ProjectFacts {
    /// Tells what a project is.
    pub fn of(project: &Project) -> Self {
        let settings = &project.settings;
        let dockerfile = settings.build.dockerfile.as_ref().map(|file| file.display().to_string());
        let processes: Vec<ProcessFacts> = settings
            .app
            .processes
            .iter()
            .map(|process| ProcessFacts {
                name: process.name.clone(),
                port: match process.kind {
                    ProcessKind::Web { port } => Some(port),
                    ProcessKind::Worker => None,
                },
                command: process.command.display(),
            })
            .collect();
        Self {
            folder: project.root.clone(),
            framework: settings.app.framework.title().to_owned(),
            python: settings.app.python.clone(),
            source: project.source_state(),
            built_from: dockerfile.unwrap_or_else(|| settings.build.base.clone()),
            gates: settings.gauntlet.gates.iter().filter(|gate| gate.run.is_some()).map(|gate| gate.name.clone()).collect(),
            services: settings.services.iter().map(|(name, service)| (name.clone(), service.image.clone())).collect(),
            environments: settings
                .in_order()
                .into_iter()
                .map(|(name, environment)| EnvironmentFacts::of(name, environment, &settings.app.processes))
                .collect(),
            settings: project.explained.clone(),
            configuration: project.configuration.clone(),
            warnings: project.warnings.iter().map(|warning| warning.message.clone()).collect(),
            processes,
        }
    }
}

impl EnvironmentFacts {
    fn of(name: &EnvironmentName, settings: &EnvironmentSettings, processes: &[Process]) -> Self {
        let replicas = processes.iter().map(|process| (process.name.clone(), replicas(settings, &process.name, process.kind)));
        Self {
            name: name.clone(),
            target: settings.target.clone(),
            protected: settings.protected,
            after: settings.after.clone(),
            replicas: replicas.collect(),
            secrets: settings.secrets.clone(),
            services: settings.services.clone(),
        }
    }
}

impl From<&Release> for ReleaseHeader {
    fn from(release: &Release) -> Self {
        let evidence = &release.evidence;
        let passed = evidence.gates.iter().filter(|gate| matches!(gate.state.as_str(), "green" | "cached"));
        Self {
            id: release.id.clone(),
            created_at: release.created_at.clone(),
            source: evidence.source.clone(),
            builder: evidence.builder,
            image_size: evidence.image_size,
            gates_passed: u32::try_from(passed.count()).unwrap_or(u32::MAX),
            tests_passed: evidence.gates.iter().filter_map(|gate| gate.tests_passed).sum(),
            untested: evidence.untested,
        }
    }
}

impl From<Held> for HeldPage {
    fn from(held: Held) -> Self {
        Self {
            owner: held.holder.owner,
            pid: held.holder.pid,
            purpose: held.holder.purpose,
            since: held.holder.since,
            number: held.number,
            silent_ms: u64::try_from(held.silent.as_millis()).unwrap_or(u64::MAX),
            life: held.life,
        }
    }
}

impl From<GateReport> for GateHeader {
    fn from(report: GateReport) -> Self {
        Self {
            passed: report.tests.as_ref().map(|tests| tests.passed),
            failed: report.tests.as_ref().map(|tests| tests.failed + tests.errors),
            gate: report.gate,
            state: report.state,
            duration_ms: report.duration_ms,
        }
    }
}

impl RunRequest {
    /// Returns the environment that it moves, if it moves one.
    pub fn environment(&self) -> Option<&EnvironmentName> {
        match self {
            Self::Check { .. } => None,
            Self::Ship { environment, .. }
            | Self::Rollback { environment, .. }
            | Self::Restart { environment }
            | Self::Down { environment, .. } => Some(environment),
        }
    }
}

/// Reads a few lines around one of a file below a folder; `file` is relative to it.
pub(crate) fn excerpt(root: &Path, file: &Path, line: u32) -> std::io::Result<Excerpt> {
    const AROUND: u32 = 4;
    const LARGEST: u64 = 4 * 1024 * 1024;
    let path = below(root, file)?;
    if path.metadata()?.len() > LARGEST {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is too large to show"));
    }
    let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    let first = line.saturating_sub(AROUND).max(1);
    let skipped = usize::try_from(first - 1).unwrap_or(usize::MAX);
    let count = usize::try_from(line.saturating_sub(first) + AROUND + 1).unwrap_or(usize::MAX);
    Ok(Excerpt { first, lines: text.lines().skip(skipped).take(count).map(str::to_owned).collect() })
}

/// Returns a file below a folder, links resolved; one that leads out of it is refused. A path that begins elsewhere, as an instance tells
/// it in a traceback, is the file with the longest same ending.
pub(crate) fn below(root: &Path, file: &Path) -> std::io::Result<PathBuf> {
    let root = root.canonicalize()?;
    let inside = |file: &Path| {
        let path = root.join(file).canonicalize()?;
        if path.starts_with(&root) && path.is_file() {
            return Ok(path);
        }
        Err(std::io::Error::new(std::io::ErrorKind::NotFound, "it is no file of the project"))
    };
    let found = inside(file);
    if found.is_ok() || !file.is_absolute() {
        return found;
    }
    let mut rest = file.components();
    while rest.next().is_some() {
        let ending = rest.as_path();
        if ending.file_name().is_some()
            && let Ok(path) = inside(ending)
        {
            return Ok(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_excerpt_holds_the_lines_around_one() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (1..=20).map(|number| format!("line {number}\n")).collect();
        std::fs::write(folder.path().join("shop.py"), text).unwrap();
        let found = excerpt(folder.path(), Path::new("shop.py"), 10).unwrap();
        assert_eq!((found.first, found.lines.len()), (6, 9));
        assert_eq!(found.lines.first().map(String::as_str), Some("line 6"));
        let top = excerpt(folder.path(), Path::new("shop.py"), 1).unwrap();
        assert_eq!((top.first, top.lines.len()), (1, 5));
        assert!(excerpt(folder.path(), Path::new("shop.py"), 99).unwrap().lines.is_empty());
    }

    #[test]
    fn a_path_of_an_instance_is_found_by_its_ending() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("project");
        std::fs::create_dir_all(folder.join("src/shop")).unwrap();
        for file in ["main.py", "src/shop/main.py", "src/shop/orders.py"] {
            std::fs::write(folder.join(file), file).unwrap();
        }
        let found = |file: &str| below(&folder, Path::new(file)).ok().map(|path| std::fs::read_to_string(path).unwrap());
        assert_eq!(found("/app/src/shop/main.py").as_deref(), Some("src/shop/main.py"));
        assert_eq!(found("/srv/main.py").as_deref(), Some("main.py"));
        assert_eq!(found("/app/orders.py"), None, "a name alone is not a place");
        assert_eq!(found("/app/../project/main.py").as_deref(), Some("main.py"));
        assert_eq!(found("shop/main.py"), None, "a path of the project is taken as it is");
        assert_eq!(found("/"), None);
    }

    #[test]
    fn nothing_outside_of_the_folder_is_read() {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("project");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.join("link")).unwrap();
        for file in ["../secret", "link", "/etc/hostname", "."] {
            assert!(excerpt(&folder, Path::new(file), 1).is_err(), "{file}");
        }
    }
}
