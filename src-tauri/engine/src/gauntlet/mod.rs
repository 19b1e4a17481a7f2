//! The gauntlet: runs a project's gates in containers of its development image and says what each found.
//!
//! Owns: which gate runs when, its container, the services beside it, what its tool's output means. Does not know how the image
//! was made, what a red gate stops, or where reports are kept.

mod aftermath;
mod budget;
pub mod cache;
mod command;
mod container;
mod error;
mod excerpt;
mod gate;
pub mod inputs;
mod judge;
mod leftovers;
mod measured;
mod needed;
mod order;
mod readers;
mod retry;
mod services;
mod shard;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::budget::Budget;
use self::budget::Places;
pub use self::error::GauntletError;
pub use self::gate::not_set_up;
pub use self::judge::no_tests;
pub use self::leftovers::{RunGuard, clean_leftovers};
pub use self::needed::tools_of;
use self::services::Services;
pub use self::services::wanted_services;
pub use self::shard::{Xdist, workers};
use self::versions::Versions;
use crate::docker::Docker;
use crate::docker::once::{Mount, OnceSpec};
use crate::image::ToolVolume;
use crate::mask::{Mask, Secret};
use crate::model::{Digest, GateBudget, GateReport, GateSettings, LogLine, ProjectName, RunId, ServiceSettings, TestResult};

/// Everything that one run of the gauntlet needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct GauntletPlan {
    /// The run; everything that is made on the engine bears it.
    pub run: RunId,
    /// The project.
    pub project: ProjectName,
    /// The image that gates run in.
    pub image: GateImage,
    /// The gates, in the order in which they are shown.
    pub gates: Vec<GateSettings>,
    /// Gates that must be set up; one that is not is red.
    pub required: BTreeSet<String>,
    /// The services that gates may ask for; those that none asks for are not started.
    pub services: BTreeMap<String, ServiceSettings>,
    /// Variables of every gate, below the services' and the gate's own.
    pub env: BTreeMap<String, String>,
    /// Versions of tools that are known already, by distribution; for the others the image is asked.
    pub tools: BTreeMap<String, String>,
    /// Values of the secrets that gates may ask for; they are taken out of all output.
    pub secrets: BTreeMap<String, Secret>,
    /// Reports of gates that need not run: they were green with the same inputs.
    pub known: BTreeMap<String, GateReport>,
    /// What becomes of the others when a gate is red.
    pub after_red: AfterRed,
    /// Limits of each gate, and of all together.
    pub limits: GateLimits,
}

impl GauntletPlan {
    /// Begins the plan of a new run: nothing is to run yet.
    pub fn new(project: ProjectName, image: GateImage, limits: GateLimits) -> Self {
        Self {
            run: RunId::generate(),
            project,
            image,
            gates: Vec::new(),
            required: BTreeSet::new(),
            services: BTreeMap::new(),
            env: BTreeMap::new(),
            tools: BTreeMap::new(),
            secrets: BTreeMap::new(),
            known: BTreeMap::new(),
            after_red: AfterRed::GoOn,
            limits,
        }
    }
}

/// Whether a gate must be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Necessity {
    /// One that is not set up is red.
    Required,
    /// One that is not set up is neither green nor red.
    Optional,
}

impl Necessity {
    /// Looks a gate up among those that must be set up.
    pub fn of<'a>(gate: &str, required: impl IntoIterator<Item = &'a String>) -> Self {
        if required.into_iter().any(|name| name == gate) { Self::Required } else { Self::Optional }
    }
}

/// What becomes of the other gates when one is red or in error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AfterRed {
    /// They run to their end: one failure does not hide the others.
    #[default]
    GoOn,
    /// They are stopped.
    Stop,
}

/// The image that gates run in: the app's own and its development layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateImage {
    /// What the engine calls it.
    pub id: Digest,
    /// The interpreter inside, such as `/usr/local/bin/python`.
    pub python: String,
    /// The folder inside that the project's tree lies in, in which gates run.
    pub workdir: String,
    /// The volume of development wheels, when there are any.
    pub tools: Option<ToolVolume>,
}

