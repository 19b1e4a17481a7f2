//! The gauntlet: runs a project's gates in containers of its development image and says what each found.
//!
//! Owns: which gate runs when, its container, the services beside it, what its tool's output means. Does not know how the image
//! was made, what a red gate stops, or where reports are kept.

mod command;
mod container;
mod error;
mod excerpt;
mod gate;
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

use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

pub use self::error::GauntletError;
pub use self::judge::no_tests;
use self::leftovers::RunGuard;
pub use self::leftovers::clean_leftovers;
pub use self::needed::tools_of;
use self::services::Services;
pub use self::services::wanted_services;
pub use self::shard::{Xdist, workers};
use self::versions::Versions;
use crate::docker::Docker;
use crate::model::{Digest, GateReport, GateSettings, LogLine, ProjectName, RunId, ServiceSettings, TestResult};

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
    /// Limits of each gate.
    pub limits: GateLimits,
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
}

/// Limits of each gate's container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateLimits {
    /// Bytes of memory, `/tmp` included.
    pub memory: u64,
    /// Processes and threads.
    pub pids: i64,
    /// Bytes of `/tmp`.
    pub tmp: u64,
    /// Bytes of output that are shown; the last lines are always kept.
    pub output: u64,
}

impl GateLimits {
    /// Returns limits that suit an engine: half of its memory, between 512 MiB and 4 GiB.
    pub fn for_engine(docker: &Docker) -> Self {
        const GIB: u64 = 1024 * 1024 * 1024;
        let memory = (docker.info.memory / 2).clamp(GIB / 2, 4 * GIB);
        Self { memory, pids: 1024, tmp: memory / 2, output: 16 * 1024 * 1024 }
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
    /// As many gates at a time as the engine has cores.
    places: Semaphore,
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
    let hall = Hall {
        docker,
        plan,
        lines,
        facts,
        cancel,
        places: Semaphore::new(docker.info.cpus.max(1) as usize),
        services: Services::new(docker, plan, lines, cancel),
        versions: Versions::default(),
    };
    services::make_cache(docker, plan).await;
    let board = order::Board::new(&plan.gates);
    let gates = join_all(plan.gates.iter().map(|settings| gate::run(&hall, &board, settings)));
    let (reports, (), ()) = tokio::join!(gates, hall.services.start_wanted(), hall.versions.find(&hall));
    guard.sweep().await;
    match cancel.is_cancelled() {
        true => Err(GauntletError::Cancelled),
        false => Ok(reports),
    }
}