impl GateImage {
    /// Begins a container of it: with its tools, and nothing else that a gate may have.
    fn once(&self, source: &str, argv: Vec<String>) -> OnceSpec {
        let mut spec = OnceSpec::new(source, self.id.as_str(), argv);
        spec.mounts.extend(self.tools.iter().map(|tools| Mount::ReadOnly { name: tools.name.clone(), path: tools.path.clone() }));
        spec
    }
}

/// Limits of each gate's container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateLimits {
    /// Cores and memory; `/tmp` counts as memory.
    pub budget: Budget,
    /// Processes and threads.
    pub pids: i64,
    /// Bytes of `/tmp`.
    pub tmp: u64,
    /// Bytes of output that are shown; the last lines are always kept.
    pub output: u64,
    /// Bytes to which the tools' caches are brought back afterwards; none leaves them as they are this time.
    pub cache: Option<u64>,
}

impl GateLimits {
    /// Returns limits that suit an engine, within what the project says.
    pub fn for_engine(docker: &Docker, wanted: GateBudget) -> Self {
        let budget = Budget::for_engine(&docker.info, wanted);
        Self { budget, pids: 1024, tmp: budget.gate_memory / 2, output: 16 * 1024 * 1024, cache: None }
    }
}

/// A fact about a gate, told as soon as it is one. Lines of output travel beside.
#[derive(Debug, Clone, PartialEq)]
// Few of them are made, and each is handed on once.
#[allow(clippy::large_enum_variant)]
pub enum GateFact {
    /// A gate began.
    Started {
        /// Its name.
        gate: String,
        /// What it runs, as a person would type it.
        command: String,
    },
    /// A gate's tests are known, each of them; it is about to end.
    Tested {
        /// Its name.
        gate: String,
        /// Its tests, in the order in which they ran.
        results: Vec<TestResult>,
    },
    /// A gate ended, or is not going to run.
    Finished(GateReport),
    /// Something about a gate that people should know.
    Noted {
        /// What.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The tools' caches were measured.
    CachesMeasured {
        /// Bytes.
        bytes: u64,
    },
}

/// Says a length of time in words.
fn in_words(time: std::time::Duration) -> String {
    gate::in_words(time)
}

/// What the gates of one run share.
struct Hall<'a> {
    docker: &'a Docker,
    plan: &'a GauntletPlan,
    lines: &'a mpsc::Sender<LogLine>,
    facts: &'a (dyn Fn(GateFact) + Send + Sync),
    cancel: &'a CancellationToken,
    /// Stops the gates: when somebody cancels, or when one is red and the others are to stop.
    stop: CancellationToken,
    /// The gate that was red first, when the others are to stop.
    red: OnceLock<String>,
    mask: Mask,
    places: Places,
    services: Services<'a>,
    versions: Versions,
}

/// Runs the gates, side by side as far as they do not need each other, and returns a report of each, in the plan's order.
///
/// A red gate, a gate in error, a service that does not get ready: all are reports. Whatever happens, nothing that was started
/// goes on running.
///
/// # Errors
/// When the plan contradicts itself, or somebody cancels.
pub async fn run(
    docker: &Docker,
    plan: &GauntletPlan,
    lines: &mpsc::Sender<LogLine>,
    facts: &(dyn Fn(GateFact) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<Vec<GateReport>, GauntletError> {
    order::check(plan)?;
    let guard = RunGuard::new(docker, &plan.run);
    let stop = cancel.child_token();
    let hall = Hall {
        docker,
        plan,
        lines,
        facts,
        cancel,
        stop: stop.clone(),
        red: OnceLock::new(),
        mask: Mask::new(plan.secrets.values()),
        places: Places::new(plan.limits.budget),
        services: Services::new(docker, plan, lines, &stop),
        versions: Versions::default(),
    };
    cache::make(docker, &plan.project).await;
    let board = order::Board::new(&plan.gates);
    let gates = join_all(plan.gates.iter().map(|settings| gate::run(&hall, &board, settings)));
    let (reports, (), ()) = tokio::join!(gates, hall.services.start_wanted(), hall.versions.find(&hall));
    if let Some(budget) = plan.limits.cache.filter(|_| !cancel.is_cancelled())
        && let Some(bytes) = cache::trim(&hall, budget).await
    {
        facts(GateFact::CachesMeasured { bytes });
    }
    guard.sweep().await;
    match cancel.is_cancelled() {
        true => Err(GauntletError::Cancelled),
        false => Ok(reports),
    }
}
